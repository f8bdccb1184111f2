//! The company: what its apps define, do, and where they run.

/// An app.
pub struct App {
    /// Key.
    pub key: &'static str,
    /// Name.
    pub name: &'static str,
    /// Its technical contacts.
    pub contacts: &'static [&'static str],
    /// The version that runs.
    pub version: &'static str,
    /// Keys of the services it defines; their contracts lie in `contracts/`.
    pub defines: &'static [&'static str],
    /// What it does with events of others: service, event, access.
    pub implements: &'static [(&'static str, &'static str, &'static str)],
    /// Where it runs.
    pub environments: &'static [Environment],
}

/// A stage of an app.
pub struct Environment {
    /// Key; its Space has the same name.
    pub key: &'static str,
    /// How far it has come.
    pub state: State,
}

/// How far an environment has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Registered, no more.
    Registered,
    /// Enabled, with credentials, but nothing was deployed.
    Enabled,
    /// It runs.
    Runs,
}

const fn in_stage(key: &'static str, state: State) -> Environment {
    Environment { key, state }
}

const EVERYWHERE: &[Environment] =
    &[in_stage("test", State::Runs), in_stage("acceptance", State::Runs), in_stage("production", State::Runs)];

/// The name of a stage.
pub fn stage_name(key: &str) -> &str {
    match key {
        "test" => "Test",
        "acceptance" => "Acceptance",
        _ => "Production",
    }
}

/// All apps; those whose events others need come first.
pub const APPS: &[App] = &[
    App {
        key: "order-portal",
        name: "Order portal",
        contacts: &["contact@example.test", "noor.visser@halden.example"],
        version: "4.12.0",
        defines: &["orders", "quotes"],
        implements: &[
            ("invoices", "InvoicePaid", "subscribe"),
            ("stock", "StockLow", "subscribe"),
            ("shipments", "ShipmentSent", "subscribe"),
            ("shipments", "ShipmentDelivered", "subscribe"),
            ("products", "PriceChanged", "subscribe"),
            ("partner-orders", "PartnerOrderReceived", "subscribe"),
        ],
        environments: EVERYWHERE,
    },
    App {
        key: "erp",
        name: "ERP",
        contacts: &["jonas.lindqvist@halden.example"],
        version: "2025.3",
        defines: &["invoices", "products"],
        implements: &[
            ("orders", "OrderConfirmed", "subscribe"),
            ("orders", "OrderCancelled", "subscribe"),
            ("shipments", "ShipmentDelivered", "subscribe"),
            ("work-orders", "WorkOrderFinished", "subscribe"),
            ("stock", "GoodsReceived", "subscribe"),
        ],
        environments: EVERYWHERE,
    },
    App {
        key: "warehouse",
        name: "Warehouse",
        contacts: &["contact@example.test", "amira.haddad@halden.example"],
        version: "7.0.4",
        defines: &["stock", "shipments"],
        implements: &[
            ("orders", "OrderConfirmed", "subscribe"),
            ("orders", "OrderCancelled", "subscribe"),
            ("products", "ProductAdded", "subscribe"),
        ],
        environments: EVERYWHERE,
    },
    App {
        key: "customer-care",
        name: "Customer care",
        contacts: &["tomasz.nowak@halden.example"],
        version: "1.31.2",
        defines: &["tickets"],
        implements: &[
            ("orders", "OrderPlaced", "subscribe"),
            ("orders", "OrderChanged", "subscribe"),
            ("shipments", "ShipmentSent", "subscribe"),
            ("invoices", "InvoiceOverdue", "subscribe"),
        ],
        environments: &[
            in_stage("test", State::Runs),
            in_stage("acceptance", State::Enabled),
            in_stage("production", State::Runs),
        ],
    },
    App {
        key: "production-planning",
        name: "Production planning",
        contacts: &["ines.moreau@halden.example"],
        version: "3.8.1",
        defines: &["work-orders"],
        implements: &[
            ("orders", "OrderConfirmed", "subscribe"),
            ("stock", "StockLow", "subscribe"),
            ("stock", "GoodsReceived", "subscribe"),
        ],
        environments: &[in_stage("acceptance", State::Runs), in_stage("production", State::Runs)],
    },
    App {
        key: "partner-gateway",
        name: "Partner gateway",
        contacts: &["noor.visser@halden.example"],
        version: "0.9.5",
        defines: &["partner-orders"],
        implements: &[("orders", "OrderConfirmed", "subscribe"), ("shipments", "ShipmentSent", "subscribe")],
        environments: &[
            in_stage("test", State::Registered),
            in_stage("acceptance", State::Runs),
            in_stage("production", State::Runs),
        ],
    },
];

/// What the newest version of an app does besides, in one stage: app, environment, service, event, access.
///
/// A contract's owner lets others publish this event; the factory's default access does not, so that an admin has to.
pub const NEW: (&str, &str, &str, &str, &str) =
    ("order-portal", "acceptance", "partner-orders", "PartnerOrderAnswer", "publish");

/// Access that nothing uses: app, environment, service, event, access.
pub const UNUSED: (&str, &str, &str, &str, &str) = ("customer-care", "production", "quotes", "QuoteSent", "subscribe");

/// A bridge.
pub struct Bridge {
    /// Name.
    pub name: &'static str,
    /// Space.
    pub space: &'static str,
    /// Service, event, direction, and the queue's name.
    pub routes: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

/// Invoices leave for the bookkeeping of the group.
pub const INVOICES: Bridge = Bridge {
    name: "Invoices to group ledger",
    space: "production",
    routes: &[
        ("invoices", "InvoiceIssued", "outbound", "group-ledger-invoices"),
        ("invoices", "InvoicePaid", "outbound", "group-ledger-payments"),
    ],
};

/// Partners answer through a queue.
pub const ANSWERS: Bridge = Bridge {
    name: "Answers from partners",
    space: "production",
    routes: &[("partner-orders", "PartnerOrderAnswer", "inbound", "partner-answers")],
};

/// Shipments leave for a carrier, who has taken the statement out of the queue's policy again.
pub const CARRIER: Bridge = Bridge {
    name: "Shipments to carrier",
    space: "acceptance",
    routes: &[("shipments", "ShipmentPacked", "outbound", "carrier-shipments")],
};
