//! Names that people and pipelines choose. Each is parsed once, here, and is valid from then on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Nothing was given.
    #[error("is missing: give at least one character")]
    Empty,
    /// More characters than fit.
    #[error("is too long: at most {max} characters")]
    TooLong {
        /// The most characters there may be.
        max: usize,
    },
    /// A character outside the alphabet.
    #[error("may only hold {allowed}; {found} is not allowed")]
    Character {
        /// The alphabet in words.
        allowed: &'static str,
        /// The offending character, escaped for display.
        found: String,
    },
    /// The first or last character is a hyphen.
    #[error("must begin and end with a letter or digit")]
    Edge,
    /// The name is kept for the product's own use.
    #[error("must not begin with \"ebm\": such names are kept for the broker manager itself")]
    Reserved,
}

fn show(c: char) -> String {
    if c == ' ' { "a blank".into() } else { format!("\"{}\"", c.escape_default()) }
}

fn check(text: &str, max: usize, allowed: &'static str, may: fn(char) -> bool) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::Empty);
    }
    if let Some(c) = text.chars().find(|&c| !may(c)) {
        return Err(Invalid::Character { allowed, found: show(c) });
    }
    // The alphabets are ASCII, so bytes are characters.
    if text.len() > max {
        return Err(Invalid::TooLong { max });
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(Invalid::Edge);
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($text:ident) $parse:block)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str($text: &str) -> Result<Self, Invalid> {
                $parse
                Ok(Self($text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

const KEY: &str = "lower-case letters a-z, digits and hyphens";
const KEY_MAX: usize = 40;
const SPACE: &str = "letters A-Z and a-z, digits and hyphens";
const SPACE_MAX: usize = 64;

fn key_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

names! {
    /// The key of an app: `[a-z0-9-]{1,40}`, first and last alphanumeric, not beginning `ebm`.
    AppKey(text) {
        check(text, KEY_MAX, KEY, key_char)?;
        if text.starts_with("ebm") {
            return Err(Invalid::Reserved);
        }
    }
    /// The key of an environment: the same rule as for apps.
    EnvKey(text) {
        check(text, KEY_MAX, KEY, key_char)?;
        if text.starts_with("ebm") {
            return Err(Invalid::Reserved);
        }
    }
    /// The name of a Space: `[A-Za-z0-9-]{1,64}`, first and last alphanumeric.
    ///
    /// Neither `.` nor `_` can be in it, so that a topic's name has exactly one reading.
    SpaceName(text) {
        check(text, SPACE_MAX, SPACE, |c| c.is_ascii_alphanumeric() || c == '-')?;
    }
    /// The key of a service: `[a-z0-9-]{1,64}`, first and last alphanumeric.
    ServiceKey(text) {
        check(text, SPACE_MAX, KEY, key_char)?;
    }
    /// A title for people: 1 to 64 printable characters, any script, no control or invisible formatting characters.
    Title(text) {
        if text.trim().is_empty() {
            return Err(Invalid::Empty);
        }
        if let Some(c) = text.chars().find(|&c| c.is_control() || is_invisible(c)) {
            return Err(Invalid::Character { allowed: "printable characters", found: show(c) });
        }
        if text.chars().count() > SPACE_MAX {
            return Err(Invalid::TooLong { max: SPACE_MAX });
        }
    }
}

/// Format characters of Unicode that could make a title look like another one: zero-width, bidirectional
/// controls, line and paragraph separators, tags (Unicode Standard Annex 9 and category Cf).
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl SpaceName {
    /// The Space an environment joins when it is enabled: its name in lower case, runs of other characters
    /// turned into one hyphen, cut to 64; its key where nothing is left.
    pub fn of_environment(name: &str, key: &EnvKey) -> Self {
        slug(name, SPACE_MAX).map_or_else(|| Self(key.as_str().to_owned()), Self)
    }
}

impl ServiceKey {
    /// The key made from a document's title; `None` where the title has no letter or digit of ASCII.
    pub fn from_title(title: &str) -> Option<Self> {
        slug(title, SPACE_MAX).map(Self)
    }
}

fn slug(text: &str, max: usize) -> Option<String> {
    let mut out = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    // Only ASCII is left, so a byte is a character; a cut may leave a hyphen at the end again.
    let out = out.trim_matches('-');
    let out = out[..out.len().min(max)].trim_end_matches('-');
    (!out.is_empty()).then(|| out.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_space_is_named_after_the_environment() {
        let key: EnvKey = "acc".parse().unwrap();
        for (name, space) in [
            ("Acceptance", "acceptance"),
            ("  Pre  Production! ", "pre-production"),
            ("Ünïted", "n-ted"),
            ("験", "acc"),
            ("--", "acc"),
        ] {
            assert_eq!(SpaceName::of_environment(name, &key).as_str(), space, "{name:?}");
        }
        let long = format!("{}-b", "a".repeat(63));
        assert_eq!(SpaceName::of_environment(&long, &key).as_str(), "a".repeat(63));
    }

    #[test]
    fn a_title_is_free_text_without_invisible_characters() {
        for good in ["Invoices to ERP", "<script>", "発注", "a".repeat(64).as_str()] {
            assert!(good.parse::<Title>().is_ok(), "{good:?}");
        }
        for bad in ["", "   ", "a\u{202e}b", "a\nb", "a\u{200d}b", "a".repeat(65).as_str()] {
            assert!(bad.parse::<Title>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_within_the_alphabet(text in "\\PC{0,80}") {
            if let Ok(key) = text.parse::<AppKey>() {
                let key = key.as_str();
                prop_assert!(key.len() <= 40 && !key.is_empty());
                prop_assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
                prop_assert!(!key.starts_with('-') && !key.ends_with('-') && !key.starts_with("ebm"));
            }
        }

        #[test]
        fn a_derived_space_name_is_always_valid(name in "\\PC{0,200}") {
            let key: EnvKey = "acc".parse().unwrap();
            let space = SpaceName::of_environment(&name, &key);
            prop_assert_eq!(space.as_str().parse::<SpaceName>(), Ok(space.clone()));
        }

        #[test]
        fn a_name_round_trips_through_json(name in "[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?") {
            let space: SpaceName = name.parse().unwrap();
            let json = serde_json::to_string(&space).unwrap();
            prop_assert_eq!(serde_json::from_str::<SpaceName>(&json).unwrap(), space);
        }
    }
}
