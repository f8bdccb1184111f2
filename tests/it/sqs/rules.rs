//! The strict SQS refuses what SQS refuses, and takes what SQS takes, as AWS's own client sees it.

mod edges;

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{
        DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
        SendMessageBatchRequestEntry,
    },
};
use tokio::time::{Instant, timeout};

use super::{Fault, Moment, Put, Sqs, When};

const OWN: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/bridge";
const MOMENT: Duration = Duration::from_secs(5);

macro_rules! client {
    ($sdk:ident, $sqs:expr, $credentials:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-central-1"))
                .endpoint_url($sqs.url())
                .retry_config(RetryConfig::disabled())
                .credentials_provider($credentials)
                .build(),
        )
    };
}

/// A client of STS with an access key, its id and its secret.
fn sts(sqs: &Sqs, [id, secret]: [&str; 2]) -> aws_sdk_sts::Client {
    client!(aws_sdk_sts, sqs, Credentials::new(id, secret, None, None, "worker"))
}

/// A client that shows an access key and a token.
fn with(sqs: &Sqs, access_key: &str, token: &str) -> Client {
    client!(aws_sdk_sqs, sqs, Credentials::new(access_key, "secret", Some(token.to_owned()), None, "role"))
}

/// A client under a role.
async fn under(sqs: &Sqs, role: &str) -> Client {
    let call = sts(sqs, Sqs::key()).assume_role().role_arn(role).role_session_name("test").external_id("x");
    let given = call.send().await.unwrap().credentials.unwrap();
    with(sqs, given.access_key_id(), given.session_token())
}

async fn standard() -> (Sqs, Client, String) {
    let sqs = Sqs::start();
    let queue = sqs.create(OWN, "orders");
    let client = under(&sqs, ROLE).await;
    (sqs, client, queue)
}

async fn fifo() -> (Sqs, Client, String) {
    let (sqs, client, _) = standard().await;
    let queue = sqs.create(OWN, "orders.fifo");
    (sqs, client, queue)
}

/// The code of a refusal.
#[track_caller]
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    let error = result.unwrap_err();
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).map(str::to_owned);
    code.unwrap_or_else(|| panic!("no refusal: {error:?}"))
}

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

async fn receive(client: &Client, queue: &str) -> Vec<Message> {
    let call = client.receive_message().queue_url(queue).max_number_of_messages(10).message_attribute_names("All");
    let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
    call.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn put(body: &str, group: Option<&str>) -> Put {
    Put { body: body.to_owned(), attributes: Vec::new(), group: group.map(str::to_owned) }
}

#[tokio::test]
async fn a_message_comes_as_it_was_sent_with_aws_s_checksums() {
    let (sqs, client, queue) = standard().await;
    let binary = MessageAttributeValue::builder().data_type("Binary.png").binary_value(Blob::new([0, 255]));
    let sent = client
        .send_message()
        .queue_url(&queue)
        .message_body("hello world")
        .message_attributes("b", binary.build().unwrap())
        .message_attributes("a", text("é"))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5eb63bbbe01eeed093cb22bb8f5acdc3"));
    let messages = receive(&client, &queue).await;
    let message = &messages[0];
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    assert_eq!(message.message_attributes().unwrap()["a"].string_value(), Some("é"));
    assert_eq!(message.message_attributes().unwrap()["b"].binary_value().unwrap().as_ref(), [0, 255]);
    assert_eq!(message.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount], "1");
    let accepted = sqs.take_accepted(&queue);
    assert_eq!((accepted.len(), accepted[0].attributes["a"].text()), (1, "é"));
    assert!(sqs.take_accepted(&queue).is_empty());
}

#[tokio::test]
async fn what_no_queue_takes_is_refused() {
    let (sqs, client, queue) = standard().await;
    let send = |body: String| client.send_message().queue_url(&queue).message_body(body);
    assert_eq!(code(send(String::new()).send().await), "MissingParameter");
    for bad in ["\u{0}", "a\u{b}", "\u{ffff}", "\u{fffe}"] {
        assert!(code(send(bad.to_owned()).send().await).ends_with("InvalidMessageContents"), "{bad:?}");
    }
    for good in ["\t\r\n", " ", "\u{fffd}", "\u{10ffff}"] {
        send(good.to_owned()).send().await.unwrap();
    }
    for name in ["", "a b", "AWS.x", "amazon.X", ".a", "a.", "a..b", "é", &"x".repeat(257)] {
        let call = send("b".to_owned()).message_attributes(name, text("v"));
        assert_eq!(code(call.send().await), "InvalidParameterValue", "{name:?}");
    }
    for name in ["a.b", "_", "-", "awsx", &"x".repeat(256)] {
        send("b".to_owned()).message_attributes(name, text("v")).send().await.unwrap();
    }
    assert_eq!(code(send("b".to_owned()).message_attributes("a", text("")).send().await), "InvalidParameterValue");
    let eleven = (0..11).fold(send("b".to_owned()), |call, n| call.message_attributes(format!("a{n}"), text("v")));
    assert_eq!(code(eleven.send().await), "InvalidParameterValue");
    let ten = (0..10).fold(send("b".to_owned()), |call, n| call.message_attributes(format!("a{n}"), text("v")));
    ten.send().await.unwrap();

    sqs.set_attribute(&queue, "MaximumMessageSize", "1024");
    // `String` and the names count: 1,000 + 1 + 6 + 17.
    send("x".repeat(1_000)).message_attributes("n", text(&"v".repeat(17))).send().await.unwrap();
    let over = send("x".repeat(1_000)).message_attributes("n", text(&"v".repeat(18)));
    assert_eq!(code(over.send().await), "InvalidParameterValue");
}

#[tokio::test]
async fn batches_are_judged_as_a_whole_and_entry_by_entry() {
    let (sqs, client, queue) = standard().await;
    let send = |entries: Vec<SendMessageBatchRequestEntry>| {
        client.send_message_batch().queue_url(&queue).set_entries(Some(entries)).send()
    };
    assert!(code(send(Vec::new()).await).ends_with("EmptyBatchRequest"));
    let eleven = (0..11).map(|n| entry(&n.to_string(), "b")).collect();
    assert!(code(send(eleven).await).ends_with("TooManyEntriesInBatchRequest"));
    assert!(code(send(vec![entry("a", "b"), entry("a", "c")]).await).ends_with("BatchEntryIdsNotDistinct"));
    assert!(code(send(vec![entry("a b", "b")]).await).ends_with("InvalidBatchEntryId"));
    let half = "x".repeat(600 << 10);
    assert!(code(send(vec![entry("a", &half), entry("b", &half)]).await).ends_with("BatchRequestTooLong"));
    assert_eq!(sqs.left(&queue).visible, 0, "nothing of them is there");

    let answer = send(vec![entry("good", "b"), entry("bad", "\u{0}")]).await.unwrap();
    assert_eq!((answer.successful().len(), answer.failed().len()), (1, 1));
    let failed = &answer.failed()[0];
    assert!(failed.id() == "bad" && failed.sender_fault(), "{failed:?}");
    assert_eq!(failed.code(), "InvalidMessageContents");

    sqs.fault(|_| Fault::Partly { failed: vec![0, 2], code: "InternalFailure", sender: false });
    let answer = send((0..3).map(|n| entry(&n.to_string(), "c")).collect()).await.unwrap();
    assert_eq!(answer.successful()[0].id(), "1");
    assert!(answer.failed().iter().all(|failed| !failed.sender_fault()));
    assert_eq!(sqs.left(&queue).visible, 2);
}

#[tokio::test]
async fn a_message_is_hidden_shows_again_and_goes_by_its_newest_receipt() {
    let (sqs, client, queue) = standard().await;
    sqs.put_many(&queue, vec![put("a", None)]);
    let first = receive(&client, &queue).await.remove(0);
    assert!(receive(&client, &queue).await.is_empty(), "it is hidden");
    sqs.clock().advance(Duration::from_secs(31));
    let second = receive(&client, &queue).await.remove(0);
    assert_eq!(second.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount], "2");
    let delete = |receipt: &str| client.delete_message().queue_url(&queue).receipt_handle(receipt).send();
    delete(first.receipt_handle().unwrap()).await.unwrap();
    assert_eq!((sqs.stale_deletes(&queue), sqs.left(&queue).in_flight), (1, 1), "an old receipt deletes nothing");

    let hide = |receipt: &str, seconds| {
        let call = client.change_message_visibility().queue_url(&queue).receipt_handle(receipt);
        call.visibility_timeout(seconds).send()
    };
    let receipt = second.receipt_handle().unwrap();
    hide(receipt, 600).await.unwrap();
    sqs.clock().advance(Duration::from_mins(1));
    assert!(receive(&client, &queue).await.is_empty(), "it is hidden for longer");
    assert_eq!(code(hide(receipt, 43_201).await), "InvalidParameterValue");
    hide(receipt, 0).await.unwrap();
    assert!(code(hide(receipt, 10).await).ends_with("MessageNotInflight"));
    let third = receive(&client, &queue).await.remove(0);
    delete(third.receipt_handle().unwrap()).await.unwrap();
    delete(third.receipt_handle().unwrap()).await.unwrap();
    assert_eq!(sqs.left(&queue).in_flight, 0);
    assert!(code(delete("garbage").await).ends_with("ReceiptHandleIsInvalid"));
    assert_eq!(*sqs.deleted_count().borrow(), 1);
}

#[tokio::test]
async fn a_receive_waits_for_a_message_and_no_longer_than_it_says() {
    let (sqs, client, queue) = standard().await;
    let call = || client.receive_message().queue_url(&queue).max_number_of_messages(1);
    assert_eq!(code(call().wait_time_seconds(21).send().await), "InvalidParameterValue");
    assert_eq!(code(call().max_number_of_messages(11).send().await), "InvalidParameterValue");
    let waiting = tokio::spawn(call().wait_time_seconds(20).send());
    while sqs.calls("ReceiveMessage") < 3 {
        tokio::task::yield_now().await;
    }
    sqs.put_many(&queue, vec![put("a", None)]);
    let given = timeout(MOMENT, waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(bodies(given.messages()), ["a"]);

    // None is left. A call that is counted may begin to wait only after a leap: then the next one ends it.
    let receipt = given.messages()[0].receipt_handle().unwrap();
    client.delete_message().queue_url(&queue).receipt_handle(receipt).send().await.unwrap();
    let mut waiting = tokio::spawn(call().wait_time_seconds(20).send());
    while sqs.calls("ReceiveMessage") < 4 {
        tokio::task::yield_now().await;
    }
    let ends = async {
        loop {
            sqs.clock().advance(Duration::from_secs(21));
            if let Ok(given) = timeout(Duration::from_millis(100), &mut waiting).await {
                return given;
            }
        }
    };
    assert!(timeout(MOMENT, ends).await.unwrap().unwrap().unwrap().messages().is_empty());
}

#[tokio::test]
async fn a_fifo_queue_keeps_groups_in_order_and_takes_nothing_twice() {
    let (sqs, client, queue) = fifo().await;
    let send = |body: &str, group: &str, id: &str| {
        let call = client.send_message().queue_url(&queue).message_body(body).message_group_id(group);
        call.message_deduplication_id(id).send()
    };
    let without = client.send_message().queue_url(&queue).message_body("a").send().await;
    assert_eq!(code(without), "MissingParameter");
    let without = client.send_message().queue_url(&queue).message_body("a").message_group_id("g").send().await;
    assert_eq!(code(without), "InvalidParameterValue");
    assert_eq!(code(send("a", "g g", "1").await), "InvalidParameterValue");
    assert_eq!(code(send("a", &"g".repeat(129), "1").await), "InvalidParameterValue");

    let first = send("a", "g", "1").await.unwrap();
    let again = send("b", "h", "1").await.unwrap();
    assert_eq!(again.message_id(), first.message_id(), "its id is known, whatever else is in it");
    send("b", "g", "2").await.unwrap();
    send("c", "h", "3").await.unwrap();
    assert_eq!((sqs.left(&queue).visible, sqs.deduplicated(&queue)), (3, 1));

    let call = client.receive_message().queue_url(&queue).max_number_of_messages(1);
    let given = call.send().await.unwrap().messages.unwrap();
    assert_eq!(bodies(&given), ["a"]);
    assert_eq!(bodies(&receive(&client, &queue).await), ["c"], "the rest of a group waits");
    let receipt = given[0].receipt_handle().unwrap();
    client.delete_message().queue_url(&queue).receipt_handle(receipt).send().await.unwrap();
    let given = receive(&client, &queue).await;
    assert_eq!(bodies(&given), ["b"]);

    assert_eq!(send("a", "g", "1").await.unwrap().message_id(), first.message_id(), "what was deleted is known");
    sqs.clock().advance(Duration::from_secs(301));
    assert_ne!(send("a", "g", "1").await.unwrap().message_id(), first.message_id(), "for five minutes");
    let late = client.delete_message().queue_url(&queue).receipt_handle(given[0].receipt_handle().unwrap()).send();
    assert_eq!(code(late.await), "InvalidParameterValue", "its time is over");

    let standard = sqs.create(OWN, "plain");
    let call = client.send_message().queue_url(&standard).message_body("a").message_group_id("g");
    call.clone().send().await.unwrap();
    assert_eq!(code(call.message_deduplication_id("1").send().await), "InvalidParameterValue");
}

#[tokio::test]
async fn what_is_given_too_often_is_thrown_to_the_dead_letter_queue() {
    let (sqs, client, queue) = standard().await;
    let thrown = sqs.create(OWN, "thrown");
    let policy = r#"{"maxReceiveCount":2,"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:123456789012:thrown"}"#;
    sqs.set_attribute(&queue, "RedrivePolicy", policy);
    sqs.put_many(&queue, vec![put("a", None)]);
    for given in [1, 1, 0] {
        assert_eq!(receive(&client, &queue).await.len(), given);
        sqs.clock().advance(Duration::from_secs(31));
    }
    assert_eq!(bodies(&receive(&client, &thrown).await), ["a"]);
}

fn policy(role: &str, effect: &str, action: &str, queue: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"s","Effect":"{effect}","Principal":{{"AWS":"{role}"}},"Action":"{action}","Resource":"{queue}"}}]}}"#
    )
}

#[tokio::test]
async fn the_queues_policy_says_who_may_do_what() {
    let (sqs, client, queue) = standard().await;
    let send = |client: &Client, queue: &str| client.send_message().queue_url(queue).message_body("a").send();
    send(&client, &queue).await.unwrap();
    let arn = "arn:aws:sqs:eu-central-1:123456789012:orders";
    sqs.set_attribute(&queue, "Policy", &policy(ROLE, "Deny", "sqs:SendMessage", arn));
    assert!(code(send(&client, &queue).await).starts_with("AccessDenied"));

    let foreign = sqs.create("998877665544", "theirs");
    let arn = "arn:aws:sqs:eu-central-1:998877665544:theirs";
    assert!(code(send(&client, &foreign).await).starts_with("AccessDenied"), "nobody has let it in");
    sqs.set_attribute(&foreign, "Policy", &policy(ROLE, "Allow", "sqs:SendMessage", arn));
    send(&client, &foreign).await.unwrap();
    let batch = client.send_message_batch().queue_url(&foreign).entries(entry("a", "b")).send();
    assert_eq!(batch.await.unwrap().successful().len(), 1, "a batch has no action of its own");
    let received = client.receive_message().queue_url(&foreign).send();
    assert!(code(received.await).starts_with("AccessDenied"));
    let other = under(&sqs, "arn:aws:iam::123456789012:role/other").await;
    assert!(code(send(&other, &foreign).await).starts_with("AccessDenied"));

    let [id, secret] = Sqs::key();
    let worker = client!(aws_sdk_sqs, sqs, Credentials::new(id, secret, None, None, "worker"));
    assert!(code(send(&worker, &foreign).await).starts_with("AccessDenied"), "the worker itself may nothing");
    let nobody = client!(aws_sdk_sqs, sqs, Credentials::new("AKIAX", "x", None, None, "nobody"));
    assert_eq!(code(send(&nobody, &foreign).await), "UnrecognizedClientException");

    sqs.deny(Some("role/bridge"));
    assert!(code(send(&client, &foreign).await).starts_with("AccessDenied"));
    sqs.mend();
    send(&client, &foreign).await.unwrap();
    sqs.clock().advance(Duration::from_hours(1));
    assert!(code(send(&client, &foreign).await).starts_with("ExpiredToken"));
    assert_eq!(sqs.external_ids(ROLE), [Some("x".to_owned())]);
}

#[tokio::test]
async fn a_queue_says_what_it_is_and_one_that_is_not_there_says_so() {
    let (sqs, client, queue) = standard().await;
    let call = client.get_queue_attributes().queue_url(&queue).attribute_names(QueueAttributeName::All).send();
    let all = call.await.unwrap().attributes.unwrap();
    assert_eq!(all[&QueueAttributeName::QueueArn], "arn:aws:sqs:eu-central-1:123456789012:orders");
    assert_eq!(all[&QueueAttributeName::MaximumMessageSize], "1048576");
    sqs.delete_queue(&queue);
    let gone = client.get_queue_attributes().queue_url(&queue).attribute_names(QueueAttributeName::All).send().await;
    assert!(code(gone).ends_with("NonExistentQueue"));
}

#[tokio::test]
async fn calls_fail_are_lost_and_are_held_as_a_test_wants() {
    let (sqs, client, queue) = standard().await;
    let send = || client.send_message().queue_url(&queue).message_body("a").send();
    for (fault, wanted) in [
        (Fault::Throttle, "RequestThrottled"),
        (Fault::Internal, "InternalFailure"),
        (Fault::Unavailable, "ServiceUnavailable"),
        (Fault::Refuse { code: "KmsAccessDenied", status: 400 }, "KmsAccessDenied"),
    ] {
        sqs.fault(move |_| fault.clone());
        assert!(code(send().await).ends_with(wanted), "{wanted}");
    }
    sqs.fault(|_| Fault::Redirect);
    assert!(send().await.is_err());
    sqs.fault(|_| Fault::CutBefore);
    assert!(send().await.is_err());
    assert_eq!(sqs.left(&queue).visible, 0, "none of them was carried out");
    sqs.fault(|_| Fault::LoseReply);
    assert!(send().await.unwrap_err().as_service_error().is_none());
    assert_eq!(sqs.left(&queue).visible, 1, "it was, and the answer is lost");
    sqs.fault(|_| Fault::Wait(Duration::from_millis(200)));
    let began = Instant::now();
    send().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(200));
    sqs.mend();

    for (when, there) in [(When::Asked, 2), (When::Done, 4)] {
        let mut hold = sqs.hold(Moment { action: "SendMessage", when });
        let call = tokio::spawn(send());
        hold.reached().await;
        assert_eq!(sqs.left(&queue).visible, there, "{when:?}");
        assert!(!call.is_finished());
        let others = client.get_queue_attributes().queue_url(&queue).attribute_names(QueueAttributeName::All).send();
        timeout(MOMENT, others).await.unwrap().unwrap();
        hold.release();
        call.await.unwrap().unwrap();
    }
    let delete = DeleteMessageBatchRequestEntry::builder().id("0").receipt_handle("garbage").build().unwrap();
    let answer = client.delete_message_batch().queue_url(&queue).entries(delete).send().await.unwrap();
    assert_eq!(answer.failed()[0].code(), "ReceiptHandleIsInvalid");
}
