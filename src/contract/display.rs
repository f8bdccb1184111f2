//! Text from documents, made fit for people to look at.

use crate::domain::names::is_invisible;

/// Characters that show as nothing, or change how their neighbours show: controls, zero-width, bidirectional
/// controls (Unicode Standard Annex 9), tags.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// One line of at most `max` characters: trimmed, blanks for line ends and tabs, `U+FFFD` for what is hidden, `…` for
/// what did not fit.
pub fn line(text: &str, max: usize) -> String {
    shown(text, max, |c| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_hidden(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    })
}

/// Text of several lines, otherwise as [`line`].
pub fn paragraphs(text: &str, max: usize) -> String {
    // A carriage return is the first half of a line end wherever people meet one.
    shown(&text.replace("\r\n", "\n"), max, |c| match c {
        '\n' | '\t' => c,
        '\r' => '\n',
        c if is_hidden(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    })
}

fn shown(text: &str, max: usize, map: impl Fn(char) -> char) -> String {
    let whole: String = text.trim().chars().take(max + 1).map(map).collect();
    if whole.chars().count() <= max {
        return whole.trim().to_owned();
    }
    let cut: String = whole.chars().take(max - 1).collect();
    format!("{}…", cut.trim())
}

/// A name for a sentence: in quotation marks, at most 60 characters.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", line(name, 60))
}

/// `a, b or c`.
pub fn listed<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible_and_long_text_is_cut() {
        assert_eq!(line("  a\u{202e}b\n c ", 10), "a\u{fffd}b  c");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(paragraphs("a\r\nb\u{0}", 10), "a\nb\u{fffd}");
        assert_eq!(listed(&["a", "b", "c"]), "a, b or c");
    }

    #[test]
    fn what_was_made_fit_stays_as_it_is() {
        for text in ["  a  ", "a\r\n\r\n", "x\u{200b}", "long long long long long", " \t "] {
            for max in [3, 5, 40] {
                let once = paragraphs(text, max);
                assert_eq!(paragraphs(&once, max), once);
                let once = line(text, max);
                assert_eq!(line(&once, max), once);
            }
        }
    }
}
