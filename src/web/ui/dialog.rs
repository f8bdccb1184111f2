//! Asking again before something is lost.

use leptos::prelude::*;

use super::{ButtonKind, Glyph, Icon, Submit, some};

/// A button, the dialog it opens, and for browsers that cannot open it the page that asks the same.
///
/// It opens by `command`, without script. Which of button and link is seen is decided in `style/ui/dialog.css`.
/// The field with the typed name is `typed`; the server compares it again.
#[component]
pub fn Confirm(
    /// Unique in the page.
    #[prop(into)]
    id: String,
    /// What the button says.
    #[prop(into)]
    label: String,
    /// The question.
    #[prop(into)]
    title: String,
    /// Where the form posts.
    #[prop(into)]
    action: String,
    /// The page that asks the same.
    #[prop(into)]
    page: String,
    /// What the button in the dialog says: the verb, never `OK`.
    #[prop(into)]
    confirm: String,
    /// The name that must be typed; none is asked for where it is empty.
    #[prop(optional, into)]
    typed: String,
    /// Fields the form sends besides.
    #[prop(optional)]
    fields: Vec<(String, String)>,
    /// How the button that opens it looks.
    #[prop(optional)]
    kind: ButtonKind,
    /// An icon for the button that opens it.
    #[prop(optional)]
    glyph: Option<Glyph>,
    /// Whether something is lost.
    #[prop(default = true)]
    danger: bool,
    /// What will be lost, and what stays.
    children: Children,
) -> AnyView {
    let title_id = format!("{id}-title");
    let typed_id = format!("{id}-typed");
    let icon = move || glyph.map(|glyph| view! { <Icon glyph/> });
    let hidden = |(name, value): (String, String)| view! { <input type="hidden" name=name value=value/> };
    let typed = some(typed).map(|name| {
        view! {
            <div class="field wide">
                <label for=typed_id.clone()>"Type "<code>{name.clone()}</code>" to confirm"</label>
                <input
                    class="mono"
                    id=typed_id.clone()
                    name="typed"
                    required=true
                    pattern=exactly(&name)
                    title=format!("The name to type is {name}.")
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                />
            </div>
        }
    });
    let send = if danger { ButtonKind::Danger } else { ButtonKind::Primary };
    view! {
        <a class=format!("{} without-commands", kind.class()) href=page>{icon()}<span>{label.clone()}</span></a>
        <button
            type="button"
            class=format!("{} with-commands", kind.class())
            commandfor=id.clone()
            command="show-modal"
            aria-haspopup="dialog"
        >
            {icon()}
            <span>{label}</span>
        </button>
        <dialog id=id aria-labelledby=title_id closedby="any">
            <form method="post" action=action>
                <h2 id=title_id.clone()>{title}</h2>
                <div class="dialog-body">{children()}{typed}</div>
                {fields.into_iter().map(hidden).collect_view()}
                <div class="dialog-actions">
                    <button type="button" class="button" commandfor=id.clone() command="close"><span>"Cancel"</span></button>
                    <Submit kind=send>{confirm}</Submit>
                </div>
            </form>
        </dialog>
    }
    .into_any()
}

/// A pattern that only this text matches, in HTML's `pattern` (a regular expression with the flag `v`).
fn exactly(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if "()[]{}/-\\|^$*+?.".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::exactly;

    #[test]
    fn a_typed_name_is_taken_by_the_letter() {
        assert_eq!(exactly("order-portal.v2"), r"order\-portal\.v2");
    }
}
