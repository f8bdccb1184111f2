//! Narrowing a list while one types.

use leptos::prelude::*;

/// Hides the rows (`[data-row]`) of the list with the id `rows` that lack one of the words typed.
///
/// Rows are hidden and never removed, so that what is ticked in them is sent with the form. Without script there is no filter and the
/// list is whole.
#[island]
pub fn Filter(
    /// The id of the list.
    #[prop(into)]
    rows: String,
    /// What is in it, in the plural.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let awake = RwSignal::new(false);
    let count = RwSignal::new(String::new());
    let typed = RwSignal::new(String::new());
    Effect::new({
        let rows = rows.clone();
        move || {
            awake.set(true);
            #[cfg(feature = "hydrate")]
            count.set(browser::narrow(&rows, &typed.get()));
            #[cfg(not(feature = "hydrate"))]
            let _ = (&rows, count);
        }
    });
    // Enter would send the form around the filter.
    let keep = |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Enter" {
            event.prevent_default();
        }
    };
    view! {
        <div class="filter-box" hidden=move || !awake.get()>
            <input
                type="search"
                aria-label=format!("Filter: {label}")
                aria-controls=rows
                placeholder="Filter as you type"
                autocomplete="off"
                on:input=move |event| typed.set(event_target_value(&event))
                on:keydown=keep
            />
            <p role="status">{count}</p>
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use js_sys::JsString;
    use leptos::prelude::document;
    use wasm_bindgen::JsCast;
    use web_sys::Element;

    /// By the browser: Rust's way would bring its tables of all letters along.
    fn lower(text: &str) -> String {
        JsString::from(text).to_lower_case().into()
    }

    /// Shows and hides, and says how many are shown.
    pub(super) fn narrow(rows: &str, typed: &str) -> String {
        let typed = lower(typed);
        let words: Vec<&str> = typed.split_whitespace().collect();
        let Ok(list) = document().query_selector_all(&format!("#{rows} [data-row]")) else {
            return String::new();
        };
        let mut shown = 0;
        for nth in 0..list.length() {
            let Some(row) = list.get(nth).and_then(|row| row.dyn_into::<Element>().ok()) else {
                continue;
            };
            let text = lower(&row.text_content().unwrap_or_default());
            let fits = words.iter().all(|word| text.contains(word));
            let _ = row.toggle_attribute_with_force("hidden", !fits);
            shown += u32::from(fits);
        }
        if words.is_empty() { String::new() } else { format!("{shown} of {}", list.length()) }
    }
}
