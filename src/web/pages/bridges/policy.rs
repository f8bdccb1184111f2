//! The statements that the owners of queues are asked to add.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use serde::Deserialize;
use time::OffsetDateTime;

use super::load_to_change;
use crate::{
    domain::bridge::Direction,
    manager::{
        Error, Manager,
        bridges::{Bridge, BridgePolicy, PolicyFormat, QueuePolicy},
    },
    web::{
        paths,
        ui::{Code, Moment, Notice, Panel, Tone},
        visit::Visit,
    },
};

/// The forms in which statements are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Json,
    Terraform,
    CloudFormation,
}

impl Form {
    const ALL: [Self; 3] = [Self::Json, Self::Terraform, Self::CloudFormation];

    /// The form of a word in an address.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.looks().0 == word)
    }

    /// The manager's word for it.
    pub(super) fn format(self) -> PolicyFormat {
        match self {
            Self::Json => PolicyFormat::Json,
            Self::Terraform => PolicyFormat::Terraform,
            Self::CloudFormation => PolicyFormat::CloudFormation,
        }
    }

    /// The word in addresses, the word on the page, the ending of its files.
    fn looks(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Json => ("json", "JSON", "json"),
            Self::Terraform => ("terraform", "Terraform", "tf"),
            Self::CloudFormation => ("cloudformation", "CloudFormation", "yaml"),
        }
    }
}

/// The statement of each queue, in one of the forms.
pub(super) fn panel(bridge: &Bridge, policy: &BridgePolicy, form: Form, now: OffsetDateTime) -> AnyView {
    let id = bridge.id;
    let tab = |other: Form| {
        let (word, label, _) = other.looks();
        let current = (other == form).then_some("page");
        view! { <a href=paths::bridge_events_at(id, word, "policy") aria-current=current>{label}</a> }
    };
    let tabs = view! {
        <nav class="segmented" aria-label="Format">{Form::ALL.into_iter().map(tab).collect_view()}</nav>
    };
    let lead = match policy.queues.len() {
        1 => "Add this statement to the access policy of the queue, beside what is there.".to_owned(),
        n => format!("{n} queues. Add to each one's access policy its statement, beside what is there."),
    };
    let settles = policy.role_settles_at.map(|at| {
        let words = Moment::new(at, now).words();
        view! {
            <Notice tone=Tone::Wait title="The bridge's role is new: AWS needs a few seconds to know it everywhere.">
                <p>{format!("Saving the policy may be refused with an invalid principal until then. Try again {words}.")}</p>
            </Notice>
        }
    });
    let place = match form {
        Form::Json => {
            "In the console of AWS: SQS, the queue, Access policy, Edit. Put it into the list Statement and save. \
             Saving it alone would take away everybody else's access."
        }
        Form::Terraform | Form::CloudFormation => policy.queues.first().and_then(|q| q.warning).unwrap_or_default(),
    };
    let tone = if form == Form::Json { Tone::Info } else { Tone::Warn };
    let title = if form == Form::Json { "Where it goes" } else { "It must not stand alone" };
    let queues =
        policy.queues.iter().enumerate().map(|(nth, queue)| statement(bridge, nth, queue, form)).collect_view();
    view! {
        <Panel id="policy" title="AWS access policy" lead=lead actions=tabs.into_any()>
            {settles}
            <Notice tone=tone title=title><p>{place}</p></Notice>
            {queues}
        </Panel>
    }
    .into_any()
}

fn statement(bridge: &Bridge, nth: usize, queue: &QueuePolicy, form: Form) -> impl IntoView + use<> {
    let name = queue.queue.name().to_owned();
    let ways: Vec<_> = queue.directions.iter().map(|d| Direction::label(*d)).collect();
    let label = format!("Queue {name}, {}", ways.join(" and "));
    let download = paths::bridge_policy(bridge.id, form.looks().0, Some(nth));
    let problem = queue.problem.clone().map(|problem| {
        let title = format!("The statement does not fit into the policy of {name}");
        view! { <Notice tone=Tone::Warn title=title><p>{super::super::sentence(&problem)}</p></Notice> }
    });
    let merged = queue.merged.clone().filter(|_| form == Form::Json).map(|merged| {
        let label = format!("Whole policy of {}", queue.queue.name());
        view! {
            <details>
                <summary>"The whole policy, as it would be with this statement"</summary>
                <Code id=format!("merged-{nth}") label=label text=merged/>
                <p class="hint">"Made from the policy that the last check has read. Whoever changed it since then would lose that change."</p>
            </details>
        }
    });
    view! {
        <div class="statement">
            <Code id=format!("policy-{nth}") label=label text=queue.statement.clone() download=download/>
            {problem}
            {merged}
        </div>
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    format: String,
    queue: Option<usize>,
}

/// The statements as a file: of one queue, or of all.
pub(super) async fn download(
    visit: Visit,
    State(manager): State<Manager>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let form = match Form::of_word(&asked.format) {
        Some(form) => form,
        None if asked.format.is_empty() => Form::default(),
        None => return visit.refusal(Error::field("format", "must be json, terraform or cloudformation")).await,
    };
    let bridge = match load_to_change(&visit, &manager, &id).await {
        Ok(bridge) => bridge,
        Err(answer) => return answer,
    };
    if bridge.routes.is_empty() {
        return super::acts::missing(
            &visit,
            &manager,
            bridge,
            "no-queues",
            "save the queues first: the policy names them",
        )
        .await;
    }
    let policy = match manager.bridge_policy(&visit.actor(), bridge.id, form.format()).await {
        Ok(policy) => policy,
        Err(error) => return visit.refusal(error).await,
    };
    let ending = form.looks().2;
    let (name, text) = match asked.queue.map(|n| policy.queues.get(n)) {
        Some(Some(queue)) => (queue.queue.name().replace('.', "-"), queue.statement.clone()),
        Some(None) => return visit.refusal(Error::NotFound("queue")).await,
        None => (format!("bridge-{}", bridge.id), whole(&policy.queues, form)),
    };
    let disposition = format!("attachment; filename=\"{name}-statement.{ending}\"");
    let kind = if form == Form::Json { "application/json" } else { "text/plain; charset=utf-8" };
    let mut response = format!("{}\n", text.trim_end()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Names of queues are ASCII letters, digits, hyphens and underscores.
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// The statements of all queues in one text.
fn whole(queues: &[QueuePolicy], form: Form) -> String {
    match form {
        Form::Json => {
            let lists = queues.iter().map(|q| format!("  {:?}: [\n{}\n  ]", q.queue.arn(), q.statement));
            format!("{{\n{}\n}}", lists.collect::<Vec<_>>().join(",\n"))
        }
        Form::Terraform | Form::CloudFormation => {
            let texts = queues.iter().map(|q| format!("# {}\n{}", q.queue.arn(), q.statement.trim_end()));
            texts.collect::<Vec<_>>().join("\n\n")
        }
    }
}
