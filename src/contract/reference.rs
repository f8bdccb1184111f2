//! `$ref` inside the document (`AsyncAPI` 2.x, "Reference Object"; RFC 6901 for what follows the `#`).
//!
//! A reference to anywhere else is refused and never opened. Chains are followed step by step, never by recursion, and
//! only so far.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    display::quoted,
    places::{Spot, join},
    problems::Problems,
};

/// References that may lead to references before a value is reached.
const MAX_HOPS: usize = 32;

/// A value and where it is in the document.
#[derive(Clone, Debug)]
pub struct Found<'v> {
    /// JSON Pointer to it.
    pub pointer: String,
    /// The value.
    pub value: &'v Value,
}

impl<'v> Found<'v> {
    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Self { pointer: join(&self.pointer, name), value })
    }

    /// The elements of a list; none where it is not a list.
    pub fn elements(&self) -> impl Iterator<Item = Self> {
        let pointer = self.pointer.clone();
        let list = self.value.as_array().into_iter().flatten().enumerate();
        list.map(move |(index, value)| Self { pointer: format!("{pointer}/{index}"), value })
    }

    /// A text member, or nothing.
    pub fn text(&self, name: &str) -> Option<&'v str> {
        self.value.get(name)?.as_str()
    }
}

/// A reference that leads nowhere: where it stands, and why.
pub type Broken = (String, String);

/// Follows references until there is a value.
pub fn follow<'v>(root: &'v Value, from: Found<'v>) -> Result<Found<'v>, Broken> {
    let mut found = from;
    for _ in 0..MAX_HOPS {
        let Some(reference) = reference_in(found.value) else { return Ok(found) };
        let target = target(reference).and_then(|pointer| {
            let value = root.pointer(&pointer).ok_or_else(|| dangling(reference))?;
            Ok(Found { pointer, value })
        });
        found = target.map_err(|message| (join(&found.pointer, "$ref"), message))?;
    }
    Err((join(&found.pointer, "$ref"), too_long()))
}

/// The text of a `$ref` member. A property that is only called `$ref` holds no text.
fn reference_in(value: &Value) -> Option<&str> {
    value.as_object()?.get("$ref")?.as_str()
}

/// The pointer that a reference means.
fn target(reference: &str) -> Result<String, String> {
    let Some(fragment) = reference.strip_prefix('#') else {
        return Err(format!(
            "refers to {}: only references inside the document (#/…) are followed; copy what is meant into components",
            quoted(reference)
        ));
    };
    let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8().map_err(|_| dangling(reference))?;
    if pointer.is_empty() || pointer.starts_with('/') { Ok(pointer.into_owned()) } else { Err(dangling(reference)) }
}

fn dangling(reference: &str) -> String {
    format!("refers to {}, which is not in the document", quoted(reference))
}

fn too_long() -> String {
    format!(
        "refers to a reference to a reference and so on, more than {MAX_HOPS} times, or in a circle: refer to the value itself"
    )
}

/// Checks every reference in the document, used or not.
pub fn check(root: &Value, problems: &mut Problems<'_>) {
    let mut walk = Walk { root, path: Vec::new(), arrows: Vec::new(), problems };
    walk.visit(root, Spot::ROOT, Names::Ours);
    let Walk { arrows, problems, .. } = walk;
    let by_start: HashMap<Spot, Spot> = arrows.iter().map(|&(from, to, _)| (from, to)).collect();
    // The hops from each reference to a value, each computed once; what leads into a circle has too many.
    let mut hops: HashMap<Spot, usize> = HashMap::new();
    for &(from, _, reference) in &arrows {
        let mut way = Vec::new();
        let mut here = from;
        let end = loop {
            if let Some(&known) = hops.get(&here) {
                break known;
            }
            let Some(&next) = by_start.get(&here) else { break 0 };
            way.push(here);
            hops.insert(here, usize::MAX);
            here = next;
        };
        for (distance, &spot) in way.iter().rev().enumerate() {
            hops.insert(spot, end.saturating_add(distance + 1));
        }
        if hops.get(&from).is_some_and(|&hops| hops > MAX_HOPS) {
            problems.add(target(reference).unwrap_or_default(), too_long());
            break;
        }
    }
}

/// What the names in an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Words of the specification.
    Ours,
    /// Chosen by the author: names of properties, channels, components.
    Theirs,
    /// Groups of components, whose members are named by the author.
    Groups,
}

struct Walk<'v, 'w, 'p> {
    root: &'v Value,
    path: Vec<Step<'v>>,
    arrows: Vec<(Spot, Spot, &'v str)>,
    problems: &'w mut Problems<'p>,
}

#[derive(Clone, Copy)]
enum Step<'v> {
    Name(&'v str),
    Index(usize),
}

impl<'v> Walk<'v, '_, '_> {
    fn visit(&mut self, value: &'v Value, spot: Spot, names: Names) {
        match value {
            Value::Array(list) => {
                for (index, inner) in list.iter().enumerate() {
                    self.path.push(Step::Index(index));
                    self.visit(inner, spot.element(index), Names::Ours);
                    self.path.pop();
                }
            }
            Value::Object(object) => {
                if names == Names::Ours
                    && let Some(reference) = reference_in(value)
                {
                    self.refer(reference, spot);
                }
                for (name, inner) in object {
                    let inside = match (names, name.as_str()) {
                        (Names::Theirs, _) => Names::Ours,
                        (Names::Groups, _)
                        | (
                            _,
                            "properties" | "patternProperties" | "definitions" | "dependencies" | "channels"
                            | "parameters",
                        ) => Names::Theirs,
                        (_, "components") => Names::Groups,
                        // What is data is not read as a document; a reference in it is text.
                        (_, "example" | "examples" | "default" | "const" | "enum") => continue,
                        (_, extension) if extension.starts_with("x-") => continue,
                        _ => Names::Ours,
                    };
                    self.path.push(Step::Name(name));
                    self.visit(inner, spot.child(name), inside);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn refer(&mut self, reference: &'v str, spot: Spot) {
        if self.problems.full() {
            return;
        }
        let found = target(reference).and_then(|pointer| match self.root.pointer(&pointer) {
            Some(_) => Ok(Spot::at(&pointer)),
            None => Err(dangling(reference)),
        });
        match found {
            Ok(target) => self.arrows.push((spot, target, reference)),
            Err(message) => {
                let pointer = self.path.iter().fold(String::new(), |pointer, step| match step {
                    Step::Name(name) => join(&pointer, name),
                    Step::Index(index) => format!("{pointer}/{index}"),
                });
                self.problems.add(join(&pointer, "$ref"), message);
            }
        }
    }
}
