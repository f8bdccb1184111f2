//! What was seen of the brokers, and what it means.

use super::{app_users::AppUsers, canary::Trial};
use crate::domain::isolation::{Check, Severity};

/// The settings that brokers show.
pub const KEYS: [&str; 3] = ["authorizer.class.name", "auto.create.topics.enable", "connections.max.reauth.ms"];

/// The feature whose highest level tells of which release a broker is.
pub const RELEASE: &str = "metadata.version";

/// The highest level of Kafka 4.0 (`MetadataVersion`). This release and those before it have the hole in every patch.
const LAST_OF_4_0: i16 = 25;

/// Later releases with the hole: the highest level, the release, the last patch that has it. A broker that was told to
/// support what is not finished yet (`unstable.feature.versions.enable`) passes for one of a later release.
const HOLED: [(i16, &str, &str); 3] = [(27, "4.1", "4.1.2"), (29, "4.2", "4.2.1"), (30, "4.3", "4.3.1")];

/// Users that are named at most.
const NAMED: usize = 10;

/// What one broker told of itself.
#[derive(Clone, Debug, Default)]
pub struct SeenBroker {
    /// Its id.
    pub id: i32,
    /// The values of [`KEYS`], where it told them.
    pub settings: [Option<String>; KEYS.len()],
    /// The highest level of [`RELEASE`] that it supports.
    pub level: Option<i16>,
}

impl SeenBroker {
    /// Whether it asks an authorizer.
    pub fn has_authorizer(&self) -> Option<bool> {
        self.settings[0].as_deref().map(|class| !class.trim().is_empty())
    }

    fn leaves_topics_to_us(&self) -> Option<bool> {
        self.settings[1].as_deref().map(|value| value == "false")
    }

    fn ends_logins(&self) -> Option<bool> {
        self.settings[2].as_deref().map(|value| value.parse::<i64>().is_ok_and(|ms| ms > 0))
    }
}

/// What was seen, check by check. Without an authorizer there is nothing to try users for.
pub fn judge(brokers: &[SeenBroker], trial: &Trial, users: Option<&AppUsers>) -> Vec<Check> {
    let [authorizer, auto_create, reauth] = KEYS;
    let each = |says: fn(&SeenBroker) -> Option<bool>| -> Vec<_> {
        brokers.iter().map(|broker| (broker.id, says(broker))).collect()
    };
    vec![
        check(
            authorizer,
            Severity::Isolation,
            together(
                &each(SeenBroker::has_authorizer),
                "Kafka asks an authorizer before it lets anyone do anything.",
                "Kafka has no authorizer: everyone may do everything, and Spaces are not kept apart. Set one on every \
                 broker.",
            ),
        ),
        check("allow.everyone.if.no.acl.found", Severity::Isolation, everyone(trial)),
        check("super.users", Severity::Isolation, super_users(users)),
        check(
            auto_create,
            Severity::Isolation,
            together(
                &each(SeenBroker::leaves_topics_to_us),
                "Topics come into being by deployments only.",
                "Whoever names a topic makes it. Set it to false on every broker.",
            ),
        ),
        check(
            reauth,
            Severity::Warning,
            together(
                &each(SeenBroker::ends_logins),
                "A client whose credentials were taken away loses its live connections too.",
                "A client whose credentials were taken away keeps its live connections. Access ends at once all the \
                 same. Set it, for example to one hour. Where it is set for a listener only, it does not show here.",
            ),
        ),
        check(RELEASE, Severity::Warning, release(brokers)),
    ]
}

/// Whether something is so, and what that means.
type Verdict = (Option<bool>, String);

fn check(setting: &str, severity: Severity, (holds, text): Verdict) -> Check {
    Check { setting: setting.to_owned(), severity, holds, text }
}

/// What brokers say, put together: what is wrong on one of them is wrong.
fn together(said: &[(i32, Option<bool>)], good: &str, bad: &str) -> Verdict {
    let who =
        |what: Option<bool>| -> Vec<_> { said.iter().filter(|(_, holds)| *holds == what).map(|(id, _)| *id).collect() };
    let (wrong, silent) = (who(Some(false)), who(None));
    if !wrong.is_empty() {
        let place = if wrong.len() < said.len() { format!(" This is so on {}.", named(&wrong)) } else { String::new() };
        (Some(false), format!("{bad}{place}"))
    } else if !silent.is_empty() || said.is_empty() {
        (None, untold(&silent))
    } else {
        (Some(true), good.to_owned())
    }
}

fn untold(silent: &[i32]) -> String {
    if silent.is_empty() { "No broker told it.".to_owned() } else { format!("Not told by {}.", named(silent)) }
}

/// `broker 1`, `brokers 1, 2 and 3`
fn named(ids: &[i32]) -> String {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    match &ids[..] {
        [] => "no broker".to_owned(),
        [one] => format!("broker {one}"),
        [most @ .., last] => format!("brokers {} and {last}", most.join(", ")),
    }
}

fn everyone(trial: &Trial) -> Verdict {
    match trial {
        Ok(let_in) => together(
            &let_in.iter().map(|(id, let_in)| (*id, Some(!let_in))).collect::<Vec<_>>(),
            "A user without any rule was refused where no rule is.",
            "A user without any rule was let in where no rule is: whoever finds a topic or a group without a rule may \
             use it. Set it to false on every broker.",
        ),
        Err(why) => (
            None,
            format!(
                "Kafka does not show it, and it was not tried: {why}. It must be false on every broker: else whoever \
                 finds a topic or a group without a rule may use it."
            ),
        ),
    }
}

fn super_users(users: Option<&AppUsers>) -> Verdict {
    let Some(AppUsers { all, tried, unbound, .. }) = users else {
        return (None, "Kafka does not show it. Without an authorizer it decides nothing.".to_owned());
    };
    if !unbound.is_empty() {
        let names: Vec<_> = unbound.iter().take(NAMED).map(String::as_str).collect();
        let more = unbound.len() - names.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!(
            "Users of apps may do more than any rule of theirs allows: {}{more}. Take them out of it on every broker.",
            names.join(", ")
        );
        return (Some(false), text);
    }
    match (tried.len(), *all) {
        (_, 0) => (Some(true), "No app has a user yet.".to_owned()),
        (tried, all) if tried < all => (
            None,
            format!(
                "Kafka does not show it; {tried} of {all} users of apps were tried so far, and may do no more than \
                 their rules allow. It must hold no user of an app."
            ),
        ),
        _ => (Some(true), "The users of all apps were tried: they may do no more than their rules allow.".to_owned()),
    }
}

/// Kafka tells its release, by the features that it supports, and never its patch.
fn release(brokers: &[SeenBroker]) -> Verdict {
    let silent: Vec<_> = brokers.iter().filter(|broker| broker.level.is_none()).map(|broker| broker.id).collect();
    let Some((level, id)) = brokers.iter().filter_map(|broker| Some((broker.level?, broker.id))).min() else {
        return (None, untold(&silent));
    };
    let holed = HOLED.iter().find(|(last, ..)| level <= *last);
    match holed {
        _ if level <= LAST_OF_4_0 => (
            Some(false),
            format!(
                "Broker {id} is of Kafka 4.0 or before: small requests can exhaust its memory. Update to a release \
                 after 4.1.2, 4.2.1 or 4.3.1."
            ),
        ),
        Some((_, release, patch)) => (
            None,
            format!(
                "Broker {id} is of Kafka {release}, and Kafka does not tell of which patch: up to {patch} small \
                 requests can exhaust its memory. A broker logs its version when it starts."
            ),
        ),
        None if silent.is_empty() => (Some(true), "Kafka 4.4 or later, without the known holes.".to_owned()),
        None => (None, untold(&silent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::isolation::Isolation;

    /// The highest level of Kafka 4.4.
    const LATEST: i16 = 33;

    fn broker(id: i32, settings: [Option<&str>; 3], level: Option<i16>) -> SeenBroker {
        SeenBroker { id, settings: settings.map(|value| value.map(str::to_owned)), level }
    }

    fn good(id: i32) -> SeenBroker {
        let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
        broker(id, [Some(authorizer), Some("false"), Some("60000")], Some(LATEST))
    }

    fn users(all: usize, tried: &[&str], unbound: &[&str]) -> AppUsers {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        AppUsers { all, tried: set(tried), unbound: set(unbound), ..AppUsers::default() }
    }

    fn holds(checks: &[Check]) -> Vec<Option<bool>> {
        checks.iter().map(|check| check.holds).collect()
    }

    fn text(checks: &[Check], setting: &str) -> String {
        checks.iter().find(|check| check.setting == setting).unwrap().text.clone()
    }

    #[test]
    fn isolation_is_enforced_only_where_all_of_it_was_seen() {
        let brokers = [good(1), good(2)];
        let refused = Ok(vec![(1, false), (2, false)]);
        let checks = judge(&brokers, &refused, Some(&users(2, &["a.t", "b.t"], &[])));
        assert_eq!(holds(&checks), [Some(true); 6], "{checks:?}");
        assert_eq!(Isolation::of(&checks), Isolation::Enforced);

        let some = judge(&brokers, &refused, Some(&users(2, &["a.t"], &[])));
        assert_eq!(Isolation::of(&some), Isolation::NotKnown);
        let untried = judge(&brokers, &Err("of a reason"), Some(&users(0, &[], &[])));
        assert_eq!((untried[1].holds, untried[2].holds), (None, Some(true)));
        assert!(untried[1].text.contains("it was not tried: of a reason."), "{}", untried[1].text);
        assert_eq!(Isolation::of(&untried), Isolation::NotKnown);
        assert_eq!(
            holds(&judge(&[], &Ok(vec![]), Some(&AppUsers::default()))),
            [None, None, Some(true), None, None, None]
        );
    }

    #[test]
    fn without_an_authorizer_nothing_is_enforced() {
        let open = [broker(1, [Some(""), Some("true"), Some("0")], Some(LATEST))];
        let checks = judge(&open, &Err("without an authorizer it decides nothing"), None);
        assert_eq!(holds(&checks), [Some(false), None, None, Some(false), Some(false), Some(true)]);
        assert_eq!(Isolation::of(&checks), Isolation::NotEnforced);
        let amiss: Vec<_> = checks.iter().filter(|check| check.is_amiss(Severity::Warning)).collect();
        assert_eq!(amiss.len(), 1, "{amiss:?}");
    }

    #[test]
    fn brokers_that_differ_are_named() {
        let loose = broker(3, [Some("x"), Some("true"), None], Some(LATEST));
        let refused = Ok(vec![(1, false), (2, true), (3, true)]);
        let checks = judge(&[good(1), good(2), loose], &refused, Some(&users(0, &[], &[])));
        assert_eq!(holds(&checks), [Some(true), Some(false), Some(true), Some(false), None, Some(true)]);
        assert!(text(&checks, "auto.create.topics.enable").ends_with(" This is so on broker 3."));
        assert!(text(&checks, "allow.everyone.if.no.acl.found").ends_with(" This is so on brokers 2 and 3."));
        assert_eq!(text(&checks, "connections.max.reauth.ms"), "Not told by broker 3.");
    }

    #[test]
    fn users_of_apps_that_may_too_much_are_named() {
        let names: Vec<_> = (10..22).map(|n| format!("app-{n}.test")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (holds, text) = super_users(Some(&users(12, &names, &names[..1])));
        assert_eq!(holds, Some(false));
        assert!(text.contains(": app-10.test. Take"), "{text}");
        let (_, text) = super_users(Some(&users(12, &names, &names)));
        assert!(text.contains(", app-19.test and 2 more. Take"), "{text}");
    }

    #[test]
    fn a_release_is_told_and_a_patch_never() {
        let of = |levels: &[Option<i16>]| {
            let brokers: Vec<_> = (1..).zip(levels).map(|(id, level)| broker(id, [None; 3], *level)).collect();
            release(&brokers)
        };
        for (level, holds, said) in [
            (21, Some(false), "Kafka 4.0 or before"),
            (25, Some(false), "Kafka 4.0 or before"),
            (26, None, "Kafka 4.1, and Kafka does not tell of which patch: up to 4.1.2"),
            (29, None, "up to 4.2.1"),
            (30, None, "up to 4.3.1"),
            (31, Some(true), "Kafka 4.4 or later"),
            (LATEST, Some(true), "Kafka 4.4 or later"),
        ] {
            let (found, text) = of(&[Some(level)]);
            assert_eq!(found, holds, "{level}");
            assert!(text.contains(said), "{text}");
        }
        let (holds, text) = of(&[Some(LATEST), Some(25), None]);
        assert!(holds == Some(false) && text.starts_with("Broker 2 is of Kafka 4.0"), "{text}");
        assert_eq!(of(&[Some(LATEST), None]), (None, "Not told by broker 2.".to_owned()));
    }
}
