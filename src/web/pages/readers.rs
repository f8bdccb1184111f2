//! Consumer groups in tables: who reads a topic, and how far.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::{
    manager::apps::Reader,
    web::ui::{Column, Moment, Name, Pill, Tone, When},
};

/// The headings of a table of consumer groups, after those that say of what it is.
pub fn columns(first: &[&str]) -> Vec<Column> {
    let first = first.iter().map(|&label| Column::new(label));
    let of_group = [
        Column::new("Consumer group"),
        Column::new("Members").numeric(),
        Column::new("Lag").numeric(),
        Column::new("Last seen"),
    ];
    first.chain(of_group).collect()
}

/// The cells under them: of a group, or of nobody.
pub fn cells(reader: Option<&Reader>, now: OffsetDateTime) -> AnyView {
    let Some(reader) = reader else {
        return view! {
            <td data-label="Consumer group" colspan="4"><span class="secondary">"None has been seen"</span></td>
        }
        .into_any();
    };
    let left = left(reader).map(|label| view! { <div><Pill tone=Tone::Warn label/></div> });
    let seen = match reader.seen_at {
        Some(at) => view! { <When moment=Moment::new(at, now)/> }.into_any(),
        None => view! { <span class="secondary">"Never with members"</span> }.into_any(),
    };
    view! {
        <td data-label="Consumer group"><div><code><Name text=reader.group.clone()/></code>{left}</div></td>
        <td data-label="Members" class="number">{reader.members}</td>
        <td data-label="Lag" class="number">{reader.lag}</td>
        <td data-label="Last seen">{seen}</td>
    }
    .into_any()
}

/// That events wait and nobody comes for them.
fn left(reader: &Reader) -> Option<String> {
    match (reader.members, reader.lag) {
        (0, 1) => Some("1 event waits, and nobody reads".to_owned()),
        (0, 2..) => Some(format!("{} events wait, and nobody reads", reader.lag)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::ChannelId;

    #[test]
    fn events_that_nobody_comes_for_are_told_of() {
        let said = |members, lag| {
            let channel = ChannelId(Uuid::nil());
            left(&Reader { group: "a.b.c".into(), channel, members, lag, seen_at: None })
        };
        assert_eq!(said(0, 3).as_deref(), Some("3 events wait, and nobody reads"));
        assert_eq!(said(0, 1).as_deref(), Some("1 event waits, and nobody reads"));
        assert_eq!((said(0, 0), said(1, 3)), (None, None));
    }
}
