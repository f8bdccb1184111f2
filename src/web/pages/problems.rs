//! What is wrong with a document, place by place.

use leptos::prelude::*;

use crate::{
    manager::FieldError,
    web::ui::{Column, Notice, Panel, Table, Tone},
};

/// All that is wrong with the document of a field, each at its place.
pub(super) fn problems(problems: &[FieldError], field: &str, next: &'static str) -> AnyView {
    let title = match problems.len() {
        1 => "One thing is wrong with the document".to_owned(),
        n => format!("{n} things are wrong with the document"),
    };
    let rows = problems.iter().map(|problem| {
        let (what, line) = line_of(&problem.message);
        let pointer = problem.field.strip_prefix(field).unwrap_or(&problem.field).to_owned();
        let place = if pointer.is_empty() {
            view! { <span class="secondary">"The whole document"</span> }.into_any()
        } else {
            view! { <code>{pointer}</code> }.into_any()
        };
        let (what, line) = (what.to_owned(), line.unwrap_or("—").to_owned());
        view! {
            <tr>
                <th scope="row">{place}</th>
                <td data-label="Line" class="number">{line}</td>
                <td data-label="Problem">{what}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let columns = vec![Column::new("Place"), Column::new("Line").numeric(), Column::new("Problem")];
    view! {
        <Notice tone=Tone::Fail title=title announce=true>{next}</Notice>
        <Panel id="problems" title="What is wrong">
            <Table caption="Problems of the document" columns stacked=true>{rows}</Table>
        </Panel>
    }
    .into_any()
}

/// What is said, and the line that it ends with where it is known: `… (line 12)`.
fn line_of(message: &str) -> (&str, Option<&str>) {
    match message.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (line ")) {
        Some((what, line)) if line.bytes().all(|b| b.is_ascii_digit()) => (what, Some(line)),
        _ => (message, None),
    }
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn the_line_of_a_problem_is_taken_from_its_end() {
        assert_eq!(line_of("is missing (line 12)"), ("is missing", Some("12")));
        assert_eq!(line_of("is missing"), ("is missing", None));
        assert_eq!(line_of("is no (line x)"), ("is no (line x)", None));
    }
}
