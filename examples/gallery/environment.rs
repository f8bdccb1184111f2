//! The page of an environment.

use std::sync::atomic::{AtomicU32, Ordering};

use ebm::{
    islands::Live,
    web::ui::{
        Action, ButtonKind, ButtonLink, Chain, ChainStep, Code, Column, Confirm, CopyValue, Crumb, Fact, Facts, Flash,
        Frame, Glyph, Name, Notice, PageHead, Panel, Pill, Refused, Section, State, Status, StepState, Tab, Table,
        Tabs, Tone, When,
    },
};
use leptos::prelude::*;

/// What the page is about, to the stream of changes.
pub(crate) const TOPIC: &str = "environment/order-portal/acceptance";

/// How often the page was made: seen to grow while it keeps itself true.
static MADE: AtomicU32 = AtomicU32::new(0);

fn chain() -> Vec<ChainStep> {
    vec![
        ChainStep::new(StepState::Done, "Enabled for the app", "By Maria Jansen, 3 days ago."),
        ChainStep::new(
            StepState::Done,
            "Enabled for this environment",
            "By Maria Jansen, 12 min ago. It joined the Space acceptance.",
        ),
        ChainStep::new(StepState::Done, "Credentials created", "For order-portal.acceptance, 10 min ago."),
        ChainStep::new(
            StepState::Current,
            "First deployment",
            "Nothing was reported yet. Deploy with these credentials; the pipeline reports it, or you upload the contract.",
        )
        .action(view! { <ButtonLink href="/upload" glyph=Glyph::Upload>"Upload contract"</ButtonLink> }),
        ChainStep::new(StepState::Todo, "Connected", format!("Once the app was seen on the broker. Looked {} times.", MADE.fetch_add(1, Ordering::Relaxed))),
    ]
}

const PROPERTIES: &str = "\
bootstrap.servers=broker-1.example.com:9093,broker-2.example.com:9093
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"order-portal.acceptance\" password=\"…\";
group.id=order-portal.acceptance.main
";

fn grant(
    event: &'static str,
    service: &'static str,
    access: &'static str,
    finding: Option<(Tone, &'static str)>,
    state: State,
) -> impl IntoView {
    let finding = match finding {
        Some((tone, words)) => view! { <Pill tone label=words/> }.into_any(),
        None => view! { <span class="secondary">"As implemented"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row"><a href="/events/x"><Name text=event/></a><span class="under"><Name text=service/></span></th>
            <td data-label="Access">{access}</td>
            <td data-label="Finding">{finding}</td>
            <td data-label="On Kafka"><Status state/></td>
            <td><span class="actions"><ButtonLink href="/explain" kind=ButtonKind::Quiet>"Explain"</ButtonLink></span></td>
        </tr>
    }
}

fn credentials() -> impl IntoView {
    let actions = view! {
        <Confirm
            id="rotate"
            label="Rotate"
            glyph=Glyph::Refresh
            title="Rotate the password of acceptance?"
            action="/apps/order-portal/acceptance/credentials"
            page="/apps/order-portal/acceptance/credentials"
            confirm="Rotate password"
            typed="acceptance"
        >
            <p>"The old password is refused for new connections at once. "<strong>"2 connections"</strong>" that are open now last until the broker asks again, within 60 min."</p>
            <p>"The new password is shown once."</p>
        </Confirm>
    };
    view! {
        <Panel id="credentials" title="Credentials" lead="The password was shown once and is not kept." actions=actions.into_any()>
            <Facts>
                <Fact label="User"><CopyValue label="user" value="order-portal.acceptance"/></Fact>
                <Fact label="Servers"><CopyValue label="servers" value="broker-1.example.com:9093,broker-2.example.com:9093"/></Fact>
                <Fact label="Group prefix"><CopyValue label="group prefix" value="order-portal.acceptance."/></Fact>
                <Fact label="Mechanism">"SCRAM-SHA-512 over TLS"</Fact>
                <Fact label="Created"><When moment=crate::ago(10)/>" by Maria Jansen"</Fact>
            </Facts>
            <Code id="properties" label="client.properties" text=PROPERTIES download="/client.properties"/>
        </Panel>
    }
}

fn access() -> impl IntoView {
    let columns = vec![
        Column::new("Event"),
        Column::new("Access"),
        Column::new("Finding"),
        Column::new("On Kafka"),
        Column::new("Actions").hidden(),
    ];
    let actions = view! { <ButtonLink href="/access" glyph=Glyph::Pencil>"Edit access"</ButtonLink> };
    let no_access = Some((Tone::Fail, "Implemented but no access"));
    let unused = Some((Tone::Warn, "Has access but not implemented"));
    let failed = State::Failed("the topic does not exist".to_owned());
    view! {
        <Panel id="access" title="Access" lead="What this environment may do, beside what its deployment says it does." actions=actions.into_any()>
            <Table caption="Access of acceptance" columns stacked=true>
                {grant("OrderPlaced", "order-portal 1.2", "Publish", None, State::Applied)}
                {grant("OrderCancelled", "order-portal 1.2", "Publish", None, State::Pending(Some(crate::ago(2))))}
                {grant("InvoicePaid", "erp 3.0", "Subscribe", no_access, State::Disabled)}
                {grant("StockReserved", "warehouse 2.4", "Subscribe", unused, State::Applied)}
                {grant("CustomerCommunicationPreferencesChanged", "customer-notifications-and-communication-hub 11.0", "Subscribe", None, failed)}
            </Table>
        </Panel>
    }
}

fn aside() -> impl IntoView {
    view! {
        <aside>
            <Panel id="facts" title="About">
                <Facts>
                    <Fact label="App"><a href="/apps/order-portal">"Order portal"</a></Fact>
                    <Fact label="Space"><a href="/spaces/acceptance">"acceptance"</a></Fact>
                    <Fact label="Plan">"Licensed"</Fact>
                    <Fact label="Contacts">"Maria Jansen, Ravi Patel"</Fact>
                    <Fact label="Identity"><CopyValue label="identity" value="0199f3a2-7c1e-7d0a-b0f4-3b6f7a1c9e55" shorten=8/></Fact>
                </Facts>
            </Panel>
            <Panel id="danger" title="Disable" lead="Access goes first, then the user. Channels and their data stay.">
                <div class="row">
                    <Confirm
                        id="disable"
                        label="Disable"
                        kind=ButtonKind::Plain
                        title="Disable acceptance of order-portal?"
                        action="/disable"
                        page="/disable"
                        confirm="Disable"
                        typed="order-portal"
                    >
                        <ul>
                            <li><strong>"2 live connections"</strong>" are refused within 5 s."</li>
                            <li><strong>"1,204 unread messages"</strong>" wait for it."</li>
                        </ul>
                        <p>"Enabling it again brings back its access and the same credentials."</p>
                    </Confirm>
                    <Refused id="reassign" label="Reassign" reason="Only an admin may move an environment to another Space."/>
                </div>
            </Panel>
        </aside>
    }
}

pub(crate) fn page() -> (Frame, AnyView) {
    let tabs = vec![
        Tab::new("Environment", "#", true),
        Tab::new("Access", "#access", false).count(5),
        Tab::new("Deployments", "#deployments", false).count(0),
        Tab::new("History", "#history", false),
    ];
    let status = view! { <Status state=State::AwaitingDeployment/> };
    let body = view! {
        <PageHead title="acceptance" lead="Environment of Order portal" status=status.into_any()>
            <Live url="/changes" topic=TOPIC/>
            <ButtonLink href="#" glyph=Glyph::Key kind=ButtonKind::Primary>"Create credentials"</ButtonLink>
        </PageHead>
        <Tabs label="Environment" tabs/>
        <Notice
            tone=Tone::Warn
            title="InvoicePaid is implemented, but this environment has no access to it"
            action=Some(Action::new("Request access", "#access"))
        >
            "It will fail when the app subscribes. A contact of erp or an admin can grant it."
        </Notice>
        <div class="split">
            <div>
                <Panel id="chain" title="Enabling" lead="Four of five: the broker waits for the app.">
                    <div id="chain-live" data-live=""><Chain label="Steps until the app is connected" steps=chain()/></div>
                </Panel>
                {credentials()}
            </div>
            {aside()}
        </div>
        {access()}
    };
    let crumbs =
        vec![Crumb::new("Apps", "/apps"), Crumb::new("order-portal", "/apps/order-portal"), Crumb::here("acceptance")];
    let frame = crate::frame("acceptance of order-portal", Section::Apps, crumbs);
    (Frame { flash: Some(Flash::ok("Credentials were created.")), ..frame }, body.into_any())
}
