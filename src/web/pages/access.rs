//! Access: findings first, then environment by environment; one of them in full is in `access/edit`.

mod edit;

use axum::{Router, extract::State, response::Response, routing::get};
use leptos::prelude::*;

use super::asked::{Asked, Narrowing, by_app, by_space, paging, refused};
use crate::{
    domain::{
        grant::{Access, DefaultAccess},
        names::{AppKey, SpaceName},
    },
    manager::{
        Error, Manager, Page,
        access::{AccessFilter, Finding, Standing},
    },
    web::{
        Web, paths,
        ui::{
            Action, Choice, Column, EmptyState, Fact, Facts, FilterBar, FilterSelect, Glyph, Name, PageHead, Panel,
            Pill, Section, Table, Tone,
        },
        visit::{Place, Visit},
    },
};

/// Findings shown above the list.
const FINDINGS: i64 = 25;

pub(super) fn router() -> Router<Web> {
    Router::new().route(paths::ACCESS, get(list)).merge(edit::router())
}

struct Model {
    asked: Asked,
    filter: AccessFilter,
    page: Page<Standing>,
    findings: Vec<Finding>,
    narrowing: Narrowing,
    defaults: DefaultAccess,
}

fn is_place(after: &str) -> bool {
    after.split_once('.').is_some_and(|(app, key)| app.parse::<AppKey>().is_ok() && !key.is_empty())
}

async fn load(visit: &Visit, manager: &Manager, asked: Asked) -> Result<Model, Error> {
    let after = Some(asked.text("after")?).filter(|after| !after.is_empty());
    if after.is_some_and(|after| !is_place(after)) {
        return Err(Error::field("after", "is not where a page of the list begins"));
    }
    let findings = match asked.text("show")? {
        "" => false,
        "findings" => true,
        _ => return Err(Error::field("show", "must be findings, or be left out")),
    };
    let filter = AccessFilter {
        q: asked.text("q")?.to_owned(),
        space: asked.parsed::<SpaceName>("space", "the name of a Space")?.map(|space| space.to_string()),
        app: asked.parsed::<AppKey>("app", "the key of an app")?.map(|app| app.to_string()),
        findings,
        after: after.map(str::to_owned),
        limit: asked.limit()?,
    };
    let actor = visit.actor();
    let page = manager.list_access(&actor, &filter).await?;
    let few = AccessFilter { limit: FINDINGS, ..filter.clone() };
    let findings = if filter.after.is_none() { manager.list_findings(&actor, &few, 0).await? } else { Vec::new() };
    let narrowing = Narrowing::load(visit, manager).await?;
    Ok(Model { asked, filter, page, findings, narrowing, defaults: manager.default_access() })
}

async fn list(visit: Visit, State(manager): State<Manager>, asked: Asked) -> Response {
    match load(&visit, &manager, asked).await {
        Ok(model) => {
            let model = std::sync::Arc::new(model);
            visit.page(Place::new(Section::Access, "Access"), move || view(&model)).await
        }
        Err(error) => refused(&visit, Section::Access, "Access", paths::ACCESS, error).await,
    }
}

fn view(model: &Model) -> AnyView {
    let Model { filter, page, .. } = model;
    let narrowed = !filter.q.is_empty() || filter.space.is_some() || filter.app.is_some() || filter.findings;
    let body = match (page.items.is_empty(), narrowed) {
        (true, false) => view! {
            <EmptyState glyph=Glyph::Access title="No access yet"
                text="Environments get access with their first deployment: it says what they publish and subscribe."
                action=Some(Action::new("Go to the apps", paths::APPS))/>
        }
        .into_any(),
        (true, true) => view! {
            <EmptyState glyph=Glyph::Search title="No environment fits" text="Take a part of the filter away, or look at all of them."
                action=Some(Action::new("Show all environments", paths::ACCESS))/>
        }
        .into_any(),
        (false, _) => {
            let columns = vec![
                Column::new("Environment"),
                Column::new("Space"),
                Column::new("Implemented with access").numeric(),
                Column::new("Implemented, no access").numeric(),
                Column::new("Access, not implemented").numeric(),
            ];
            let rows = page.items.iter().map(row).collect_view();
            view! {
                <Table caption="Access by environment" columns stacked=true>{rows}</Table>
                {paging(paths::ACCESS, &model.asked, ["environment", "environments"], page, "after")}
            }
            .into_any()
        }
    };
    let findings = (!model.findings.is_empty()).then(|| findings(&model.findings));
    view! {
        <PageHead title="Access" lead="Which environment may publish and subscribe what, compared with what its deployment says it does."/>
        {filter_bar(model, narrowed)}
        {findings}
        <Panel id="environments" title="Environments">{body}</Panel>
        {defaults(model.defaults)}
    }
    .into_any()
}

fn filter_bar(model: &Model, narrowed: bool) -> AnyView {
    let Model { filter, narrowing, .. } = model;
    let space = by_space(filter.space.as_deref(), narrowing.spaces());
    let app = by_app(filter.app.as_deref(), narrowing.apps());
    let show = if filter.findings { "findings" } else { "" };
    let shows = vec![Choice::new("findings", "With findings only")];
    view! {
        <FilterBar action=paths::ACCESS label="Search environments" query=filter.q.clone() narrowed=narrowed>
            {space}
            {app}
            <FilterSelect label="Show" name="show" choices=shows value=show any="All environments"/>
        </FilterBar>
    }
    .into_any()
}

fn row(item: &Standing) -> AnyView {
    let count = |count: i64, tone: Tone| {
        if count == 0 {
            view! { <span class="secondary">"0"</span> }.into_any()
        } else {
            view! { <Pill tone label=count.to_string()/> }.into_any()
        }
    };
    let space = match item.space.clone() {
        Some(space) => view! { <a href=paths::space(&space)>{space.clone()}</a> }.into_any(),
        None => view! { <span class="secondary">"None yet"</span> }.into_any(),
    };
    let name = format!("{}.{}", item.app, item.environment);
    view! {
        <tr>
            <th scope="row"><a href=paths::environment_access(&item.app, &item.environment)><Name text=name/></a></th>
            <td data-label="Space">{space}</td>
            <td data-label="Implemented with access" class="number">{item.fitting}</td>
            <td data-label="Implemented, no access" class="number">{count(item.missing, Tone::Fail)}</td>
            <td data-label="Access, not implemented" class="number">{count(item.spare, Tone::Warn)}</td>
        </tr>
    }
    .into_any()
}

fn findings(findings: &[Finding]) -> AnyView {
    let columns = vec![Column::new("Environment"), Column::new("Event"), Column::new("Access"), Column::new("Finding")];
    let rows = findings.iter().map(|finding| {
        let name = format!("{}.{}", finding.app, finding.environment);
        let pill = if finding.is_missing {
            view! { <Pill tone=Tone::Fail label="Implemented but no access"/> }
        } else {
            view! { <Pill tone=Tone::Warn label="Has access but not implemented"/> }
        };
        view! {
            <tr>
                <th scope="row"><a href=paths::environment_access(&finding.app, &finding.environment)><Name text=name/></a></th>
                <td data-label="Event"><div><a href=paths::event(&finding.service, &finding.event)><Name text=finding.event.clone()/></a><span class="under">{finding.service.clone()}</span></div></td>
                <td data-label="Access">{verb(finding.access)}</td>
                <td data-label="Finding">{pill}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let more = (findings.len() >= usize::try_from(FINDINGS).unwrap_or(usize::MAX)).then(|| {
        view! { <p class="secondary">{format!("The first {FINDINGS}; the environments below have all.")}</p> }
    });
    view! {
        <Panel id="findings" title="Findings" lead="What is implemented without access will fail; access that is not used is more than is needed.">
            <Table caption="Findings" columns stacked=true>{rows}</Table>
            {more}
        </Panel>
    }
    .into_any()
}

/// The installation's own setting, which grants come by themselves.
fn defaults(defaults: DefaultAccess) -> AnyView {
    let word = |yes: bool| if yes { "Yes" } else { "No: an admin grants it" };
    view! {
        <Panel id="defaults" title="Default access" lead="What comes with a deployment by itself; the operator sets it in the configuration.">
            <Facts>
                <Fact label="Use its own events">{word(defaults.own_events)}</Fact>
                <Fact label="Publish what it implements">{word(defaults.publish_implemented)}</Fact>
                <Fact label="Subscribe to what it implements">{word(defaults.subscribe_implemented)}</Fact>
                <Fact label="Bridges use what contracts let others do">{word(defaults.bridges)}</Fact>
            </Facts>
        </Panel>
    }
    .into_any()
}

/// The word of the screens.
fn verb(access: Access) -> &'static str {
    match access {
        Access::Publish => "Publish",
        Access::Subscribe => "Subscribe",
    }
}
