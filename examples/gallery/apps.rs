//! The list of apps.

use ebm::web::ui::{
    ButtonKind, ButtonLink, Choice, Column, Crumb, FilterBar, FilterSelect, Frame, Glyph, Icon, Name, Order, PageHead,
    Paging, Section, State, Status, Table, Tone, When,
};
use leptos::prelude::*;

struct App {
    key: &'static str,
    name: &'static str,
    plan: &'static str,
    environments: &'static [(&'static str, Tone)],
    state: State,
    changed: i64,
    events: u32,
}

const OK: Tone = Tone::Ok;
const WARN: Tone = Tone::Warn;
const QUIET: Tone = Tone::Quiet;
const WAIT: Tone = Tone::Wait;

fn apps() -> Vec<App> {
    vec![
        App {
            key: "order-portal",
            name: "Order portal",
            plan: "Licensed",
            environments: &[("test", OK), ("acceptance", WAIT), ("production", OK)],
            state: State::Pending(Some(crate::ago(2))),
            changed: 2,
            events: 12,
        },
        App {
            key: "erp",
            name: "ERP",
            plan: "Licensed",
            environments: &[("test", OK), ("acceptance", OK), ("production", OK)],
            state: State::Applied,
            changed: 47,
            events: 9,
        },
        App {
            key: "warehouse",
            name: "Warehouse and returns",
            plan: "Licensed",
            environments: &[("test", OK), ("acceptance", WARN), ("production", QUIET)],
            state: State::HalfEnabled("acceptance is not enabled".to_owned()),
            changed: 190,
            events: 4,
        },
        App {
            key: "customer-notifications-and-communication-hub",
            name: "Customer notifications",
            plan: "Licensed",
            environments: &[("acceptance", OK), ("production", OK)],
            state: State::Applied,
            changed: 1_600,
            events: 3,
        },
        App {
            key: "loyalty",
            name: "Loyalty",
            plan: "Free",
            environments: &[("free", OK)],
            state: State::Failed("Kafka refused the user: the cluster is read-only".to_owned()),
            changed: 9_000,
            events: 2,
        },
        App {
            key: "planning",
            name: "Planning board",
            plan: "Free",
            environments: &[("free", QUIET)],
            state: State::Disabled,
            changed: 88_000,
            events: 0,
        },
    ]
}

fn row(app: App) -> impl IntoView {
    let chip = |(name, tone): &(&'static str, Tone)| {
        view! {
            <a class="chip" data-tone=tone.name() href=format!("/apps/{}/{name}", app.key)><Icon glyph=tone.glyph()/>{*name}</a>
        }
    };
    view! {
        <tr>
            <th scope="row"><a href=format!("/apps/{}", app.key)>{app.name}</a><span class="under mono"><Name text=app.key/></span></th>
            <td data-label="Environments"><span class="chips">{app.environments.iter().map(chip).collect_view()}</span></td>
            <td data-label="State"><Status state=app.state/></td>
            <td data-label="Plan">{app.plan}</td>
            <td data-label="Events" class="number">{app.events}</td>
            <td data-label="Changed" class="number secondary"><When moment=crate::ago(app.changed)/></td>
        </tr>
    }
}

pub(crate) fn page() -> (Frame, AnyView) {
    let columns = vec![
        Column::new("App").sort("?sort=-name", Some(Order::Ascending)),
        Column::new("Environments"),
        Column::new("State"),
        Column::new("Plan"),
        Column::new("Events").numeric().sort("?sort=events", None),
        Column::new("Changed").numeric().sort("?sort=changed", None),
    ];
    let spaces = ["test", "acceptance", "production", "free"].map(|name| Choice::new(name, name)).to_vec();
    let plans = vec![Choice::new("licensed", "Licensed"), Choice::new("free", "Free")];
    let body = view! {
        <PageHead title="Apps" lead="What tells the rest of the company what happened, and listens to it.">
            <ButtonLink href="/apps/import" glyph=Glyph::Upload>"Import"</ButtonLink>
            <ButtonLink href="/apps/new" kind=ButtonKind::Primary glyph=Glyph::Plus>"Register app"</ButtonLink>
        </PageHead>
        <FilterBar action="/apps" label="Search apps">
            <FilterSelect label="Space" name="space" choices=spaces/>
            <FilterSelect label="Plan" name="plan" choices=plans/>
        </FilterBar>
        <Table caption="Apps" columns stacked=true>{apps().into_iter().map(row).collect_view()}</Table>
        <Paging shown="6 apps" previous=None next=Some("?after=planning".to_owned())/>
    };
    (crate::frame("Apps", Section::Apps, vec![Crumb::here("Apps")]), body.into_any())
}
