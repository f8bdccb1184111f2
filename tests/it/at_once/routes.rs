//! The console's acts, as its source has them: a router tells nobody what it routes.

use std::{collections::BTreeSet, fs, path::Path};

/// The text between the bracket that was just opened and its end.
fn inside(text: &str) -> &str {
    let mut depth = 1;
    let end = text.char_indices().find(|(_, c)| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The value of a constant.
fn constant<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    text.split_once(&format!("const {name}: &str = \""))?.1.split('"').next()
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

/// Every file of the console: its name, and its text.
pub fn sources() -> Vec<(String, String)> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web"))
}

/// Every route of the console that takes a form: `POST /apps/new`.
pub fn acts() -> BTreeSet<String> {
    let paths = include_str!("../../../src/web/paths.rs");
    let mut found = BTreeSet::new();
    for (file, text) in sources() {
        for route in text.split(".route(").skip(1).map(inside) {
            let Some((path, methods)) = route.split_once(',') else { continue };
            for other in ["put(", "patch(", "delete(", "any(", "on("] {
                let named = methods.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '('));
                assert!(
                    !named.into_iter().any(|word| word.starts_with(other)),
                    "{file}: a form is sent by POST: {route}"
                );
            }
            if !methods.contains("post(") {
                continue;
            }
            let path = path.trim();
            let literal = path.strip_prefix('"').and_then(|path| path.strip_suffix('"'));
            let known =
                || constant(path.trim_start_matches("paths::"), if path.contains("::") { paths } else { &text });
            let path = literal.or_else(known).unwrap_or_else(|| panic!("{file}: {path} is no address"));
            found.insert(format!("POST {path}"));
        }
    }
    found
}

#[test]
fn acts_are_found_however_they_are_written() {
    let found = acts();
    for known in
        ["/apps/new", "/profile/tokens", "/import/do", "/sign-out", "/services/upload", "/bridges/{bridge}/stop"]
    {
        assert!(found.contains(&format!("POST {known}")), "{known} is not among {found:#?}");
    }
    assert!(!found.contains("POST /healthz") && !found.contains("POST /live"));
    assert_eq!(inside("a, get(b).post(c)) d"), "a, get(b).post(c)");
}
