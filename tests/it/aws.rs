//! The AWS adapter against `MiniStack`: roles, sessions, policies, queues, and the check of access.
//!
//! `MiniStack` judges permissions well and some of SQS's own rules laxly; those rules are tried elsewhere. Names are new
//! in each test, and what was made is taken away, also after a failure.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::HashMap, env, panic::AssertUnwindSafe, sync::Mutex, time::Duration};

use aws_sdk_sqs::{
    config::{BehaviorVersion, Credentials, Region},
    types::{MessageAttributeValue, QueueAttributeName},
};
use ebm::{
    aws::{
        AttributeValue, Aws, Endpoints, EntryOutcome, Error, Grade, Keys, Outgoing, QueueCheck, Readiness, SendOutcome,
        Settings, Side,
        policy::{self, ForeignAccess},
    },
    domain::{
        bridge::{Direction, role_name},
        ids::BridgeId,
        queue_url::QueueUrl,
    },
};
use futures::FutureExt;
use serde_json::{Value, json};
use uuid::Uuid;

/// Another account: `MiniStack` takes a 12-digit access key for the account of that number.
const FOREIGN: &str = "998877665544";
/// Long since any change.
const SETTLED: Duration = Duration::from_hours(1);
const EXTERNAL_ID: &str = "external-id-of-the-test";

fn var(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by dev/test, which starts the servers"))
}

/// What the development servers say of the stand-in of AWS.
pub fn settings() -> Settings {
    let keys = |who: &str| Keys {
        access_key_id: var(&format!("EBM_AWS__{who}_ACCESS_KEY_ID")),
        secret_access_key: var(&format!("EBM_AWS__{who}_SECRET_ACCESS_KEY")).into(),
    };
    Settings {
        account_id: var("EBM_AWS__ACCOUNT_ID"),
        region: var("EBM_AWS__REGION").parse().unwrap(),
        worker_arn: var("EBM_AWS__WORKER_ARN"),
        console: Some(keys("CONSOLE")),
        worker: Some(keys("WORKER")),
        permissions_boundary: None,
        shared_role_arn: None,
        endpoints: Endpoints {
            iam: Some(var("AWS_ENDPOINT_URL_IAM")),
            sts: Some(var("AWS_ENDPOINT_URL_STS")),
            sqs: Some(var("AWS_ENDPOINT_URL_SQS")),
        },
        allow_private: false,
    }
}

/// The queues' owners, and a bridge of its own for each test.
struct World {
    aws: Aws,
    bridge: BridgeId,
    owners: HashMap<String, aws_sdk_sqs::Client>,
    iam: aws_sdk_iam::Client,
    queues: Mutex<Vec<QueueUrl>>,
}

macro_rules! owner {
    ($sdk:ident, $endpoint:expr, $key:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(var("EBM_AWS__REGION")))
                .endpoint_url(var($endpoint))
                .credentials_provider($key)
                .build(),
        )
    };
}

impl World {
    async fn new() -> Self {
        let settings = settings();
        let root = Credentials::new(var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY"), None, None, "test");
        let foreign = Credentials::new(FOREIGN, "any", None, None, "test");
        let owners = HashMap::from([
            (settings.account_id.clone(), owner!(aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS", root.clone())),
            (FOREIGN.to_owned(), owner!(aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS", foreign)),
        ]);
        let iam = owner!(aws_sdk_iam, "AWS_ENDPOINT_URL_IAM", root);
        let bridge = Uuid::new_v4().into();
        Self { aws: Aws::new(settings).await, bridge, owners, iam, queues: Mutex::default() }
    }

    fn own(&self) -> &str {
        &self.aws.settings().account_id
    }

    fn owner(&self, queue: &QueueUrl) -> &aws_sdk_sqs::Client {
        &self.owners[queue.account()]
    }

    async fn role(&self) -> String {
        self.aws.ensure_role(self.bridge, EXTERNAL_ID, None).await.unwrap().arn
    }

    async fn make_queue(&self, account: &str, suffix: &str, attributes: &[(QueueAttributeName, &str)]) -> QueueUrl {
        let name = format!("ebm-test-{}{suffix}", Uuid::new_v4());
        let queue: QueueUrl =
            format!("https://sqs.{}.amazonaws.com/{account}/{name}", self.aws.settings().region).parse().unwrap();
        let attributes = attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        self.owner(&queue).create_queue().queue_name(name).set_attributes(Some(attributes)).send().await.unwrap();
        self.queues.lock().unwrap().push(queue.clone());
        queue
    }

    async fn set_policy(&self, queue: &QueueUrl, policy: impl ToString) {
        let call = self.owner(queue).set_queue_attributes().queue_url(queue.to_string());
        call.attributes(QueueAttributeName::Policy, policy.to_string()).send().await.unwrap();
    }

    /// Adds the bridge's own statements.
    async fn consent(&self, queue: &QueueUrl, directions: &[Direction]) {
        let role = self.aws.role_arn(self.bridge);
        let statements: Vec<_> = directions.iter().map(|&d| policy::statement(self.bridge, &role, queue, d)).collect();
        self.set_policy(queue, policy::merge(None, &statements).unwrap()).await;
    }

    fn statement(&self, queue: &QueueUrl, direction: Direction) -> Value {
        let role = self.aws.role_arn(self.bridge);
        serde_json::to_value(policy::statement(self.bridge, &role, queue, direction)).unwrap()
    }

    async fn check(&self, queue: &QueueUrl, directions: &[Direction], age: Duration) -> QueueCheck {
        let role = self.aws.role_arn(self.bridge);
        self.aws.check_queue(self.bridge, EXTERNAL_ID, &role, queue, directions, age).await
    }

    fn queue(&self, queue: &QueueUrl) -> ebm::aws::Queue {
        self.aws.queue(self.bridge, EXTERNAL_ID, &self.aws.role_arn(self.bridge), queue).unwrap()
    }

    async fn clear(&self) {
        let queues = std::mem::take(&mut *self.queues.lock().unwrap());
        for queue in queues {
            let _ = self.owner(&queue).delete_queue().queue_url(queue.to_string()).send().await;
        }
        let _ = self.aws.delete_role(self.bridge).await;
    }
}

/// Runs a test in a world of its own and clears it, whatever happens.
async fn within<F: AsyncFnOnce(&World)>(test: F) {
    let world = World::new().await;
    let result = AssertUnwindSafe(test(&world)).catch_unwind().await;
    world.clear().await;
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// `action: grade`, with the side where something is missing.
fn grades(check: &QueueCheck) -> Vec<String> {
    let word = |grade: &Grade| match grade {
        Grade::Missing { side, .. } => format!("missing ({side:?})"),
        Grade::CouldNotCheck { .. } => "could not check".into(),
        grade => format!("{grade:?}"),
    };
    check.actions.iter().map(|a| format!("{}: {}", a.action, word(&a.grade))).collect()
}

fn message(body: &str) -> Outgoing<'_> {
    Outgoing { body, attributes: &[], group: None, dedup: None }
}

#[tokio::test]
async fn a_role_is_made_once_and_leaves_nothing_behind() {
    within(async |world| {
        let World { aws, bridge, iam, .. } = world;
        let name = role_name(*bridge);
        let made = aws.ensure_role(*bridge, EXTERNAL_ID, None).await.unwrap();
        assert!(made.created && made.changed);
        assert_eq!(made.arn, aws.role_arn(*bridge));
        let again = aws.ensure_role(*bridge, EXTERNAL_ID, Some(&made.id)).await.unwrap();
        assert!(!again.created && !again.changed);
        assert_eq!(again.id, made.id);
        let by_arn = aws.ensure_role(*bridge, EXTERNAL_ID, Some(&made.arn)).await.unwrap();
        assert!(!by_arn.created && by_arn.id == made.id);
        let adopted = aws.ensure_role(*bridge, EXTERNAL_ID, None).await.unwrap();
        assert!(!adopted.created && adopted.id == made.id);

        let role = iam.get_role().role_name(&name).send().await.unwrap().role.unwrap();
        assert_eq!(role.path, "/event-broker/");
        assert!(role.tags().iter().any(|tag| tag.value == bridge.to_string()));
        assert!(aws.list_roles().await.unwrap().iter().any(|role| role.bridge == *bridge));

        let foreign = world.make_queue(FOREIGN, "", &[]).await;
        let access = [ForeignAccess { queue: foreign, direction: Direction::Inbound, key: None }];
        assert!(aws.put_queue_policy(*bridge, &access).await.unwrap());
        aws.delete_role(*bridge).await.unwrap();
        assert!(iam.get_role().role_name(&name).send().await.is_err());
        aws.delete_role(*bridge).await.expect("a role that is gone is no error");
        assert!(!aws.list_roles().await.unwrap().iter().any(|role| role.bridge == *bridge));
    })
    .await;
}

#[tokio::test]
async fn a_role_that_was_deleted_or_made_again_is_not_replaced_silently() {
    within(async |world| {
        let World { aws, bridge, .. } = world;
        let made = aws.ensure_role(*bridge, EXTERNAL_ID, None).await.unwrap();
        aws.delete_role(*bridge).await.unwrap();
        for known in [&made.id, &made.arn] {
            let gone = aws.ensure_role(*bridge, EXTERNAL_ID, Some(known)).await;
            assert!(matches!(gone, Err(Error::RoleGone { .. })), "{gone:?}");
        }
        aws.ensure_role(*bridge, EXTERNAL_ID, None).await.unwrap();
        let changed = aws.ensure_role(*bridge, EXTERNAL_ID, Some(&made.id)).await;
        assert!(matches!(changed, Err(Error::RoleChanged { .. })), "{changed:?}");
    })
    .await;
}

#[tokio::test]
async fn a_role_of_the_name_that_we_did_not_make_is_left_alone() {
    within(async |world| {
        let trust = policy::trust(&world.aws.settings().worker_arn, EXTERNAL_ID).to_string();
        let call = world.iam.create_role().role_name(role_name(world.bridge)).path("/event-broker/");
        call.assume_role_policy_document(trust).send().await.unwrap();
        let refused = world.aws.ensure_role(world.bridge, EXTERNAL_ID, None).await;
        assert!(matches!(refused, Err(Error::RoleForeign { .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn the_role_trusts_the_worker_only_with_the_external_id_and_drift_is_repaired() {
    within(async |world| {
        let World { aws, bridge, iam, .. } = world;
        let role = world.role().await;
        let queue = world.make_queue(world.own(), "", &[]).await;
        world.consent(&queue, &[Direction::Outbound]).await;
        world.queue(&queue).attributes().await.unwrap();

        let wrong = aws.queue(*bridge, "another", &role, &queue).unwrap().attributes().await;
        assert!(matches!(wrong, Err(Error::AccessDenied { what: "sts:AssumeRole", .. })), "{wrong:?}");

        let elsewhere = policy::trust(&aws.settings().worker_arn, "another").to_string();
        let call = iam.update_assume_role_policy().role_name(role_name(*bridge)).policy_document(elsewhere);
        call.send().await.unwrap();
        // One queue all along: its failed session is not kept.
        let lane = world.queue(&queue);
        assert!(matches!(lane.attributes().await, Err(Error::AccessDenied { .. })));
        let repaired = aws.ensure_role(*bridge, EXTERNAL_ID, None).await.unwrap();
        assert!(repaired.changed && !repaired.created);
        lane.attributes().await.expect("the repaired trust works without a restart");
    })
    .await;
}

#[tokio::test]
async fn a_queue_of_the_own_account_gives_access_by_its_statement_alone() {
    within(async |world| {
        world.role().await;
        let queue = world.make_queue(world.own(), "", &[]).await;
        let access = [ForeignAccess { queue: queue.clone(), direction: Direction::Inbound, key: None }];
        assert!(!world.aws.put_queue_policy(world.bridge, &access).await.unwrap(), "no Allow in the role");

        let none = world.check(&queue, &[Direction::Inbound], SETTLED).await;
        assert_eq!(none.readiness(), Readiness::NotReady);
        insta::assert_snapshot!(grades(&none).join("\n"), @r"
        sqs:ReceiveMessage: could not check
        sqs:DeleteMessage: missing (Queue)
        sqs:ChangeMessageVisibility: missing (Queue)
        sqs:GetQueueAttributes: missing (Queue)
        ");
        let young = world.check(&queue, &[Direction::Inbound], Duration::ZERO).await;
        assert_eq!(young.readiness(), Readiness::NotYet);

        world.consent(&queue, &[Direction::Inbound]).await;
        let inbound = world.check(&queue, &[Direction::Inbound], SETTLED).await;
        assert_eq!(inbound.readiness(), Readiness::Ready);
        insta::assert_snapshot!(grades(&inbound).join("\n"), @r"
        sqs:ReceiveMessage: ReadFromPolicies
        sqs:DeleteMessage: Proved
        sqs:ChangeMessageVisibility: Proved
        sqs:GetQueueAttributes: Proved
        ");

        world.consent(&queue, &[Direction::Outbound]).await;
        let outbound = world.check(&queue, &[Direction::Outbound], SETTLED).await;
        insta::assert_snapshot!(grades(&outbound).join("\n"), @r"
        sqs:SendMessage: ReadFromPolicies
        sqs:GetQueueAttributes: Proved
        ");
        let wrong_way = world.check(&queue, &[Direction::Inbound], SETTLED).await;
        insta::assert_snapshot!(grades(&wrong_way).join("\n"), @r"
        sqs:ReceiveMessage: missing (Queue)
        sqs:DeleteMessage: missing (Queue)
        sqs:ChangeMessageVisibility: missing (Queue)
        sqs:GetQueueAttributes: Proved
        ");

        world.set_policy(&queue, "").await;
        let lane = world.queue(&queue);
        assert!(matches!(lane.send(&[message("x")]).await, Err(Error::AccessDenied { .. })), "its removal ends it");
    })
    .await;
}

#[tokio::test]
async fn of_a_shared_role_each_bridge_needs_the_statement_that_is_its_own() {
    within(async |world| {
        let shared = world.role().await;
        let aws = Aws::new(Settings { shared_role_arn: Some(shared.clone()), ..settings() }).await;
        let [mine, other]: [BridgeId; 2] = [Uuid::new_v4().into(), Uuid::new_v4().into()];
        let made = aws.ensure_role(mine, EXTERNAL_ID, None).await.unwrap();
        assert_eq!((made.arn.as_str(), made.created), (shared.as_str(), false));
        let queue = world.make_queue(world.own(), "", &[]).await;
        let statement = policy::statement(mine, &shared, &queue, Direction::Outbound);
        world.set_policy(&queue, policy::merge(None, &[statement]).unwrap()).await;
        let check = async |bridge| {
            aws.check_queue(bridge, EXTERNAL_ID, &shared, &queue, &[Direction::Outbound], SETTLED).await.readiness()
        };
        assert_eq!(check(mine).await, Readiness::Ready);
        assert_eq!(check(other).await, Readiness::NotReady, "it was meant for another bridge");
        aws.delete_role(mine).await.unwrap();
        assert_eq!(check(mine).await, Readiness::Ready, "the role is not its own to delete");
    })
    .await;
}

#[tokio::test]
async fn a_deny_and_a_wider_statement_are_seen() {
    within(async |world| {
        let role = world.role().await;
        let queue = world.make_queue(world.own(), "", &[]).await;
        let ours = world.statement(&queue, Direction::Outbound);
        let deny = json!({"Sid": "Stop", "Effect": "Deny", "Principal": {"AWS": role}, "Action": "sqs:SendMessage", "Resource": queue.arn()});
        world.set_policy(&queue, json!({"Version": "2012-10-17", "Statement": [ours, deny]})).await;
        let denied = world.check(&queue, &[Direction::Outbound], SETTLED).await;
        insta::assert_snapshot!(grades(&denied).join("\n"), @r"
        sqs:SendMessage: missing (Queue)
        sqs:GetQueueAttributes: Proved
        ");
        let Grade::Missing { text, .. } = &denied.actions[0].grade else { panic!("{denied:?}") };
        assert!(text.contains("\"Stop\""), "{text}");
        let refused = world.queue(&queue).send(&[message("x")]).await;
        let Err(Error::AccessDenied { message, .. }) = refused else { panic!("{refused:?}") };
        assert!(message.contains("sendmessage") || message.contains("SendMessage"), "{message}");

        let wide = json!({"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": queue.arn()});
        world.set_policy(&queue, json!({"Version": "2012-10-17", "Statement": [wide]})).await;
        let wider = world.check(&queue, &[Direction::Outbound], SETTLED).await;
        insta::assert_snapshot!(grades(&wider).join("\n"), @r"
        sqs:SendMessage: missing (Queue)
        sqs:GetQueueAttributes: missing (Queue)
        ");
    })
    .await;
}

#[tokio::test]
async fn a_queue_of_another_account_needs_both_sides() {
    within(async |world| {
        let World { aws, bridge, .. } = world;
        world.role().await;
        let queue = world.make_queue(FOREIGN, "", &[]).await;
        let access = |direction| ForeignAccess { queue: queue.clone(), direction, key: None };

        world.consent(&queue, &[Direction::Inbound]).await;
        let one_side = world.check(&queue, &[Direction::Inbound], SETTLED).await;
        assert_eq!(one_side.readiness(), Readiness::NotReady, "{one_side:?}");

        assert!(aws.put_queue_policy(*bridge, &[access(Direction::Inbound)]).await.unwrap());
        assert!(!aws.put_queue_policy(*bridge, &[access(Direction::Inbound)]).await.unwrap(), "twice changes nothing");
        let both = world.check(&queue, &[Direction::Inbound], SETTLED).await;
        insta::assert_snapshot!(grades(&both).join("\n"), @r"
        sqs:ReceiveMessage: ReadFromPolicies
        sqs:DeleteMessage: Proved
        sqs:ChangeMessageVisibility: Proved
        sqs:GetQueueAttributes: Proved
        ");

        // The role's side is there for one direction only.
        world.consent(&queue, &[Direction::Outbound, Direction::Inbound]).await;
        let outbound = world.check(&queue, &[Direction::Outbound], SETTLED).await;
        insta::assert_snapshot!(grades(&outbound).join("\n"), @r"
        sqs:SendMessage: missing (Role)
        sqs:GetQueueAttributes: Proved
        ");

        assert!(aws.put_queue_policy(*bridge, &[]).await.unwrap());
        assert!(!aws.put_queue_policy(*bridge, &[]).await.unwrap());
        assert!(world.queue(&queue).attributes().await.is_err());
    })
    .await;
}

#[tokio::test]
async fn what_the_check_cannot_reach_it_says() {
    within(async |world| {
        world.role().await;
        let queue = world.make_queue(world.own(), "", &[]).await;
        let name = format!("{queue}-absent");
        let absent = world.check(&name.parse().unwrap(), &[Direction::Outbound], SETTLED).await;
        assert_eq!(absent.readiness(), Readiness::NotReady);

        let china = "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders".parse().unwrap();
        let other = world.check(&china, &[Direction::Outbound], Duration::ZERO).await;
        assert_eq!(other.readiness(), Readiness::NotReady);

        let strange = world
            .aws
            .check_queue(
                world.bridge,
                "another",
                &world.aws.role_arn(world.bridge),
                &queue,
                &[Direction::Outbound],
                SETTLED,
            )
            .await;
        assert!(matches!(strange.actions[0].grade, Grade::Missing { side: Side::Trust, .. }), "{strange:?}");

        let away = Settings {
            endpoints: Endpoints { sqs: Some("http://127.0.0.1:9".into()), ..settings().endpoints },
            ..settings()
        };
        let away = Aws::new(away).await;
        let role = away.role_arn(world.bridge);
        let unreachable =
            away.check_queue(world.bridge, EXTERNAL_ID, &role, &queue, &[Direction::Outbound], SETTLED).await;
        assert_eq!(unreachable.readiness(), Readiness::Unknown, "{unreachable:?}");
    })
    .await;
}

#[tokio::test]
async fn a_check_touches_no_message() {
    within(async |world| {
        world.role().await;
        let both = [Direction::Outbound, Direction::Inbound];
        let queue = world.make_queue(world.own(), "", &[]).await;
        world.consent(&queue, &both).await;
        let owner = world.owner(&queue);
        owner.send_message().queue_url(queue.to_string()).message_body("stay").send().await.unwrap();
        assert_eq!(world.check(&queue, &both, SETTLED).await.readiness(), Readiness::Ready);
        let received = world.queue(&queue).receive(10, Duration::ZERO, Duration::from_secs(30)).await.unwrap();
        let counts: Vec<_> = received.iter().map(|m| (m.body.as_str(), m.receive_count)).collect();
        assert_eq!(counts, [("stay", 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_queue_tells_its_attributes_and_what_may_end_badly() {
    within(async |world| {
        world.role().await;
        let dead = world.make_queue(world.own(), "", &[]).await;
        let redrive = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": "2"}).to_string();
        let attributes = [
            (QueueAttributeName::MaximumMessageSize, "4096"),
            (QueueAttributeName::MessageRetentionPeriod, "3600"),
            (QueueAttributeName::VisibilityTimeout, "45"),
            (QueueAttributeName::RedrivePolicy, redrive.as_str()),
        ];
        let queue = world.make_queue(world.own(), "", &attributes).await;
        world.consent(&queue, &[Direction::Inbound, Direction::Outbound]).await;
        let told = world.queue(&queue).attributes().await.unwrap();
        assert_eq!(told.max_message_size, 4_096);
        assert_eq!(told.retention, Duration::from_hours(1));
        assert_eq!(told.visibility_timeout, Duration::from_secs(45));
        assert_eq!((told.max_receive_count, told.fifo, told.kms_key), (Some(2), false, None));
        assert!(told.policy.is_some_and(|policy| policy.contains("EbmBridge")));
        let check = world.check(&queue, &[Direction::Inbound, Direction::Outbound], SETTLED).await;
        let warned: Vec<_> = check.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(warned, ["short_retention", "low_max_receive_count", "small_max_message_size"]);
    })
    .await;
}

#[tokio::test]
async fn messages_go_there_and_back_with_their_attributes() {
    within(async |world| {
        world.role().await;
        let queue = world.make_queue(world.own(), "", &[]).await;
        world.consent(&queue, &[Direction::Outbound, Direction::Inbound]).await;
        let lane = world.queue(&queue);
        let attributes = vec![("ce_type".to_owned(), "Örder🎉".to_owned()), ("ce_id".to_owned(), "1".to_owned())];
        let sent = lane.send(&[Outgoing { attributes: &attributes, ..message("{\"a\": 1}") }, message("two")]).await.unwrap();
        assert!(sent.iter().all(|outcome| matches!(outcome, SendOutcome::Sent { .. })), "{sent:?}");
        let binary = MessageAttributeValue::builder().data_type("Binary.x").binary_value(vec![0, 255].into()).build().unwrap();
        let number = MessageAttributeValue::builder().data_type("Number").string_value("1.50").build().unwrap();
        let call = world.owner(&queue).send_message().queue_url(queue.to_string()).message_body("three");
        call.message_attributes("b", binary).message_attributes("n", number).send().await.unwrap();

        let mut got = Vec::new();
        while got.len() < 3 {
            got.extend(lane.receive(10, Duration::from_secs(5), Duration::from_mins(1)).await.unwrap());
        }
        got.sort_by(|a, b| a.body.cmp(&b.body));
        let bodies: Vec<_> = got.iter().map(|m| m.body.as_str()).collect();
        assert_eq!(bodies, ["three", "two", "{\"a\": 1}"]);
        assert!(got.iter().all(|m| m.intact && m.receive_count == 1 && m.sent_at_ms.is_some()), "{got:?}");
        assert_eq!(got[0].attributes[0].1.value, AttributeValue::Binary(vec![0, 255]));
        assert_eq!((got[0].attributes[0].1.data_type.as_str(), got[0].attributes[1].1.data_type.as_str()), ("Binary.x", "Number"));
        let read: Vec<_> = got[2].attributes.iter().map(|(name, a)| (name.as_str(), a.value.clone())).collect();
        assert_eq!(read, [("ce_id", AttributeValue::Text("1".into())), ("ce_type", AttributeValue::Text("Örder🎉".into()))]);

        let receipts: Vec<_> = got.iter().map(|m| m.receipt.clone()).collect();
        assert_eq!(lane.extend(&receipts[..1], Duration::from_mins(2)).await.unwrap(), [EntryOutcome::Done]);
        // Released: it comes again.
        assert_eq!(lane.extend(&receipts[1..2], Duration::ZERO).await.unwrap(), [EntryOutcome::Done]);
        let again = lane.receive(10, Duration::from_secs(5), Duration::from_mins(1)).await.unwrap();
        assert_eq!(again.iter().map(|m| (m.body.as_str(), m.receive_count)).collect::<Vec<_>>(), [("two", 2)]);

        let mut receipts = vec![receipts[0].clone(), "nonsense".to_owned(), again[0].receipt.clone()];
        let outcomes = lane.delete(&receipts).await.unwrap();
        assert!(matches!(&outcomes[..], [EntryOutcome::Done, EntryOutcome::Failed { code, .. }, EntryOutcome::Done] if code == "ReceiptHandleIsInvalid"), "{outcomes:?}");
        receipts.clear();
        assert!(lane.delete(&receipts).await.is_err(), "an empty batch is a mistake");
        let left = lane.attributes().await.unwrap();
        assert_eq!((left.waiting, left.in_flight), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn each_entry_of_a_batch_has_its_own_outcome() {
    within(async |world| {
        world.role().await;
        let queue = world.make_queue(world.own(), "", &[]).await;
        world.consent(&queue, &[Direction::Outbound]).await;
        let lane = world.queue(&queue);
        let sent = lane.send(&[message("good"), message("bad \u{1}"), message("good")]).await.unwrap();
        assert!(
            matches!(
                &sent[..],
                [SendOutcome::Sent { .. }, SendOutcome::Failed { sender_fault: true, .. }, SendOutcome::Sent { .. }]
            ),
            "{sent:?}"
        );
        assert!(matches!(
            lane.receive(1, Duration::ZERO, Duration::ZERO).await,
            Err(Error::AccessDenied { what: "sqs:ReceiveMessage", .. })
        ));
    })
    .await;
}

#[tokio::test]
async fn a_fifo_queue_keeps_group_and_order_and_swallows_a_duplicate() {
    within(async |world| {
        world.role().await;
        let queue = world.make_queue(world.own(), ".fifo", &[(QueueAttributeName::FifoQueue, "true")]).await;
        world.consent(&queue, &[Direction::Outbound, Direction::Inbound]).await;
        let lane = world.queue(&queue);
        let entry = |body, dedup| Outgoing { group: Some("g"), dedup: Some(dedup), ..message(body) };
        let first = lane.send(&[entry("a", "1"), entry("b", "2")]).await.unwrap();
        assert!(matches!(&first[0], SendOutcome::Sent { sequence: Some(_), .. }), "{first:?}");
        let again = lane.send(&[entry("a", "1")]).await.unwrap();
        assert!(matches!(again[0], SendOutcome::Sent { .. }), "{again:?}");
        let got = lane.receive(10, Duration::ZERO, Duration::from_mins(1)).await.unwrap();
        let seen: Vec<_> = got.iter().map(|m| (m.body.as_str(), m.group.as_deref(), m.dedup.as_deref())).collect();
        assert_eq!(seen, [("a", Some("g"), Some("1")), ("b", Some("g"), Some("2"))]);
        assert!(got.iter().all(|m| m.sequence.is_some()));
        assert!(lane.attributes().await.unwrap().fifo);
    })
    .await;
}
