//! Tables.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// How a column is sorted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The link that sorts by a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The same list, sorted by this column, or the other way round.
    pub href: String,
    /// How it is sorted now, where it is.
    pub order: Option<Order>,
}

/// A column's heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    label: String,
    sort: Option<Sort>,
    numeric: bool,
    hidden: bool,
}

impl Column {
    /// A column with this heading.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A column of numbers: to the right. Its cells have the class `number`.
    #[must_use]
    pub fn numeric(mut self) -> Self {
        self.numeric = true;
        self
    }

    /// A column whose heading is only heard, such as that of the row's buttons.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Makes the heading a link.
    #[must_use]
    pub fn sort(mut self, href: impl Into<String>, order: Option<Order>) -> Self {
        self.sort = Some(Sort { href: href.into(), order });
        self
    }
}

fn heading(column: Column) -> impl IntoView {
    let order = column.sort.as_ref().and_then(|sort| sort.order);
    let aria = order.map(|order| match order {
        Order::Ascending => "ascending",
        Order::Descending => "descending",
    });
    let glyph = match order {
        Some(Order::Ascending) => Glyph::ArrowUp,
        Some(Order::Descending) => Glyph::ArrowDown,
        None => Glyph::ChevronsUpDown,
    };
    let label = match column.sort {
        Some(sort) => view! { <a class="sort" href=sort.href>{column.label}<Icon glyph/></a> }.into_any(),
        None if column.hidden => view! { <span class="unseen">{column.label}</span> }.into_any(),
        None => column.label.into_any(),
    };
    view! { <th scope="col" class=column.numeric.then_some("number") aria-sort=aria>{label}</th> }
}

/// A table that scrolls sideways in itself, never the page.
///
/// Children are the rows. The cell that names the row is `<th scope="row">`. On a narrow screen a `stacked` table shows each row as
/// a small list; its cells then say what they are by `data-label`.
#[component]
pub fn Table(
    /// What is in it; heard, not seen, since a heading stands above.
    #[prop(into)]
    caption: String,
    /// The headings.
    columns: Vec<Column>,
    /// Whether rows become small lists on a narrow screen.
    #[prop(optional)]
    stacked: bool,
    /// The rows.
    children: Children,
) -> AnyView {
    // Focusable, so that it can be scrolled with the keyboard.
    view! {
        <div class=if stacked { "table-scroll stacked" } else { "table-scroll" } role="group" aria-label=caption tabindex="0">
            <table>
                <caption class="unseen">{caption.clone()}</caption>
                <thead><tr>{columns.into_iter().map(heading).collect_view()}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}
