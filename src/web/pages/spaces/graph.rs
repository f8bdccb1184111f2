//! A Space as a drawing: publishers, channels, subscribers, and what flows between them.
//!
//! Drawn on the server. Each node brings the lines of all that flows through it, unseen until someone points at it or
//! comes to it with the keyboard; the style sheet does the rest. The same stands in the table beside it.

use std::{collections::BTreeMap, fmt::Write as _};

use leptos::prelude::*;

/// Channels that are drawn at most.
const MOST: usize = 40;
/// Height of a row, and the places of the three columns.
const ROW: usize = 34;
const BOX: usize = 24;
const WIDTH: usize = 220;
const GAP: usize = 130;
const TOP: usize = 26;
/// Letters that fit into a node.
const LETTERS: usize = 27;

/// What is drawn: one channel, with those at its ends.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// The channel's name and address.
    pub channel: End,
    /// Who publishes.
    pub publishers: Vec<End>,
    /// Who subscribes.
    pub subscribers: Vec<End>,
}

/// A node's name and the address of its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// What it is called.
    pub name: String,
    /// Its page.
    pub href: String,
}

/// A node in its place: column 0, 1 or 2, and the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    column: usize,
    row: usize,
}

impl Spot {
    fn left(self) -> usize {
        self.column * (WIDTH + GAP)
    }

    fn middle(self) -> usize {
        TOP + self.row * ROW + BOX / 2
    }
}

/// The drawing; nothing where nothing flows.
pub fn graph(streams: &[Stream]) -> Option<AnyView> {
    let shown = &streams[..streams.len().min(MOST)];
    if shown.is_empty() {
        return None;
    }
    let column = |ends: fn(&Stream) -> &Vec<End>| -> BTreeMap<&End, usize> {
        let mut nodes: BTreeMap<&End, usize> = shown.iter().flat_map(ends).map(|end| (end, 0)).collect();
        nodes.values_mut().enumerate().for_each(|(row, place)| *place = row);
        nodes
    };
    let (publishers, subscribers) = (column(|s| &s.publishers), column(|s| &s.subscribers));
    let mut lines: Vec<(Spot, Spot, usize)> = Vec::new();
    for (row, stream) in shown.iter().enumerate() {
        let channel = Spot { column: 1, row };
        lines.extend(stream.publishers.iter().map(|end| (Spot { column: 0, row: publishers[end] }, channel, row)));
        lines.extend(stream.subscribers.iter().map(|end| (channel, Spot { column: 2, row: subscribers[end] }, row)));
    }
    let path = |lines: &mut dyn Iterator<Item = &(Spot, Spot, usize)>| {
        let mut path = String::new();
        for (from, to, _) in lines {
            let (x, y, right, down) = (from.left() + WIDTH, from.middle(), to.left(), to.middle());
            let half = usize::midpoint(x, right);
            let _ = write!(path, "M{x} {y}C{half} {y} {half} {down} {right} {down}");
        }
        path
    };
    let all = path(&mut lines.iter());
    // Of a publisher or subscriber the streams it takes part in; of a channel its own.
    let through = |spot: Spot| {
        let streams: Vec<usize> = if spot.column == 1 {
            vec![spot.row]
        } else {
            lines.iter().filter(|(from, to, _)| *from == spot || *to == spot).map(|(_, _, row)| *row).collect()
        };
        let far = |line: &&(Spot, Spot, usize)| {
            let (from, to, row) = line;
            // The other publishers of a publisher's channel are not on its way.
            streams.contains(row)
                && match spot.column {
                    0 => from.column == 1 || *from == spot,
                    2 => to.column == 1 || *to == spot,
                    _ => true,
                }
        };
        path(&mut lines.iter().filter(far))
    };
    let nodes = publishers
        .iter()
        .map(|(end, row)| (*end, Spot { column: 0, row: *row }))
        .chain(shown.iter().enumerate().map(|(row, s)| (&s.channel, Spot { column: 1, row })))
        .chain(subscribers.iter().map(|(end, row)| (*end, Spot { column: 2, row: *row })))
        .map(|(end, spot)| node(end, spot, through(spot)))
        .collect_view();
    let rows = publishers.len().max(shown.len()).max(subscribers.len());
    let (width, height) = (3 * WIDTH + 2 * GAP, TOP + rows * ROW);
    let heads = ["Publishers", "Channels", "Subscribers"].into_iter().enumerate().map(|(column, head)| {
        view! { <text class="graph-head" x=Spot { column, row: 0 }.left().to_string() y="12">{head}</text> }
    });
    let heads = heads.collect_view();
    let cut = (streams.len() > MOST).then(|| {
        view! { <p class="secondary">{format!("The first {MOST} of {} channels; the table has all.", streams.len())}</p> }
    });
    Some(
        view! {
            <div class="graph" tabindex="0" role="region" aria-label="What flows in this Space">
                <svg viewBox=format!("0 0 {width} {height}") width=width.to_string() height=height.to_string() role="group" aria-label="Publishers, channels and subscribers">
                    {heads}
                    <path class="graph-lines" d=all></path>
                    {nodes}
                </svg>
            </div>
            {cut}
        }
        .into_any(),
    )
}

fn node(end: &End, spot: Spot, through: String) -> AnyView {
    let (x, y) = (spot.left(), TOP + spot.row * ROW);
    let short = if end.name.chars().count() > LETTERS {
        let start: String = end.name.chars().take(LETTERS - 1).collect();
        format!("{start}…")
    } else {
        end.name.clone()
    };
    let role = ["publishes", "channel", "subscribes"][spot.column];
    view! {
        <g class="graph-node">
            <path class="graph-way" d=through></path>
            <a href=end.href.clone() aria-label=format!("{}, {role}", end.name)>
                <title>{end.name.clone()}</title>
                <rect x=x.to_string() y=y.to_string() width=WIDTH.to_string() height=BOX.to_string() rx="4"></rect>
                <text x=(x + 10).to_string() y=(y + 16).to_string()>{short}</text>
            </a>
        </g>
    }
    .into_any()
}
