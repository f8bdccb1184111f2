//! How much a pass looks at.
//!
//! A change is followed by looking at what is known to be open and nothing else: to read all of a large cluster takes a
//! second or two. What nobody has told of, such as drift, is found by the looks at everything, which come by the clock.

use std::collections::BTreeSet;

use super::{objects::Watched, observe::Scope, plan::Desired};

/// More objects than these are done by a look at everything, which then costs less.
const MANY: usize = 200;

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All there is.
    Everything,
    /// Objects of which it is not known that Kafka has followed.
    Open,
}

/// Leaves the open objects alone, and gives what they need; `None`, and all of them, where they are many.
pub fn open(objects: &mut Vec<Watched>) -> Option<Scope> {
    if objects.iter().filter(|object| !object.is_applied).count() > MANY {
        return None;
    }
    objects.retain(|object| !object.is_applied);
    let mut scope = Scope::default();
    for object in objects.iter() {
        object.look(&mut scope);
    }
    // Two objects may need one thing.
    for names in [&mut scope.topics, &mut scope.users] {
        names.sort_unstable();
        names.dedup();
    }
    Some(scope)
}

impl Desired {
    /// What of it is in a scope.
    pub(super) fn only(mut self, scope: &Scope) -> Self {
        let topics: BTreeSet<_> = scope.topics.iter().collect();
        let users: BTreeSet<_> = scope.users.iter().collect();
        self.topics.retain(|name, _| topics.contains(name));
        self.users.retain(|name, _| users.contains(name));
        self.acls.retain(|principal, _| scope.principals.contains(principal));
        self.condemned.clear();
        self
    }
}
