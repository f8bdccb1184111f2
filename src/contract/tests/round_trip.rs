//! A document made from a contract reads as that contract.

use proptest::prelude::*;

use super::super::{
    convert::{document, yaml},
    display,
    official::Version,
    read_value,
};
use crate::domain::contract::{Attribute, Channel, Contract, Event, TopicWishes};

fn shown(max: usize) -> impl Strategy<Value = String> {
    "\\PC{0,30}".prop_map(move |text| display::line(&text, max))
}

fn kind() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "string",
        "integer",
        "number",
        "boolean",
        "object",
        "array",
        "any",
        "string (date-time)",
        "integer (int64)",
        "null",
    ]);
    prop_oneof![
        plain.clone().prop_map(str::to_owned),
        plain.prop_map(|kind| format!("array of {kind}")),
        prop::sample::select(vec!["enum of a, b", "string or null", "array of enum of x", "string (a b)", "string ()"])
            .prop_map(str::to_owned),
        "\\PC{1,30}"
            .prop_map(|text| display::line(&text, 200))
            .prop_filter("a kind is not empty", |text| !text.is_empty()),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let one = ("\\PC{1,12}", kind(), any::<bool>());
    // A value has no order of its own: by name.
    prop::collection::btree_map("[a-zA-Z$_.é-]{1,12}", one, 0..6)
        .prop_map(|map| map.into_iter().map(|(name, (_, kind, required))| Attribute { name, kind, required }).collect())
}

fn event() -> impl Strategy<Value = (String, String, Vec<Attribute>, u8)> {
    (
        shown(200),
        "\\PC{0,20}(\n\\PC{0,20})?".prop_map(|text| display::paragraphs(&text, 10_000)),
        attributes(),
        1..=3_u8,
    )
}

fn wishes() -> impl Strategy<Value = TopicWishes> {
    let config = prop::collection::btree_map(
        prop::sample::select(vec!["retention.ms", "retention.bytes", "delete.retention.ms", "max.message.bytes"]),
        0..=i64::from(i32::MAX),
        0..4,
    );
    let policy = prop::option::of(prop::sample::select(vec!["compact", "delete", "compact,delete"]));
    (prop::option::of(1..=i32::MAX), prop::option::of(1..=i16::MAX), config, policy).prop_map(
        |(partitions, replicas, config, policy)| {
            let mut config: std::collections::BTreeMap<_, _> =
                config.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
            if let Some(policy) = policy {
                config.insert("cleanup.policy".into(), policy.into());
            }
            TopicWishes { partitions, replicas, config }
        },
    )
}

fn contract() -> impl Strategy<Value = Contract> {
    let address = prop_oneof!["[a-z./]{1,20}", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"];
    let channels = prop::collection::btree_map(address, (wishes(), prop::collection::vec(event(), 1..4)), 1..4);
    let title = shown(200).prop_filter("a title is not empty", |title| !title.is_empty());
    ("[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", title, shown(100), shown(10_000), channels, "[^\\pC\\pZ]{1,8}").prop_map(
        |(service, title, version, description, channels, prefix)| {
            let mut number = 0;
            let channels = channels
                .into_iter()
                .map(|(address, (topic, events))| {
                    let mut events: Vec<_> = events
                        .into_iter()
                        .map(|(title, description, attributes, ways)| {
                            number += 1;
                            let prefix: String = prefix.chars().filter(|&c| !display::is_hidden(c)).collect();
                            Event {
                                name: format!("{prefix}{number}"),
                                title,
                                description,
                                app_sends: ways & 1 != 0,
                                app_receives: ways & 2 != 0,
                                attributes,
                            }
                        })
                        .collect();
                    events.sort_by_key(|event| !event.app_sends);
                    Channel { id: super::super::channel::id(&address), address, topic, events }
                })
                .collect();
            Contract {
                service: service.parse().expect("the pattern is that of a key"),
                title,
                version,
                description,
                channels,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_contract_survives_being_a_document(contract in contract()) {
        let made = document(&contract);
        let read = read_value(made.clone()).unwrap_or_else(|refused| panic!("{refused}\n{made:#}"));
        prop_assert_eq!(&read.contract, &contract);
        let text = yaml(&made);
        let read = super::super::read(text.as_bytes()).unwrap_or_else(|refused| panic!("{refused}\n{text}"));
        prop_assert_eq!(&read.contract, &contract);
    }
}

#[test]
fn a_channel_with_an_id_is_written_under_it() {
    let contract = super::good(&super::document(super::ONE)).contract;
    let id: crate::domain::ids::ChannelId = "5d9bd3b0-4e8c-4f43-9d2c-6f2b6a9f3c11".parse().unwrap();
    let mut minted = contract.clone();
    minted.channels[0].id = Some(id);
    let made = document(&minted);
    assert!(made["channels"].get(id.to_string()).is_some(), "{made:#}");
    assert!(Version::of(made["asyncapi"].as_str().unwrap()).is_some());
    assert_eq!(read_value(made).unwrap().contract.channels[0].id, Some(id));
}
