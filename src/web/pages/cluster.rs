//! The cluster: whether it keeps Spaces apart, what the reconciler sees and does.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use leptos::prelude::*;
use time::OffsetDateTime;

use super::{
    asked::{Asked, paging, refused},
    parts::Typed,
};
use crate::{
    islands::Live,
    manager::{
        Error, Manager, Page,
        cluster::{Answer, Check, Decision, Finding, Isolation, Pass, Report, Severity},
        named::{Known, Named},
    },
    web::{
        Web, paths,
        ui::{
            ButtonKind, Column, CopyValue, EmptyState, Fact, Facts, Glyph, Icon, Moment, Notice, PageHead, Panel, Pill,
            Refused, Section, Submit, Table, Tone, When,
        },
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::CLUSTER, get(show).post(sweep)).route(paths::CLUSTER_DECISIONS, post(decide))
}

struct Model {
    asked: Asked,
    report: Option<(OffsetDateTime, Report)>,
    passes: Page<Pass>,
    /// What of ours the findings name.
    known: Known,
    admin: bool,
    now: OffsetDateTime,
}

async fn load(visit: &Visit, manager: &Manager, asked: Asked) -> Result<Model, Error> {
    let before = asked.number("before", i64::MAX)?;
    let passes = manager.list_passes(&visit.actor(), before, asked.limit()?).await?;
    let report = manager.load_cluster(&visit.actor()).await?;
    let findings = report.as_ref().map(|(_, report)| report.findings.as_slice()).unwrap_or_default();
    let known = manager.find_named(&visit.actor(), findings).await?;
    Ok(Model { asked, report, passes, known, admin: visit.is_admin(), now: visit.now() })
}

async fn show(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, asked).await {
        Ok(model) => {
            let model = Arc::new(model);
            visit.page(Place::new(Section::Cluster, "Cluster").with_islands(), move || view(&model)).await
        }
        Err(error) => refused(&visit, Section::Cluster, "Cluster", paths::CLUSTER, error).await,
    }
}

async fn sweep(visit: Visit, State(manager): State<Manager>) -> Response {
    match manager.sweep_now(&visit.actor()).await {
        Ok(()) => visit.done(paths::CLUSTER, "Everything is compared with Kafka now.").await,
        Err(error) => visit.refusal(error).await,
    }
}

async fn decide(visit: Visit, State(manager): State<Manager>, typed: Typed) -> Response {
    let (subject, reason) = (typed.get("subject"), typed.get("reason"));
    let Some(answer) = Answer::from_word(&typed.get("answer")) else {
        return visit.act_refused(paths::CLUSTER, Error::field("answer", "is not one of those that are offered")).await;
    };
    match manager.decide(&visit.actor(), &subject, answer, &reason).await {
        Ok(()) => visit.done(paths::CLUSTER, "It is noted, and done at the next comparison.").await,
        Err(error) => visit.act_refused(paths::CLUSTER, error).await,
    }
}

fn view(model: &Model) -> AnyView {
    let act = if model.admin {
        view! {
            <form method="post" action=paths::CLUSTER><Submit glyph=Glyph::Refresh>"Compare now"</Submit></form>
        }
        .into_any()
    } else {
        view! { <Refused id="compare" label="Compare now" reason="Only an admin."/> }.into_any()
    };
    let body = match &model.report {
        None => view! {
            <EmptyState glyph=Glyph::Cluster title="No report yet"
                text="The reconciler compares Kafka with what is wanted, and reports here. It has not done so yet: see that one runs." action=None/>
        }
        .into_any(),
        Some((at, report)) => reported(*at, report, model),
    };
    let topic = "cluster:kafka".to_owned();
    view! {
        <PageHead title="Cluster" lead="The Kafka that is kept as it is wanted here.">
            <Live url=paths::LIVE topic=topic/>
            {act}
        </PageHead>
        <div id="cluster-report" data-live="">{body}</div>
        <div id="cluster-passes" data-live="">{passes(model)}</div>
    }
    .into_any()
}

fn reported(at: OffsetDateTime, report: &Report, model: &Model) -> AnyView {
    let now = model.now;
    let failing = report.error.clone().map(|why| {
        view! { <Notice tone=Tone::Fail title="The newest comparison failed; it is tried again."><p>{why}</p></Notice> }
    });
    let id = match report.cluster_id.clone() {
        Some(id) => view! { <CopyValue label="cluster id" value=id/> }.into_any(),
        None => view! { <span class="secondary">"Not known"</span> }.into_any(),
    };
    let brokers = report
        .brokers
        .iter()
        .map(|broker| view! { <div>{format!("{}: ", broker.id)}<code>{broker.address.clone()}</code></div> });
    let brokers = brokers.collect_view();
    let state = match (report.failed, report.pending) {
        (0, 0) => view! { <Pill tone=Tone::Ok label="All applied"/> }.into_any(),
        (0, pending) => view! { <Pill tone=Tone::Wait label=format!("{pending} pending")/> }.into_any(),
        (failed, pending) => view! { <span class="chips"><Pill tone=Tone::Fail label=format!("{failed} refused")/><Pill tone=Tone::Wait label=format!("{pending} pending")/></span> }.into_any(),
    };
    let (tone, label) = match report.isolation() {
        Isolation::Enforced => (Tone::Ok, "Enforced"),
        Isolation::NotEnforced => (Tone::Fail, "Not enforced"),
        Isolation::NotKnown => (Tone::Quiet, "Not known"),
    };
    let isolation = view! { <Pill tone label/> }.into_any();
    let kept = format!("{} topics, {} users, {} rules", report.topics, report.users, report.acls);
    let took = format!(", in {} ms", report.took_ms);
    let (checks, findings) = (checks(&report.checks), findings(&report.findings, &model.known, model.admin));
    view! {
        {failing}
        <Panel id="kafka" title="Kafka">
            <Facts>
                <Fact label="Cluster">{id}</Fact>
                <Fact label="Brokers"><div>{brokers}</div></Fact>
                <Fact label="Kept as wanted">{kept}</Fact>
                <Fact label="State">{state}</Fact>
                <Fact label="Isolation">{isolation}</Fact>
                <Fact label="Last compared"><When moment=Moment::new(at, now)/>{took}</Fact>
            </Facts>
        </Panel>
        <Panel id="isolation" title="Isolation" lead="What has to be so for Kafka to keep Spaces apart, and what should be so besides.">{checks}</Panel>
        <Panel id="findings" title="Found in Kafka, and left" lead="What is not as it should be, and is not changed until an admin says so.">{findings}</Panel>
    }
    .into_any()
}

fn checks(checks: &[Check]) -> AnyView {
    if checks.is_empty() {
        return view! { <p class="secondary">"The settings of the brokers could not be read."</p> }.into_any();
    }
    let columns = vec![Column::new("Setting"), Column::new("State"), Column::new("What it means")];
    let rows = checks.iter().map(|check| {
        let (tone, label) = match (check.holds, check.severity) {
            (Some(true), _) => (Tone::Ok, "As it has to be"),
            (Some(false), Severity::Isolation) => (Tone::Fail, "Breaks isolation"),
            (Some(false), Severity::Warning) => (Tone::Warn, "Should be set"),
            (None, _) => (Tone::Quiet, "Not known"),
        };
        view! {
            <tr>
                <th scope="row"><code>{check.setting.clone()}</code></th>
                <td data-label="State"><Pill tone label/></td>
                <td data-label="What it means">{check.text.clone()}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Isolation" columns stacked=true>{rows}</Table> }.into_any()
}

fn findings(findings: &[Finding], known: &Known, admin: bool) -> AnyView {
    if findings.is_empty() {
        return view! { <p class="row"><Pill tone=Tone::Ok label="Nothing"/></p> }.into_any();
    }
    let columns = vec![Column::new("Finding"), Column::new("What"), Column::new("Answer")];
    let rows = findings.iter().enumerate().map(|(n, finding)| {
        let Finding { kind, text, lines, .. } = finding;
        let lines = (!lines.is_empty()).then(|| {
            let line = |line: &String| view! { <div><code>{line.clone()}</code>{links(line, known)}</div> };
            let all = lines.iter().map(line).collect_view();
            view! { <details><summary>"Show all of it"</summary>{all}</details> }
        });
        let answer = match &finding.decision {
            Some(decision) => decided(decision),
            None if admin => answer(n, finding),
            None => view! { <span class="secondary">"An admin decides"</span> }.into_any(),
        };
        view! {
            <tr>
                <th scope="row">{kind.clone()}</th>
                <td data-label="What"><div><code>{text.clone()}</code>{links(text, known)}{lines}</div></td>
                <td data-label="Answer">{answer}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! { <Table caption="Findings" columns stacked=true>{rows}</Table> }.into_any()
}

/// The pages of what a line names by Kafka's names.
fn links(line: &str, known: &Known) -> Option<AnyView> {
    let link_to = |named: Named| {
        let (href, label) = match named {
            Named::Channel { id, service } => (paths::channel(id), format!("Channel of {service}")),
            Named::Environment { app, key } => (paths::environment(&app, &key), format!("Environment {app}.{key}")),
        };
        view! { <a class="chip" href=href>{label}</a> }
    };
    let named = known.named(line);
    (!named.is_empty())
        .then(|| view! { <div class="chips">{named.into_iter().map(link_to).collect_view()}</div> }.into_any())
}

/// What was decided, by whom and why.
fn decided(decision: &Decision) -> AnyView {
    let by = decision.by.clone().unwrap_or_else(|| "the operator".to_owned());
    let (tone, label) = match decision.answer {
        Answer::Accept => (Tone::Quiet, "Accepted"),
        Answer::Apply | Answer::Recreate | Answer::Adopt | Answer::Remove => (Tone::Wait, "Being done"),
    };
    view! { <Pill tone label/><span class="under">{format!("by {by}")}</span><span class="under">{decision.reason.clone()}</span> }
        .into_any()
}

/// The form that answers a finding: a button for each answer, and the reason where one is needed.
fn answer(n: usize, finding: &Finding) -> AnyView {
    let needs_reason = finding.answers.contains(&Answer::Accept);
    let (id, subject) = (format!("reason-{n}"), finding.subject.clone());
    let reason = needs_reason.then(|| {
        let label = format!("Why {} may stay", finding.text);
        view! { <input type="text" id=id name="reason" placeholder="Why it may stay" aria-label=label maxlength="500"/> }
    });
    let buttons = finding.answers.iter().map(|answer| {
        let kind =
            if matches!(answer, Answer::Apply | Answer::Remove) { ButtonKind::Danger } else { ButtonKind::Plain };
        let (value, label) = (answer.as_str(), answer.label());
        view! { <button class=kind.class() type="submit" name="answer" value=value>{label}</button> }
    });
    let buttons = buttons.collect_view();
    view! {
        <form method="post" action=paths::CLUSTER_DECISIONS class="answer">
            <input type="hidden" name="subject" value=subject/>
            {reason}
            {buttons}
        </form>
    }
    .into_any()
}

fn passes(model: &Model) -> AnyView {
    let body = if model.passes.items.is_empty() {
        view! { <p class="secondary">"Nothing had to be changed yet."</p> }.into_any()
    } else {
        let entries = model.passes.items.iter().map(|pass| entry(pass, model.now)).collect_view();
        view! {
            <ul class="entries passes">{entries}</ul>
            {paging(paths::CLUSTER, &model.asked, ["comparison", "comparisons"], &model.passes, "before")}
        }
        .into_any()
    };
    view! { <Panel id="passes" title="What was changed in Kafka" lead="Comparisons that changed something, or failed.">{body}</Panel> }.into_any()
}

fn entry(pass: &Pass, now: OffsetDateTime) -> AnyView {
    let (tone, label) = match &pass.error {
        Some(_) => (Tone::Fail, "Failed".to_owned()),
        None => (Tone::Ok, format!("{} changed", pass.written)),
    };
    let steps: Vec<String> = serde_json::from_value(pass.steps.clone()).unwrap_or_default();
    let lines = steps.into_iter().map(|step| view! { <div><code>{step}</code></div> }).collect_view();
    let error = pass.error.clone().map(|why| view! { <p>{why}</p> });
    let took = format!("{} ms", pass.took_ms);
    let rest = (pass.pending + pass.failed > 0).then(|| format!("{} pending, {} refused", pass.pending, pass.failed));
    view! {
        <li>
            <details>
                <summary>
                    <Icon glyph=Glyph::ChevronRight/>
                    <span class="entry-name"><When moment=Moment::new(pass.at, now)/></span>
                    <span class="entry-part"><Pill tone label/></span>
                    <span class="entry-part">{took}</span>
                    <span class="entry-part">{rest}</span>
                </summary>
                <div class="entry-body">{error}{lines}</div>
            </details>
        </li>
    }
    .into_any()
}
