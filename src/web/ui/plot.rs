//! Small plots of what flowed, minute by minute. Drawn on the server; the numbers stand beside or behind them.

use std::fmt::Write;

use leptos::prelude::*;

use super::{Column, Table};

/// Minutes that one row of the table behind a plot stands for.
const ROW: usize = 5;

/// Events per minute in words: `12 a minute`, `3.4 a second`, `none`.
pub fn rate_words(per_minute: f64) -> String {
    if per_minute <= 0.0 {
        "none".to_owned()
    } else if per_minute < 1.0 {
        "under 1 a minute".to_owned()
    } else if per_minute < 120.0 {
        format!("{per_minute:.0} a minute")
    } else {
        format!("{:.1} a second", per_minute / 60.0)
    }
}

/// A line without axes, as high as a row, with the rate of the last minutes beside it; where there is none, how many it
/// were before.
#[component]
pub fn Sparkline(
    /// Counts of whole minutes, the oldest first.
    minutes: Vec<i64>,
    /// Events per minute over the last few.
    rate: f64,
) -> AnyView {
    let quiet = minutes.iter().all(|&count| count == 0);
    let line = (!quiet).then(|| {
        view! {
            <svg class="spark" viewBox=format!("0 0 {} 20", minutes.len().max(2) - 1) preserveAspectRatio="none" aria-hidden="true">
                <path d=path(&minutes, 20.0)></path>
            </svg>
        }
    });
    let words =
        if !quiet && rate <= 0.0 { format!("{}, none now", minutes.iter().sum::<i64>()) } else { rate_words(rate) };
    view! { <span class="flow" class:secondary=quiet>{line}<span>{words}</span></span> }.into_any()
}

/// A plot with its numbers behind it.
#[component]
pub fn Plot(
    /// Counts of whole minutes, the oldest first.
    minutes: Vec<i64>,
    /// What is counted: `events moved`.
    #[prop(into)]
    what: String,
    /// The unit of a measure, of which the largest counts and not the sum; empty where things are counted.
    #[prop(optional, into)]
    unit: &'static str,
) -> AnyView {
    let most = minutes.iter().copied().max().unwrap_or_default();
    let sum: i64 = minutes.iter().sum();
    let span = minutes.len();
    let measure = !unit.is_empty();
    let (label, scale) = if measure {
        (format!("{what} in the last {span} minutes: at most {most} {unit}"), format!("at most {most} {unit}"))
    } else {
        (
            format!("{what} in the last {span} minutes: {sum}, at most {most} in a minute"),
            format!("at most {most} a minute"),
        )
    };
    let rows = minutes
        .chunks(ROW)
        .enumerate()
        .rev()
        .map(|(n, counts)| {
            let (from, to) = (span - n * ROW, span - n * ROW - counts.len());
            let count: i64 =
                if measure { counts.iter().copied().max().unwrap_or_default() } else { counts.iter().sum() };
            view! { <tr><th scope="row">{format!("{from} to {to} min ago")}</th><td class="number">{count}</td></tr> }
        })
        .collect_view();
    let counted = if measure { format!("{what}, {unit}") } else { what };
    let columns = vec![Column::new("When"), Column::new(counted).numeric()];
    view! {
        <figure class="plot">
            <svg viewBox=format!("0 0 {} 60", span.max(2) - 1) preserveAspectRatio="none" role="img" aria-label=label.clone()>
                <path class="plot-ground" d=format!("{}L{} 60L0 60Z", path(&minutes, 60.0), span.max(2) - 1)></path>
                <path d=path(&minutes, 60.0)></path>
            </svg>
            <figcaption><span>{format!("{span} min ago")}</span><span>{scale}</span><span>"now"</span></figcaption>
            <details><summary>"As a table"</summary><Table caption=label columns>{rows}</Table></details>
        </figure>
    }
    .into_any()
}

/// A line through all counts, the largest at the top; a margin keeps the stroke inside.
fn path(counts: &[i64], height: f64) -> String {
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let mut path = String::new();
    for (x, &count) in counts.iter().enumerate() {
        let share = to_f64(count) / to_f64(most);
        let y = (height - 2.0).mul_add(1.0 - share, 1.0);
        let _ = write!(path, "{}{x} {y:.1}", if x == 0 { 'M' } else { 'L' });
    }
    path
}

#[expect(clippy::cast_precision_loss, reason = "a pixel is far coarser")]
fn to_f64(count: i64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_within_its_height() {
        assert_eq!(path(&[0, 5, 10], 20.0), "M0 19.0L1 10.0L2 1.0");
        assert_eq!(path(&[0, 0], 20.0), "M0 19.0L1 19.0");
    }

    #[test]
    fn rates_are_said_in_a_fitting_unit() {
        let said: Vec<_> = [0.0, 0.2, 12.4, 240.0].into_iter().map(rate_words).collect();
        assert_eq!(said, ["none", "under 1 a minute", "12 a minute", "4.0 a second"]);
    }
}
