//! What a queue's policy says about one role, one action and one queue.
//!
//! Pure. The logic is that of resource-based policies (IAM User Guide, "Policy evaluation logic" and "IAM JSON policy
//! element reference"), with one rule of our own: only a statement that names this very role is the owner's consent. A
//! wider one (everybody, the whole account) is reported and not relied on. Refuses to guess: what hangs on a
//! condition is answered as such.

use serde_json::{Map, Value};

use super::policy;

/// Who wants to do what, where.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The role's ARN, with its path.
    pub role_arn: &'a str,
    /// The role's unique id (`AROA…`), where it is known.
    pub role_id: Option<&'a str>,
    /// The action: `sqs:SendMessage`.
    pub action: &'a str,
    /// The queue's ARN.
    pub queue_arn: &'a str,
    /// Statements, by name, whose condition is known to have come out in the role's favour.
    pub settled: &'a [String],
    /// Where many share the role: the names of the statements that are meant for the one who asks.
    pub meant: Option<&'a [String]>,
}

/// What the policy says. `by` is a statement's `Sid`, or `statement 3` where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A statement that names the role allows it, and nothing denies it.
    Allowed {
        /// The statement.
        by: String,
    },
    /// A statement denies it, whatever else is there.
    Denied {
        /// The statement.
        by: String,
    },
    /// It hangs on a condition that cannot be judged from here.
    Conditional {
        /// The statement.
        by: String,
        /// Whether that statement denies.
        denies: bool,
        /// The condition keys.
        keys: Vec<String>,
    },
    /// Our statement is there, but for a role that was deleted: SQS shows its unique id in place of the ARN.
    Recreated {
        /// The statement.
        by: String,
        /// The id found.
        principal: String,
    },
    /// Only a statement for everybody or for a whole account allows it: no consent to this role.
    WiderOnly {
        /// The statement.
        by: String,
    },
    /// Nothing allows it.
    Missing,
}

/// The policy's text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue's policy cannot be read: {0}")]
pub struct Unreadable(String);

/// Judges one action by a queue's policy.
///
/// # Errors
/// [`Unreadable`] where the text is not the JSON of a policy.
pub fn evaluate(policy: &str, ask: &Ask<'_>) -> Result<Verdict, Unreadable> {
    let policy: Value = serde_json::from_str(policy).map_err(|e| Unreadable(e.to_string()))?;
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        None if policy.is_object() => &[],
        _ => return Err(Unreadable("it has no list of statements".into())),
    };

    // The weightiest finding wins; of two equal ones the first.
    let mut found = Verdict::Missing;
    for (index, statement) in statements.iter().enumerate() {
        let statement = statement.as_object().ok_or_else(|| Unreadable("a statement is not an object".into()))?;
        let by = name(statement, index);
        let verdict = judge(statement, by, ask);
        if weight(&verdict) > weight(&found) {
            found = verdict;
        }
    }
    Ok(found)
}

fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Denied { .. } => 6,
        Verdict::Conditional { denies: true, .. } => 5,
        Verdict::Allowed { .. } => 4,
        Verdict::Conditional { denies: false, .. } => 3,
        Verdict::Recreated { .. } => 2,
        Verdict::WiderOnly { .. } => 1,
        Verdict::Missing => 0,
    }
}

fn name(statement: &Map<String, Value>, index: usize) -> String {
    match statement.get("Sid").and_then(Value::as_str) {
        Some(sid) if !sid.is_empty() => sid.to_owned(),
        _ => format!("statement {}", index + 1),
    }
}

/// What one statement says on its own.
fn judge(statement: &Map<String, Value>, by: String, ask: &Ask<'_>) -> Verdict {
    let action = covers(statement, "Action", "NotAction", ask.action, true);
    let resource = covers(statement, "Resource", "NotResource", ask.queue_arn, false);
    if !action || !resource {
        return Verdict::Missing;
    }
    let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
    let who = whom(statement, ask);
    let condition = match condition(statement.get("Condition")) {
        Condition::Open(_) if ask.settled.contains(&by) => {
            if denies {
                Condition::Fails
            } else {
                Condition::Holds
            }
        }
        condition => condition,
    };
    // It names the role, and yet another one who shares it.
    let who = match who {
        Whom::Role if !denies && ask.meant.is_some_and(|meant| !meant.contains(&by)) => Whom::Wider,
        who => who,
    };
    match (denies, who, condition) {
        (_, Whom::Other, _) | (_, _, Condition::Fails) | (true, Whom::Gone(_), _) => Verdict::Missing,
        (true, Whom::Role | Whom::Wider, Condition::Holds) => Verdict::Denied { by },
        (true, Whom::Role | Whom::Wider, Condition::Open(keys)) => Verdict::Conditional { by, denies: true, keys },
        (false, Whom::Role, Condition::Holds) => Verdict::Allowed { by },
        (false, Whom::Role, Condition::Open(keys)) => Verdict::Conditional { by, denies: false, keys },
        (false, Whom::Wider, _) => Verdict::WiderOnly { by },
        (false, Whom::Gone(principal), _) if policy::is_ours(&by) => Verdict::Recreated { by, principal },
        (false, Whom::Gone(_), _) => Verdict::Missing,
    }
}

/// Whether an element, or the absence from its opposite, covers a value.
fn covers(statement: &Map<String, Value>, element: &str, opposite: &str, value: &str, any_case: bool) -> bool {
    let hit = |patterns: &Value| strings(patterns).any(|pattern| matches(pattern, value, any_case));
    match (statement.get(element), statement.get(opposite)) {
        (Some(patterns), _) => hit(patterns),
        (None, Some(patterns)) => !hit(patterns),
        // Without either the statement says nothing of our action; SQS does not take such a policy.
        (None, None) => false,
    }
}

/// One string or an array of them.
fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let (one, many) = match value {
        Value::Array(many) => (None, many.as_slice()),
        one => (one.as_str(), [].as_slice()),
    };
    one.into_iter().chain(many.iter().filter_map(Value::as_str))
}

/// `*` stands for any run of characters, `?` for one. Actions are matched without regard to case (IAM User Guide,
/// "IAM JSON policy elements: Action").
fn matches(pattern: &str, text: &str, any_case: bool) -> bool {
    let fold = |text: &str| if any_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let (pattern, text) = (fold(pattern).into_bytes(), fold(text).into_bytes());
    // Greedy with one step back to the last `*`: linear in practice, never exponential.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, matched)) = star else { return false };
                star = Some((at, matched + 1));
                p = at + 1;
                t = matched + 1;
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// Whom a statement speaks of, seen from the role.
enum Whom {
    /// This role by its name.
    Role,
    /// Everybody, an account, everybody but some.
    Wider,
    /// A role or user that no longer exists, by its unique id.
    Gone(String),
    /// Somebody else.
    Other,
}

fn whom(statement: &Map<String, Value>, ask: &Ask<'_>) -> Whom {
    if let Some(others) = statement.get("NotPrincipal") {
        // Everybody but those named. Whether a role is spared where only its account is named is not ours to guess.
        return match principals(others, ask) {
            Whom::Role => Whom::Other,
            _ => Whom::Wider,
        };
    }
    statement.get("Principal").map_or(Whom::Other, |principal| principals(principal, ask))
}

fn principals(value: &Value, ask: &Ask<'_>) -> Whom {
    let named = match value {
        Value::Object(kinds) => match kinds.get("AWS") {
            Some(named) => named,
            None => return Whom::Other,
        },
        value => value,
    };
    let mut found = Whom::Other;
    for principal in strings(named) {
        match one_principal(principal, ask) {
            Whom::Role => return Whom::Role,
            Whom::Wider => found = Whom::Wider,
            Whom::Gone(id) if matches!(found, Whom::Other) => found = Whom::Gone(id),
            _ => {}
        }
    }
    found
}

/// The forms of an AWS principal (IAM User Guide, "AWS JSON policy elements: Principal").
fn one_principal(principal: &str, ask: &Ask<'_>) -> Whom {
    if principal == ask.role_arn || Some(principal) == ask.role_id || is_session_of(principal, ask.role_arn) {
        return Whom::Role;
    }
    if principal == "*" {
        return Whom::Wider;
    }
    let account = ask.role_arn.split(':').nth(4).unwrap_or_default();
    if principal == account || is_root_of(principal, account) {
        return Whom::Wider;
    }
    let is_id = ["AROA", "AIDA"].iter().any(|kind| principal.starts_with(kind));
    if is_id { Whom::Gone(principal.to_owned()) } else { Whom::Other }
}

/// `arn:aws:iam::<account>:root`.
fn is_root_of(principal: &str, account: &str) -> bool {
    let mut parts = principal.split(':');
    let is_iam = parts.next() == Some("arn") && parts.nth(1) == Some("iam");
    is_iam && parts.nth(1) == Some(account) && parts.next() == Some("root")
}

/// `arn:aws:sts::<account>:assumed-role/<name>/<session>`, where the role's path is left out.
fn is_session_of(principal: &str, role_arn: &str) -> bool {
    let Some((left, session)) = principal.split_once(":assumed-role/") else { return false };
    let Some((owner, role)) = role_arn.split_once(":role/") else { return false };
    let name = role.rsplit('/').next().unwrap_or(role);
    left == owner.replacen(":iam:", ":sts:", 1) && session.split('/').next() == Some(name)
}

/// What a condition comes to for our calls.
enum Condition {
    /// True, or none there.
    Holds,
    /// False.
    Fails,
    /// Not to be judged from here: these keys.
    Open(Vec<String>),
}

/// Every test must hold. Only `aws:SecureTransport` is judged: our calls are always encrypted, and the statement
/// that denies everything else is a common one (Amazon SQS Developer Guide, "Amazon SQS security best practices").
fn condition(value: Option<&Value>) -> Condition {
    let Some(Value::Object(operators)) = value else { return Condition::Holds };
    let mut open = Vec::new();
    for (operator, tests) in operators {
        for (key, wanted) in tests.as_object().into_iter().flatten() {
            let is_bool = ["Bool", "BoolIfExists"].iter().any(|bool| operator.eq_ignore_ascii_case(bool));
            if is_bool && key.eq_ignore_ascii_case("aws:SecureTransport") {
                let holds = *wanted == Value::Bool(true) || strings(wanted).any(|w| w.eq_ignore_ascii_case("true"));
                if !holds {
                    return Condition::Fails;
                }
            } else {
                open.push(key.clone());
            }
        }
    }
    if open.is_empty() { Condition::Holds } else { Condition::Open(open) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        aws::testing::{bridge, queue, role},
        domain::bridge::Direction,
    };

    const ACTIONS: [&str; 20] = [
        "sqs:AddPermission",
        "sqs:CancelMessageMoveTask",
        "sqs:ChangeMessageVisibility",
        "sqs:CreateQueue",
        "sqs:DeleteMessage",
        "sqs:DeleteQueue",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ListDeadLetterSourceQueues",
        "sqs:ListMessageMoveTasks",
        "sqs:ListQueueTags",
        "sqs:ListQueues",
        "sqs:PurgeQueue",
        "sqs:ReceiveMessage",
        "sqs:RemovePermission",
        "sqs:SendMessage",
        "sqs:SetQueueAttributes",
        "sqs:StartMessageMoveTask",
        "sqs:TagQueue",
        "sqs:UntagQueue",
    ];

    fn ask<'a>(role: &'a str, queue: &'a str, action: &'a str) -> Ask<'a> {
        Ask { role_arn: role, role_id: Some("AROACURRENT"), action, queue_arn: queue, settled: &[], meant: None }
    }

    /// What `sqs:SendMessage` comes to under these statements.
    fn send(statements: &Value) -> Verdict {
        let (role, queue) = (role("aws"), queue("eu-central-1").arn());
        evaluate(&json!({ "Statement": statements }).to_string(), &ask(&role, &queue, "sqs:SendMessage")).unwrap()
    }

    fn by(name: &str) -> String {
        name.into()
    }

    /// An allowing statement for the role, changed by `patch`.
    fn allow(patch: &Value) -> Value {
        let mut statement = json!({
            "Sid": "S", "Effect": "Allow", "Principal": {"AWS": role("aws")}, "Action": "sqs:SendMessage",
            "Resource": queue("eu-central-1").arn(),
        });
        for (name, value) in patch.as_object().unwrap() {
            match value {
                Value::Null => drop(statement.as_object_mut().unwrap().remove(name)),
                value => statement[name] = value.clone(),
            }
        }
        statement
    }

    #[test]
    fn only_a_statement_that_names_the_role_is_consent() {
        for principal in [
            json!({"AWS": role("aws")}),
            json!({"AWS": ["arn:aws:iam::123456789012:role/other", role("aws")]}),
            json!({"AWS": ["*", role("aws")]}),
            json!({"AWS": "AROACURRENT"}),
            json!(role("aws")),
        ] {
            let statement = allow(&json!({"Principal": principal}));
            assert_eq!(send(&json!([statement])), Verdict::Allowed { by: by("S") }, "{statement}");
        }
        for principal in [
            json!("*"),
            json!({"AWS": "*"}),
            json!({"AWS": ["*"]}),
            json!({"AWS": "111122223333"}),
            json!({"AWS": "arn:aws:iam::111122223333:root"}),
        ] {
            let statement = allow(&json!({"Principal": principal}));
            assert_eq!(send(&json!(statement)), Verdict::WiderOnly { by: by("S") }, "{statement}");
        }
        for principal in [
            json!({"AWS": "arn:aws:iam::111122223333:role/ebm-0"}),
            json!({"AWS": "444455556666"}),
            json!({"AWS": "AROAOTHER"}),
            json!({"Service": "sns.amazonaws.com"}),
            json!({"Service": "*"}),
            json!([]),
        ] {
            assert_eq!(send(&json!([allow(&json!({"Principal": principal}))])), Verdict::Missing, "{principal}");
        }
    }

    #[test]
    fn of_a_shared_role_only_the_statement_of_the_bridge_is_consent() {
        let policy = json!({ "Statement": [allow(&json!({ "Sid": "Other" }))] }).to_string();
        let (role, queue) = (role("aws"), queue("eu-central-1").arn());
        let verdict = |name: &str| {
            let meant = [name.to_owned()];
            let ask = Ask { meant: Some(&meant), ..ask(&role, &queue, "sqs:SendMessage") };
            evaluate(&policy, &ask).unwrap()
        };
        assert_eq!(verdict("Mine"), Verdict::WiderOnly { by: by("Other") });
        assert_eq!(verdict("Other"), Verdict::Allowed { by: by("Other") });
    }

    #[test]
    fn everybody_but_some_is_wider_and_a_deny_of_that_kind_counts() {
        let others = json!({"AWS": "arn:aws:iam::123456789012:user/x"});
        let spared = json!({"AWS": [role("aws")]});
        let all_but =
            |who: &Value, effect: &str| allow(&json!({"Principal": null, "NotPrincipal": who, "Effect": effect}));
        assert_eq!(send(&json!([all_but(&others, "Allow")])), Verdict::WiderOnly { by: by("S") });
        assert_eq!(send(&json!([all_but(&others, "Deny"), allow(&json!({}))])), Verdict::Denied { by: by("S") });
        assert_eq!(
            send(&json!([all_but(&spared, "Deny"), allow(&json!({"Sid": "A"}))])),
            Verdict::Allowed { by: by("A") }
        );
    }

    #[test]
    fn actions_and_resources_are_patterns() {
        let arn = queue("eu-central-1").arn();
        for (patch, allowed) in [
            (json!({"Action": "SQS:SendMessage"}), true),
            (json!({"Action": "sqs:*"}), true),
            (json!({"Action": "*"}), true),
            (json!({"Action": ["sqs:ReceiveMessage", "sqs:send*"]}), true),
            (json!({"Action": "sqs:SendMessag?"}), true),
            (json!({"Action": "sqs:SendMessageBatch"}), false),
            (json!({"Action": "sqs:Send"}), false),
            (json!({"Action": []}), false),
            (json!({"Action": null, "NotAction": "sqs:ReceiveMessage"}), true),
            (json!({"Action": null, "NotAction": ["SQS:S*"]}), false),
            (json!({"Action": null}), false),
            (json!({"Resource": "*"}), true),
            (json!({"Resource": "arn:aws:sqs:*:123456789012:ord*"}), true),
            (json!({"Resource": ["x", arn]}), true),
            (json!({"Resource": arn.to_uppercase()}), false),
            (json!({"Resource": "arn:aws:sqs:eu-central-1:123456789012:order"}), false),
            (json!({"Resource": null, "NotResource": "arn:aws:sqs:*:*:other"}), true),
            (json!({"Resource": null, "NotResource": "arn:aws:sqs:*"}), false),
        ] {
            let expected = if allowed { Verdict::Allowed { by: by("S") } } else { Verdict::Missing };
            assert_eq!(send(&json!([allow(&patch)])), expected, "{patch}");
        }
    }

    #[test]
    fn a_deny_wins_wherever_it_stands() {
        let deny = |patch: Value| {
            let mut statement = allow(&patch);
            statement["Effect"] = "Deny".into();
            statement["Sid"] = "D".into();
            statement
        };
        let session = format!("arn:aws:sts::111122223333:assumed-role/{}/any", role("aws").rsplit('/').next().unwrap());
        for principal in
            [json!("*"), json!({"AWS": "111122223333"}), json!({"AWS": role("aws")}), json!({"AWS": session})]
        {
            let deny = deny(json!({"Principal": principal, "Action": "sqs:*"}));
            assert_eq!(send(&json!([allow(&json!({})), deny])), Verdict::Denied { by: by("D") }, "{principal}");
        }
        let other = deny(json!({"Action": "sqs:ReceiveMessage"}));
        assert_eq!(send(&json!([other, allow(&json!({}))])), Verdict::Allowed { by: by("S") });
    }

    #[test]
    fn what_hangs_on_a_condition_is_said() {
        let condition =
            json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}});
        let keys = vec!["aws:SourceIp".to_owned(), "aws:PrincipalOrgID".to_owned()];
        let conditional = allow(&json!({"Condition": condition}));
        assert_eq!(
            send(&json!([conditional])),
            Verdict::Conditional { by: by("S"), denies: false, keys: keys.clone() }
        );
        let deny = allow(&json!({"Sid": null, "Effect": "Deny", "Principal": "*", "Condition": condition}));
        let found = send(&json!([allow(&json!({})), deny]));
        assert_eq!(found, Verdict::Conditional { by: by("statement 2"), denies: true, keys });
        let empty = allow(&json!({"Condition": {}}));
        assert_eq!(send(&json!([empty])), Verdict::Allowed { by: by("S") });
    }

    #[test]
    fn the_usual_demand_for_encryption_is_met() {
        let deny = |wanted: Value| {
            let condition = json!({"Bool": {"aws:SecureTransport": wanted}});
            allow(&json!({"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": condition}))
        };
        for wanted in [json!("false"), json!(false), json!(["false"])] {
            assert_eq!(send(&json!([deny(wanted), allow(&json!({}))])), Verdict::Allowed { by: by("S") });
        }
        assert_eq!(send(&json!([deny(json!("true")), allow(&json!({}))])), Verdict::Denied { by: by("Tls") });
    }

    #[test]
    fn a_statement_of_ours_for_a_role_that_is_gone_says_so() {
        let sid = policy::sid(bridge(), Direction::Outbound);
        let gone = allow(&json!({"Sid": sid, "Principal": {"AWS": "AROAOTHER"}}));
        assert_eq!(send(&json!([gone])), Verdict::Recreated { by: sid, principal: "AROAOTHER".into() });
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        let (role, queue) = (role("aws"), queue("eu-central-1").arn());
        let ask = ask(&role, &queue, "sqs:SendMessage");
        for bad in ["", "x", "[]", "3", r#"{"Statement":3}"#, r#"{"Statement":[3]}"#] {
            assert!(evaluate(bad, &ask).is_err(), "{bad}");
        }
        assert_eq!(evaluate("{}", &ask), Ok(Verdict::Missing));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn our_statement_allows_exactly_its_actions(
            inbound in any::<bool>(),
            id in any::<u128>(),
            name in "[A-Za-z0-9_-]{1,80}",
            other in "[A-Za-z0-9_-]{1,80}",
            partition in 0..4_usize,
            noise in proptest::collection::vec(("[A-Za-z0-9]{0,8}", "[a-z*?:]{1,6}"), 0..4),
        ) {
            let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
            let bridge = uuid::Uuid::from_u128(id).into();
            let (partition, host) = [
                ("aws", "sqs.eu-central-1.amazonaws.com"),
                ("aws-cn", "sqs.cn-north-1.amazonaws.com.cn"),
                ("aws-us-gov", "sqs.us-gov-west-1.amazonaws.com"),
                ("aws-eusc", "sqs.eusc-de-east-1.amazonaws.eu"),
            ][partition];
            let queue = |name: &str| format!("https://{host}/123456789012/{name}").parse().unwrap();
            let (queue, other): (crate::domain::queue_url::QueueUrl, crate::domain::queue_url::QueueUrl) = (queue(&name), queue(&other));
            let role = format!("arn:{partition}:iam::111122223333:role/event-broker/ebm-{id:x}");
            let statement = policy::statement(bridge, &role, &queue, direction);
            // Statements of somebody else change nothing.
            let theirs: Vec<_> = noise.iter().map(|(sid, action)| json!({
                "Sid": sid, "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/them"}, "Action": action, "Resource": "*",
            })).collect();
            let text = policy::merge(Some(&json!({"Statement": theirs}).to_string()), &[statement]).unwrap();
            let (here, elsewhere, stranger) = (queue.arn(), other.arn(), format!("{role}0"));
            for action in ACTIONS {
                let verdict = |role, queue| {
                    evaluate(&text, &Ask { role_arn: role, role_id: None, action, queue_arn: queue, settled: &[], meant: None }).unwrap()
                };
                let own = verdict(&role, &here);
                let allowed = policy::actions(direction).contains(&action);
                prop_assert_eq!(matches!(own, Verdict::Allowed { .. }), allowed, "{} {:?}", action, own);
                prop_assert_eq!(own == Verdict::Missing, !allowed);
                prop_assert_eq!(verdict(&stranger, &here), Verdict::Missing);
                if other != queue {
                    prop_assert_eq!(verdict(&role, &elsewhere), Verdict::Missing);
                }
            }
        }

        #[test]
        fn a_pattern_matches_as_a_plain_search_would(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            fn plain(p: &[u8], t: &[u8]) -> bool {
                match (p.first(), t.first()) {
                    (None, None) => true,
                    (Some(b'*'), _) => plain(&p[1..], t) || (!t.is_empty() && plain(p, &t[1..])),
                    (Some(b'?'), Some(_)) => plain(&p[1..], &t[1..]),
                    (Some(a), Some(b)) if a == b => plain(&p[1..], &t[1..]),
                    _ => false,
                }
            }
            prop_assert_eq!(matches(&pattern, &text, false), plain(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
