//! Why an environment does not receive an event: the chain, link by link, and what to do about the first that is broken.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use leptos::prelude::*;

use crate::{
    manager::{
        Manager,
        explain::{Explanation, Link, Step},
    },
    web::{
        Web, paths,
        ui::{ButtonLink, Chain, ChainStep, Notice, PageHead, Section, StepState, Tone},
        visit::{Place, Visit},
    },
};

pub(super) fn router() -> Router<Web> {
    Router::new().route("/apps/{app}/environments/{env}/events/{service}/{event}", get(show))
}

async fn show(
    visit: Visit,
    State(manager): State<Manager>,
    Path((app, env, service, event)): Path<(String, String, String, String)>,
) -> Response {
    match manager.explain(&visit.actor(), &app, &env, &service, &event).await {
        Ok(found) => {
            let e = &found.view.listed.environment;
            let place = Place::new(Section::Apps, found.event.name.clone())
                .under("Apps", paths::APPS)
                .under(found.view.app_name.to_string(), paths::app(e.app_key.as_str()))
                .under(e.name.to_string(), paths::environment(e.app_key.as_str(), e.key.as_str()));
            let found = Arc::new(found);
            visit.page(place, move || view(&found)).await
        }
        Err(error) => visit.refusal(error).await,
    }
}

fn view(found: &Explanation) -> AnyView {
    let e = &found.view.listed.environment;
    let who = format!("{} {}", found.view.app_name, e.name);
    let title = format!("Does {who} receive {}?", found.event.name);
    let outcome = if let Some(step) = found.broken() {
        let (text, cure) = (step.text.clone(), step.cure.clone());
        view! { <Notice tone=Tone::Fail title=text>{cure.map(|cure| view! { <p>{cure}</p> })}</Notice> }.into_any()
    } else {
        let unknown = found.steps.iter().any(|step| step.holds.is_none());
        let more = unknown.then(|| view! { <p>"Not everything is known, see below."</p> });
        view! { <Notice tone=Tone::Ok title="Nothing stands in its way that is known here.">{more}</Notice> }.into_any()
    };
    let broken = found.broken().map(|step| step.link);
    let steps = found.steps.iter().map(|step| link(found, step, broken)).collect::<Vec<_>>();
    let event_page = paths::event(&found.event.service, &found.event.name);
    view! {
        <PageHead title=title lead="The way of the event to the app, link by link.">
            <ButtonLink href=event_page>"Look at the event"</ButtonLink>
        </PageHead>
        {outcome}
        <Chain label="The way of the event to the app" steps=steps/>
    }
    .into_any()
}

fn link(found: &Explanation, step: &Step, broken: Option<Link>) -> ChainStep {
    let state = match step.holds {
        Some(true) => StepState::Done,
        Some(false) => StepState::Failed,
        None => StepState::Todo,
    };
    let shown = ChainStep::new(state, title(step.link), step.text.clone());
    match cure(found, step.link).filter(|_| broken == Some(step.link)) {
        Some((href, label)) => shown.action(view! { <ButtonLink href=href>{label}</ButtonLink> }),
        None => shown,
    }
}

fn title(link: Link) -> &'static str {
    match link {
        Link::AppEnabled => "Enabled for the app",
        Link::EnvironmentEnabled => "Enabled for the environment",
        Link::Flows => "In the Space",
        Link::Open => "Open to subscribers",
        Link::Implemented => "Implemented",
        Link::Granted => "Access granted",
        Link::Access => "Applied to Kafka",
        Link::Topic => "Topic",
        Link::Credentials => "Credentials",
        Link::Publisher => "Publisher",
        Link::Published => "Published lately",
        Link::Connected => "App seen",
        Link::Joined => "Consumer group joined",
        Link::Lag => "Everything read",
    }
}

/// Where a broken link is mended.
fn cure(found: &Explanation, link: Link) -> Option<(String, &'static str)> {
    let e = &found.view.listed.environment;
    let (app, key) = (e.app_key.as_str(), e.key.as_str());
    Some(match link {
        Link::AppEnabled => (paths::app(app), "Go to the app"),
        Link::EnvironmentEnabled | Link::Credentials | Link::Implemented => {
            (paths::environment(app, key), "Go to the environment")
        }
        Link::Granted => (paths::environment_access(app, key), "Look at access"),
        Link::Access | Link::Topic => (paths::CLUSTER.to_owned(), "Look at the cluster"),
        Link::Flows | Link::Publisher | Link::Published | Link::Open => {
            (paths::event(&found.event.service, &found.event.name), "Look at the event")
        }
        Link::Connected | Link::Joined | Link::Lag => return None,
    })
}
