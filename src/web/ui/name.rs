//! Names that people did not choose for reading.

use leptos::prelude::*;

/// A name that may break where its words meet: `CustomerPreferencesChanged`, `order-portal.acceptance`.
///
/// Nothing is added to the text, so that it can be copied from the page.
#[component]
pub fn Name(#[prop(into)] text: String) -> AnyView {
    let word = |word: String| view! { {word}<wbr/> };
    words(&text).into_iter().map(word).collect_view().into_any()
}

/// Cuts after `.`, `-`, `_`, `/` and `:`, and before a capital that follows a small letter or digit.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '.';
    for c in text.chars() {
        let hump = c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit());
        let after = ".-_/:".contains(before);
        if (hump || after) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_break_between_their_words() {
        assert_eq!(words("OrderPlacedV2Again"), ["Order", "Placed", "V2", "Again"]);
        assert_eq!(words("order-portal.test"), ["order-", "portal.", "test"]);
        assert_eq!(words("SQS"), ["SQS"]);
    }
}
