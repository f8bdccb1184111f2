//! Who may know whom: an arrow against the rules of ARCHITECTURE.md fails here.

use std::{collections::BTreeSet, fs, path::Path};

/// What each folder of `src` may name of the others. What is not listed may be named by nobody but `main`.
const MAY: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("secrets", &[]),
    ("runtime", &[]),
    ("config", &["domain", "secrets"]),
    ("store", &["domain"]),
    ("kafka", &["domain"]),
    ("aws", &["domain"]),
    ("contract", &["domain"]),
    ("islands", &["domain"]),
    ("history", &["domain", "store"]),
    ("manager", &["domain", "secrets", "store", "history", "kafka", "aws", "contract"]),
    ("reconcile", &["domain", "secrets", "store", "history", "kafka"]),
    ("bridge", &["domain", "secrets", "store", "kafka", "aws"]),
    // `contract::strict_json` reads every body of the API.
    ("api", &["domain", "manager", "contract"]),
    ("web", &["domain", "manager", "islands", "config"]),
];

/// Which folder alone may name a library.
const OWNERS: &[(&str, &[&str])] = &[
    // The manager begins transactions and listens; statements are the store's.
    ("sqlx::", &["store", "manager", "reconcile", "bridge"]),
    ("sqlx::query", &["store"]),
    ("rdkafka::", &["kafka"]),
    ("aws_sdk_", &["aws"]),
    ("aws_config::", &["aws"]),
    ("leptos", &["web", "islands"]),
    ("axum::", &["web", "api"]),
];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The files of a module, whether it is a folder or a file.
fn module(name: &str) -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, file) = (Vec::new(), src.join(format!("{name}.rs")));
    if src.join(name).is_dir() {
        sources(&src.join(name), &mut found);
    }
    if file.is_file() {
        found.push((file.display().to_string(), fs::read_to_string(file).unwrap()));
    }
    assert!(!found.is_empty(), "no module {name}");
    found
}

/// Code without its comments: prose may name anything. Tests inside the files may too.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Modules named by `crate::x` and by `use crate::{x, y::z}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(word(item.trim()));
                    item.clear();
                }
                _ if depth == 0 => item.push(c),
                _ => {}
            }
        }
        found.insert(word(item.trim()));
    }
    found.remove("");
    found
}

#[test]
fn no_module_knows_one_that_it_may_not() {
    let modules: BTreeSet<&str> = MAY.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (name, may) in MAY {
        for (path, text) in module(name) {
            for other in named(&code(&text)) {
                let known = modules.contains(other.as_str());
                // The pure plan is for all.
                let plan = other == "reconcile" && *name == "manager";
                if known && other != *name && !may.contains(&other.as_str()) && !plan {
                    wrong.push(format!("{path} names {other}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows against the rules:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_rule() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
        let is_root = matches!(name.as_str(), "lib" | "main" | "command");
        assert!(is_root || MAY.iter().any(|(module, _)| *module == name), "{name} has no rule");
    }
}

#[test]
fn a_library_is_named_only_by_its_owner() {
    let mut wrong = Vec::new();
    for (name, _) in MAY {
        for (path, text) in module(name) {
            for (library, owners) in OWNERS {
                if code(&text).contains(library) && !owners.contains(name) {
                    wrong.push(format!("{path} names {library}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "libraries outside their owner:\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_nested_lists() {
    let text = "use crate::{\n    aws::{self, Aws},\n    domain::x,\n    store,\n};\nlet a = crate::kafka::b();";
    let expected = ["aws", "domain", "kafka", "store"].map(str::to_owned);
    assert_eq!(named(text), expected.into_iter().collect());
}
