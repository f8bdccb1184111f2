//! Every part once.

use ebm::web::ui::{
    Action, Banner, ButtonKind, ButtonLink, Chain, ChainStep, CheckBox, Choice, Code, Confirm, CopyValue, Crumb,
    EmptyState, ErrorSummary, Errors, Field, Frame, Glyph, Icon, Notice, PageHead, Panel, PickItem, Picker, Pill,
    Radio, Refused, Section, Select, State, Status, StepState, Submit, TextArea, Tone,
};
use leptos::prelude::*;

const TONES: [Tone; 6] = [Tone::Info, Tone::Ok, Tone::Wait, Tone::Warn, Tone::Fail, Tone::Quiet];

fn states() -> impl IntoView {
    let why = |words: &str| words.to_owned();
    let states = vec![
        State::Applied,
        State::Pending(Some(crate::ago(3))),
        State::Failed(why("the topic already has more partitions")),
        State::Running,
        State::Stopped,
        State::Draft,
        State::Provisioning,
        State::Reconfiguring,
        State::Waiting(why("AWS does not answer")),
        State::Halted(why("the queue no longer exists")),
        State::Misconfigured(why("sqs:SendMessage is missing")),
        State::Enabled,
        State::HalfEnabled(why("not enabled for the app")),
        State::Disabled,
        State::AwaitingDeployment,
        State::Connected(Some(crate::ago(0))),
        State::Silent(Some(crate::ago(4_000))),
        State::Ready,
    ];
    view! {
        <Panel id="states" title="States">
            <div class="row">{states.into_iter().map(|state| view! { <Status state/> }).collect_view()}</div>
            <div class="row">{TONES.map(|tone| view! { <Pill tone label=tone.name()/> }).collect_view()}</div>
        </Panel>
    }
}

fn buttons() -> impl IntoView {
    view! {
        <Panel id="buttons" title="Buttons">
            <div class="row">
                <Submit kind=ButtonKind::Primary>"Save changes"</Submit>
                <Submit>"Check now"</Submit>
                <Submit kind=ButtonKind::Danger glyph=Glyph::Trash>"Delete Space"</Submit>
                <Submit kind=ButtonKind::Quiet>"Cancel"</Submit>
                <ButtonLink href="#" glyph=Glyph::Plus>"Register app"</ButtonLink>
                <Refused id="refused" label="Delete" reason="Only an admin or a contact of order-portal may delete it."/>
                <Confirm id="delete" label="Delete Space" kind=ButtonKind::Danger glyph=Glyph::Trash title="Delete the Space acceptance-2?"
                    action="#" page="#" confirm="Delete Space" typed="acceptance-2">
                    <p>"Its 3 channels and "<strong>"1,204 unread messages"</strong>" are lost. This cannot be undone."</p>
                </Confirm>
            </div>
        </Panel>
    }
}

fn messages() -> impl IntoView {
    let notice =
        |tone: Tone| view! { <Notice tone title="What happened, in one sentence">"What to do about it."</Notice> };
    view! {
        <Panel id="messages" title="Messages">
            <div class="stack">
                {TONES.map(notice).collect_view()}
                <Notice tone=Tone::Fail title="The bridge halted: the queue no longer exists" action=Some(Action::new("Edit bridge", "#"))/>
            </div>
            <EmptyState glyph=Glyph::Bridge title="No bridges yet" action=Some(Action::new("New bridge", "#"))
                text="A bridge carries business events between a Space and a queue outside, in one or both directions."/>
        </Panel>
    }
}

fn form() -> impl IntoView {
    let errors = Errors::from_iter([
        ("key", "A key has 1 to 40 small letters, digits and hyphens; it begins and ends with a letter or digit."),
        ("plan", "Choose a plan."),
    ]);
    let plans = vec![
        Choice::new("licensed", "Licensed").hint("Publishes to channels of its own."),
        Choice::new("free", "Free").hint("Shares one channel with all free apps; at most 1,000 events a day."),
    ];
    let spaces = ["test", "acceptance", "production"].map(|name| Choice::new(name, name)).to_vec();
    view! {
        <Panel id="form" title="Form">
            <ErrorSummary errors=errors.clone()/>
            <form class="form" method="post" novalidate=true>
                <Field label="Key" name="key" value="Order Portal" error=errors.get("key") mono=true maxlength=40
                    hint="Stands in the names of users and groups; it cannot be changed."/>
                <Field label="Name" name="name" value="Order portal"/>
                <Radio label="Plan" name="plan" choices=plans error=errors.get("plan")/>
                <Select label="Space" name="space" choices=spaces prompt="Choose a Space" required=false/>
                <TextArea label="Contacts" name="contacts" hint="One address a line." value="maria@example.com\nravi@example.com" rows=3/>
                <CheckBox label="Enable the broker for it at once" name="enable" checked=true/>
                <div class="actions"><Submit kind=ButtonKind::Primary>"Register app"</Submit><ButtonLink href="#" kind=ButtonKind::Quiet>"Cancel"</ButtonLink></div>
            </form>
        </Panel>
    }
}

fn picker() -> impl IntoView {
    let events = [
        ("OrderPlaced", "order-portal 1.2"),
        ("OrderCancelled", "order-portal 1.2"),
        ("InvoicePaid", "erp 3.0"),
        ("StockReserved", "warehouse 2.4"),
        ("CustomerCommunicationPreferencesChanged", "customer-notifications-and-communication-hub 11.0"),
    ];
    let item = |(nth, (event, service)): (usize, (&str, &str))| PickItem {
        value: event.to_owned(),
        label: event.to_owned(),
        detail: service.to_owned(),
        checked: nth == 1,
        refused: if nth == 3 { "Only a contact of warehouse may grant it.".to_owned() } else { String::new() },
    };
    let items = events.into_iter().enumerate().map(item).collect();
    view! { <Panel id="pick" title="Picker"><form><Picker id="picker" label="Business events" name="events" items/></form></Panel> }
}

fn texts() -> impl IntoView {
    let steps = vec![
        ChainStep::new(StepState::Done, "Access proved", "0.8 s"),
        ChainStep::new(StepState::Working, "Making the Kafka user", "for 3 s"),
        ChainStep::new(
            StepState::Failed,
            "Queue read",
            "AWS answered AccessDenied. Check the statement of the queue orders.",
        ),
        ChainStep::new(StepState::Todo, "Lane opened", ""),
    ];
    view! {
        <Panel id="texts" title="Steps and text">
            <Chain label="Starting" steps/>
            <p>"A shortened id: "<CopyValue label="channel" value="0199f3a2-7c1e-7d0a-b0f4-3b6f7a1c9e55" shorten=8/></p>
            <Code id="code" label="curl" text="curl -fsS -H \"Authorization: Bearer $EBM_TOKEN\" https://ebm.example.com/api/v1/apps/order-portal/environments/acceptance/deployment"/>
        </Panel>
    }
}

fn icons() -> impl IntoView {
    let icon = |glyph: &Glyph| view! { <span class="chip"><Icon glyph=*glyph/>{format!("{glyph:?}")}</span> };
    view! { <Panel id="icons" title="Icons"><div class="chips">{Glyph::ALL.iter().map(icon).collect_view()}</div></Panel> }
}

pub(crate) fn page() -> (Frame, AnyView) {
    let body = view! {
        <PageHead title="Gallery" lead="Every part of the console once; the pages in the navigation show them together."/>
        {states()} {buttons()} {messages()} {form()} {picker()} {texts()} {icons()}
    };
    let banner = Banner {
        label: "Warning about Kafka".to_owned(),
        text: "Isolation is not enforced: Kafka does not keep the Spaces apart (auto.create.topics.enable).".to_owned(),
        action: Action::new("See what to do", "/cluster#isolation"),
    };
    let frame = crate::frame("Gallery", Section::Overview, vec![Crumb::here("Overview")]);
    (Frame { banner: Some(banner), ..frame }, body.into_any())
}
