//! Names that people did not choose for reading.

use leptos::{prelude::*, tachys::html::InertElement};

/// A name that may break where its words meet: `CustomerPreferencesChanged`, `order-portal.acceptance`.
///
/// Nothing is added to the text, so that it can be copied from the page. It is drawn as one piece, for lists hold
/// hundreds of them; so it is for pages, and not for islands, which would look for its parts.
#[component]
pub fn Name(#[prop(into)] text: String) -> AnyView {
    InertElement::new(html(&text)).into_any()
}

fn html(text: &str) -> String {
    let mut html = String::with_capacity(2 * text.len());
    for (i, word) in words(text).iter().enumerate() {
        html.push_str(if i == 0 { "" } else { "<wbr>" });
        for c in word.chars() {
            match c {
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '&' => html.push_str("&amp;"),
                c => html.push(c),
            }
        }
    }
    html
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
    use super::{html, words};

    #[test]
    fn names_break_between_their_words() {
        assert_eq!(words("OrderPlacedV2Again"), ["Order", "Placed", "V2", "Again"]);
        assert_eq!(words("order-portal.test"), ["order-", "portal.", "test"]);
        assert_eq!(words("SQS"), ["SQS"]);
        assert_eq!(html("OrderPlaced"), "Order<wbr>Placed");
    }

    #[test]
    fn a_name_is_no_html() {
        assert_eq!(html("a<b>&amp;"), "a&lt;b&gt;&amp;amp;");
    }
}
