//! What all steps of the wizard show.

use leptos::prelude::*;

use super::words;
use crate::{
    manager::bridges::Bridge,
    web::{
        paths,
        ui::{StepState, WizardStep, WizardSteps},
    },
};

/// The steps, with what was answered in each. The one shown is counted from 1.
pub(super) fn steps(shown: usize, bridge: Option<&Bridge>) -> AnyView {
    let state = |nth: usize, done: bool| match done {
        _ if nth == shown => StepState::Current,
        true => StepState::Done,
        false => StepState::Todo,
    };
    let step = |nth: usize, label: &str, summary: String, done: bool, href: Option<String>| WizardStep {
        label: label.to_owned(),
        summary,
        state: state(nth, done),
        href,
    };
    let has_service = shown > 1;
    let service = if has_service { "AWS SQS" } else { "" };
    // The service of a draft stays: only before there is one is it chosen again.
    let first = (has_service && bridge.is_none()).then(|| paths::NEW_BRIDGE.to_owned());
    let details = bridge.map(|b| format!("{} · {} · {}", b.space.name, b.name, b.region)).unwrap_or_default();
    let events = bridge.filter(|b| !b.routes.is_empty()).map(|b| words::routes(&b.routes)).unwrap_or_default();
    let has_events = !events.is_empty();
    let steps = vec![
        step(1, "Service", service.to_owned(), has_service, first),
        step(2, "Details", details, bridge.is_some(), bridge.map(|b| paths::bridge_details(b.id))),
        step(3, "Business events", events, has_events, bridge.map(|b| paths::bridge_events(b.id))),
    ];
    view! { <WizardSteps steps/> }.into_any()
}
