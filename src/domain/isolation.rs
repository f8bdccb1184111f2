//! Whether Kafka keeps the Spaces apart, by what was looked at in it.

use serde::{Deserialize, Serialize};

/// One thing that has to be so in Kafka.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    /// What it is about, by Kafka's name.
    pub setting: String,
    /// What it means where it is not so.
    pub severity: Severity,
    /// Whether it is so; `None` where that is not known.
    pub holds: Option<bool>,
    /// What that means, and what to do.
    pub text: String,
}

/// What it means that something is not as it has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Spaces are not kept apart.
    Isolation,
    /// Someone should look, and Spaces are kept apart all the same.
    #[default]
    Warning,
}

/// Whether Kafka keeps the Spaces apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// All that has to be so for it is so.
    Enforced,
    /// Something is known that lets Spaces see each other.
    NotEnforced,
    /// Nothing of the kind is known, but not all of it could be seen.
    NotKnown,
}

impl Check {
    /// Whether it is known to be wrong, and means this.
    pub fn is_amiss(&self, severity: Severity) -> bool {
        self.holds == Some(false) && self.severity == severity
    }
}

impl Isolation {
    /// What these say together.
    pub fn of(checks: &[Check]) -> Self {
        let needed = || checks.iter().filter(|check| check.severity == Severity::Isolation);
        if needed().any(|check| check.holds == Some(false)) {
            Self::NotEnforced
        } else if needed().next().is_none() || needed().any(|check| check.holds.is_none()) {
            Self::NotKnown
        } else {
            Self::Enforced
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isolation_is_claimed_only_where_all_that_it_needs_is_known_to_be_so() {
        let of = |severity, holds| Check { severity, holds, ..Check::default() };
        let needed = |holds| of(Severity::Isolation, holds);
        let (good, unknown, bad) = (needed(Some(true)), needed(None), needed(Some(false)));
        let warning = of(Severity::Warning, Some(false));
        for (checks, isolation) in [
            (vec![], Isolation::NotKnown),
            (vec![warning.clone()], Isolation::NotKnown),
            (vec![good.clone(), warning.clone()], Isolation::Enforced),
            (vec![good.clone(), unknown.clone()], Isolation::NotKnown),
            (vec![unknown, bad, good], Isolation::NotEnforced),
        ] {
            assert_eq!(Isolation::of(&checks), isolation, "{checks:?}");
        }
    }

    #[test]
    fn what_an_older_version_wrote_can_be_read() {
        let check: Check = serde_json::from_str(r#"{"setting": "s", "holds": null, "text": "t"}"#).unwrap();
        assert_eq!((check.setting.as_str(), check.severity, check.holds), ("s", Severity::Warning, None));
    }
}
