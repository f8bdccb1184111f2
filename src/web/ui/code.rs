//! Text for machines.

use leptos::prelude::*;

use super::{copy::copy_button, some};

/// A block of text to copy, to wrap or to scroll.
#[component]
pub fn Code(
    /// Unique in the page.
    #[prop(into)]
    id: String,
    /// What it is: `Access policy of the queue orders`.
    #[prop(into)]
    label: String,
    /// The text.
    #[prop(into)]
    text: String,
    /// Whether the label is seen above it; else it is only heard.
    #[prop(default = true)]
    titled: bool,
    /// Where the same can be downloaded.
    #[prop(optional, into)]
    download: String,
) -> AnyView {
    let label_id = format!("{id}-label");
    view! {
        <figure class="code" id=id data-copyable="">
            <figcaption>
                <span class=if titled { "code-label" } else { "code-label unseen" } id=label_id.clone()>{label.clone()}</span>
                <label class="code-wrap"><input type="checkbox" autocomplete="off"/>"Wrap"</label>
                {some(download).map(|href| view! { <a href=href download="">"Download"</a> })}
                {copy_button(label, None)}
            </figcaption>
            <pre tabindex="0" role="region" aria-labelledby=label_id><code data-copy-text="">{text}</code></pre>
        </figure>
    }
    .into_any()
}
