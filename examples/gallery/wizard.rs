//! The third step of the wizard for a bridge.

use ebm::web::ui::{
    ButtonKind, ButtonLink, CheckBox, Code, Confirm, Crumb, Field, Frame, Glyph, Notice, PageHead, Panel, Section,
    State, Status, StepState, Submit, Tone, WizardStep, WizardSteps,
};
use leptos::prelude::*;

const POLICY: &str = r#"{
  "Sid": "EbmBridge0199f3a27c1eOutbound",
  "Effect": "Allow",
  "Principal": { "AWS": "arn:aws:iam::210987654321:role/event-broker/ebm-0199f3a2-7c1e-7d0a-b0f4-3b6f7a1c9e55" },
  "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
  "Resource": "arn:aws:sqs:eu-central-1:123412341234:orders"
}"#;

struct Way {
    chosen: bool,
    url: &'static str,
    error: Option<&'static str>,
}

fn direction(event: &str, name: &str, label: &'static str, way: &Way) -> impl IntoView + use<> {
    let field = format!("routes.{event}.{name}");
    let error = way.error.map(str::to_owned);
    view! {
        <div class="route-direction">
            <CheckBox label name=field.clone() checked=way.chosen/>
            <div class="route-queue">
                <Field label=format!("Queue URL {label}, {event}") name=format!("{field}.url") kind="url" value=way.url error mono=true unseen_label=true/>
            </div>
        </div>
    }
}

fn route(event: &'static str, service: &'static str, to: &Way, from: &Way) -> impl IntoView + use<> {
    view! {
        <li class="route">
            <p class="route-event">{event}<span class="under">{service}</span></p>
            <div class="route-directions">
                {direction(event, "to", "to SQS", to)}
                {direction(event, "from", "from SQS", from)}
            </div>
            <Submit kind=ButtonKind::Quiet name="remove" value=event>"Remove"</Submit>
        </li>
    }
}

fn policy() -> impl IntoView {
    let actions = view! {
        <nav class="segmented" aria-label="Format">
            <a href="?format=json" aria-current="page">"JSON"</a>
            <a href="?format=terraform">"Terraform"</a>
            <a href="?format=cloudformation">"CloudFormation"</a>
        </nav>
    };
    view! {
        <Panel
            id="policy"
            title="AWS access policy"
            lead="Two queues. Add each statement to the access policy of its queue; keep what is there."
            actions=actions.into_any()
        >
            <Code id="policy-orders" label="Queue orders" text=POLICY download="/policy.json"/>
            <Code id="policy-invoices" label="Queue invoices" text=POLICY.replace("orders", "invoices").replace("Outbound", "Inbound") download="/policy.json"/>
        </Panel>
    }
}

fn checks() -> impl IntoView {
    let actions = view! { <Submit action="/check" glyph=Glyph::Refresh>"Check now"</Submit> };
    let missing = "sqs:DeleteMessage is missing for this role".to_owned();
    view! {
        <Panel id="checks" title="Check" lead="Nothing is sent or received." actions=actions.into_any()>
            <ul class="checks">
                <li><code>"orders"</code><Status state=State::Ready/><span class="status-more">"both actions proved"</span></li>
                <li><code>"invoices"</code><Status state=State::Misconfigured(missing)/></li>
            </ul>
        </Panel>
    }
}

pub(crate) fn page() -> (Frame, AnyView) {
    let orders = Way { chosen: true, url: "https://sqs.eu-central-1.amazonaws.com/123412341234/orders", error: None };
    let invoices = Way {
        chosen: true,
        url: "https://sqs.eu-west-1.amazonaws.com/123412341234/invoices",
        error: Some(
            "The queue is in eu-west-1, the bridge in eu-central-1. Use a queue there, or change the region in step 2.",
        ),
    };
    let none = Way { chosen: false, url: "", error: None };
    let step = |label: &str, summary: &str, state, href: Option<&str>| WizardStep {
        label: label.to_owned(),
        summary: summary.to_owned(),
        state,
        href: href.map(str::to_owned),
    };
    let steps = vec![
        step("Service", "AWS SQS", StepState::Done, Some("/bridges/new")),
        step("Details", "acceptance · invoices-to-erp · eu-central-1", StepState::Done, Some("/bridges/new/details")),
        step("Business events", "2 events, 2 queues", StepState::Current, None),
    ];
    let add = view! { <ButtonLink href="#" glyph=Glyph::Plus>"Add business events"</ButtonLink> };
    let body = view! {
        <PageHead title="New bridge" lead="Step 3 of 3. The draft is kept for 7 days.">
            <Confirm id="discard" label="Discard draft" kind=ButtonKind::Quiet title="Discard this draft?" action="/discard" page="/discard" confirm="Discard">
                <p>"The role made for it in AWS is removed too. Nothing was sent or received yet."</p>
            </Confirm>
        </PageHead>
        <WizardSteps steps/>
        <form method="post" class="stack">
            <Panel id="events" title="Business events" lead="For each event the way it goes, and the queue for each way." actions=add.into_any()>
                <ul class="routes">
                    {route("OrderPlaced", "order-portal 1.2", &orders, &none)}
                    {route("InvoicePaid", "erp 3.0", &none, &invoices)}
                </ul>
            </Panel>
            <Notice tone=Tone::Info title="A grant on InvoicePaid opens its channel">
                "The channel also carries InvoiceSent; Kafka allows or refuses a whole channel."
            </Notice>
            {policy()}
            {checks()}
            <div class="form-end">
                <CheckBox label="I have added these statements" name="added" required=true/>
                <div class="actions">
                    <Submit action="/save">"Save queues"</Submit>
                    <Submit kind=ButtonKind::Primary glyph=Glyph::Play>"Start bridge"</Submit>
                </div>
            </div>
        </form>
    };
    let crumbs = vec![Crumb::new("Bridges", "/bridges"), Crumb::here("New bridge")];
    (crate::frame("New bridge, step 3", Section::Bridges, crumbs), body.into_any())
}
