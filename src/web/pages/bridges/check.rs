//! What the newest check has found, and the start that rests on it.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{super::sentence, words};
use crate::{
    domain::bridge::{Desired, Status as Fares},
    manager::bridges::{ActionCheck, Bridge, QueueCheck, checks, require_startable},
    web::{
        paths,
        ui::{
            Action, ButtonKind, ButtonLink, CheckBox, Column, EmptyState, Glyph, Moment, Notice, Panel, Pill, Refused,
            Submit, Table, Tone, When,
        },
    },
};

/// The results, queue by queue and action by action.
pub(super) fn panel(bridge: &Bridge, now: OffsetDateTime) -> AnyView {
    let found = checks(bridge);
    let action = view! {
        <form method="post" action=paths::bridge_act(bridge.id, "check")>
            <Submit glyph=Glyph::Refresh>"Check now"</Submit>
        </form>
    };
    let body = if found.is_empty() {
        view! {
            <EmptyState glyph=Glyph::Eye title="Not checked since the queues were saved"
                text="The check asks AWS, action by action, whether the bridge may do what it needs." action=None/>
        }
        .into_any()
    } else {
        view! {
            {age(bridge, now)}
            {found.iter().map(queue).collect_view()}
        }
        .into_any()
    };
    view! {
        <Panel id="checks" title="Check" lead="Nothing is sent or received by it." actions=action.into_any()>{body}</Panel>
    }
    .into_any()
}

/// When the results were found, and whether the bridge has come to a stop since: then they may not hold any more.
fn age(bridge: &Bridge, now: OffsetDateTime) -> AnyView {
    let Some(at) = bridge.checked_at else {
        return view! { <p class="secondary">"When this was checked is not known: check again to be sure."</p> }
            .into_any();
    };
    let stuck = bridge.desired == Desired::Running && matches!(bridge.status, Fares::Halted | Fares::Misconfigured);
    let since = Moment::new(bridge.status_since, now);
    let overtaken = (stuck && bridge.status_since > at).then(|| {
        view! {
            <Notice tone=Tone::Warn title="The bridge came to a stop after this check.">
                <p>"It stopped "<When moment=since/>". What was found before may not hold any more: check again."</p>
            </Notice>
        }
    });
    view! {
        <p class="secondary">"Checked "<When moment=Moment::new(at, now)/>"."</p>
        {overtaken}
    }
    .into_any()
}

fn queue(check: &QueueCheck) -> impl IntoView + use<> {
    let (tone, word) = words::readiness(check.readiness());
    let name = check.queue.name().to_owned();
    let columns = vec![Column::new("Action"), Column::new("Direction"), Column::new("Found")];
    let rows = check.actions.iter().map(action).collect_view();
    let warnings =
        check.warnings.iter().map(|w| view! { <Notice tone=Tone::Warn title=sentence(&w.text)/> }).collect_view();
    view! {
        <div class="queue-check">
            <h3><code>{name.clone()}</code><Pill tone=tone label=word/></h3>
            <Table caption=format!("Check of {name}") columns=columns stacked=true>{rows}</Table>
            {warnings}
        </div>
    }
}

fn action(check: &ActionCheck) -> impl IntoView + use<> {
    let (tone, word, more) = words::grade(&check.grade);
    let more = (!more.is_empty()).then(|| view! { <span class="status-more">{more}</span> });
    view! {
        <tr>
            <th scope="row"><code>{check.action.clone()}</code></th>
            <td data-label="Direction">{check.direction.label()}</td>
            <td data-label="Found"><span class="status"><Pill tone=tone label=word/>{more}</span></td>
        </tr>
    }
}

/// Start, or why it is not possible yet; with what was said of the statements.
pub(super) fn start(bridge: &Bridge, vouched: bool) -> AnyView {
    if bridge.desired == Desired::Running {
        let to = Some(Action::new("To the bridge", paths::bridge(bridge.id)));
        return view! { <Notice tone=Tone::Ok title="This bridge is started." action=to/> }.into_any();
    }
    let verb = if bridge.desired == Desired::Draft { "Start bridge" } else { "Start again" };
    match (require_startable(bridge, false), require_startable(bridge, true)) {
        (_, Err(error)) => {
            // The reason may begin with the name of a queue, which keeps its small letter.
            let why = format!("Not yet: {error}.");
            view! {
                <div class="form-end">
                    <p class="secondary">{why.clone()}</p>
                    <div class="actions"><Refused id="start" label=verb reason=why/></div>
                </div>
            }
            .into_any()
        }
        (unvouched, Ok(())) => {
            let is_sure = unvouched.is_ok();
            let hint = match unvouched {
                Ok(()) => "The check has found them.".to_owned(),
                Err(error) => format!("Needed, because {error}."),
            };
            view! {
                <form method="post" action=paths::bridge_act(bridge.id, "start") class="form-end">
                    <input type="hidden" name="version" value=bridge.version.to_string()/>
                    <CheckBox label="I have added these statements" name="vouched" checked={is_sure || vouched} required={!is_sure} hint=hint/>
                    <div class="actions">
                        <ButtonLink href=paths::BRIDGES kind=ButtonKind::Quiet>"Later"</ButtonLink>
                        <Submit kind=ButtonKind::Primary glyph=Glyph::Play>{verb}</Submit>
                    </div>
                </form>
            }
            .into_any()
        }
    }
}
