//! Tests of reading as a whole.

mod bad_input;
mod examples;
mod explained;
mod meaning;
mod robust;
mod round_trip;

use super::{Reading, Refused, read};

/// A small document that is right, with `channels` and `components` as given (YAML, indented by two).
fn document(rest: &str) -> String {
    format!("asyncapi: '2.6.0'\ninfo:\n  title: Order Service\n  version: 1.0.0\n{rest}")
}

/// The reading, or a panic that shows every problem.
fn good(text: &str) -> Reading {
    read(text.as_bytes()).unwrap_or_else(|refused| panic!("{refused}\n---\n{}", &text[..text.len().min(2_000)]))
}

/// The problems as `pointer|line|message`.
fn problems(text: &str) -> Vec<String> {
    match read(text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(refused) => shown(&refused),
    }
}

fn shown(refused: &Refused) -> Vec<String> {
    let line = |line: Option<u32>| line.map_or_else(|| "-".to_owned(), |line| line.to_string());
    refused
        .problems()
        .iter()
        .map(|problem| format!("{}|{}|{}", problem.pointer, line(problem.line), problem.message))
        .collect()
}

/// One channel, one message.
const ONE: &str = "channels:\n  orders:\n    subscribe:\n      message:\n        name: OrderPlaced\n        payload:\n          type: object\n          properties:\n            id: {type: string}\n";
