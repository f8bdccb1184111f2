//! Rules that only a caller meets who mixes things up, or whose queue is set up oddly.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    types::{Message, MessageAttributeValue, MessageSystemAttributeName},
};

use super::{OWN, ROLE, Sqs, bodies, code, fifo, policy, put, receive, standard, sts, with};

async fn hide(client: &Client, queue: &str, message: &Message, seconds: i32) {
    let call = client.change_message_visibility().queue_url(queue).visibility_timeout(seconds);
    call.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
}

#[tokio::test]
async fn a_receipt_is_of_one_queue() {
    let (sqs, client, queue) = standard().await;
    let other = sqs.create(OWN, "others");
    for queue in [&queue, &other] {
        sqs.put_many(queue, vec![put("a", None)]);
    }
    let message = receive(&client, &queue).await.remove(0);
    receive(&client, &other).await;
    let delete =
        |queue: &str| client.delete_message().queue_url(queue).receipt_handle(message.receipt_handle().unwrap()).send();
    assert_eq!(code(delete(&other).await), "ReceiptHandleIsInvalid");
    assert_eq!(sqs.left(&other).in_flight, 1);
    sqs.delete_queue(&queue);
    sqs.create(OWN, "orders");
    sqs.put_many(&queue, vec![put("a", None)]);
    receive(&client, &queue).await;
    assert_eq!(code(delete(&queue).await), "ReceiptHandleIsInvalid", "it was of the queue before");
    assert_eq!(sqs.left(&queue).in_flight, 1);
}

#[tokio::test]
async fn a_group_waits_for_all_of_it_that_is_under_way() {
    let (sqs, client, queue) = fifo().await;
    sqs.put_many(&queue, ["a", "b", "c"].map(|body| put(body, Some("g"))).into());
    let call = client.receive_message().queue_url(&queue).max_number_of_messages(2);
    let given = call.send().await.unwrap().messages.unwrap();
    assert_eq!(bodies(&given), ["a", "b"], "several of a group may come together");
    hide(&client, &queue, &given[0], 0).await;
    assert!(receive(&client, &queue).await.is_empty(), "b is under way yet");
    hide(&client, &queue, &given[1], 0).await;
    assert_eq!(bodies(&receive(&client, &queue).await), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_message_that_is_thrown_out_stays_itself_and_needs_a_place_to_go() {
    let (sqs, client, queue) = standard().await;
    let policy = r#"{"maxReceiveCount":"1","deadLetterTargetArn":"arn:aws:sqs:eu-central-1:123456789012:thrown"}"#;
    sqs.set_attribute(&queue, "RedrivePolicy", policy);
    sqs.put_many(&queue, vec![put("a", None)]);
    let message = receive(&client, &queue).await.remove(0);
    hide(&client, &queue, &message, 0).await;
    let again = receive(&client, &queue).await.remove(0);
    hide(&client, &queue, &again, 0).await;

    let thrown = sqs.create(OWN, "thrown");
    assert!(receive(&client, &queue).await.is_empty());
    let there = receive(&client, &thrown).await.remove(0);
    assert_eq!(there.message_id(), message.message_id());
    assert_eq!(there.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount], "3");
}

#[tokio::test]
async fn what_nobody_can_say_is_not_asked_for() {
    let (sqs, client, queue) = standard().await;
    sqs.put_many(&queue, vec![put("a", None)]);
    let call = client.get_queue_attributes().queue_url(&queue).attribute_names("Nonsense".into());
    assert_eq!(code(call.send().await), "InvalidAttributeName");
    let call = client.receive_message().queue_url(&queue).message_system_attribute_names("Nonsense".into());
    assert_eq!(code(call.send().await), "InvalidAttributeName");
    assert_eq!(sqs.left(&queue).visible, 1, "nothing was given");
}

#[tokio::test]
async fn a_number_is_a_number_and_a_type_is_not_too_long() {
    let (_sqs, client, queue) = standard().await;
    let send = async |data_type: &str, value: &str| {
        let attribute = MessageAttributeValue::builder().data_type(data_type).string_value(value).build().unwrap();
        client.send_message().queue_url(&queue).message_body("a").message_attributes("n", attribute).send().await
    };
    for good in ["0", "-1.50", "1e10", "99999999999999999999999999999999999999"] {
        send("Number", good).await.unwrap();
    }
    for bad in ["inf", "NaN", "one", "1 ", "0x1", "999999999999999999999999999999999999999"] {
        assert_eq!(code(send("Number", bad).await), "InvalidParameterValue", "{bad:?}");
    }
    send("String.label", "a").await.unwrap();
    let long = format!("String.{}", "x".repeat(250));
    for bad in ["Text", "string", &long] {
        assert_eq!(code(send(bad, "a").await), "InvalidParameterValue", "{bad:?}");
    }
}

#[tokio::test]
async fn where_content_decides_the_same_content_is_taken_once() {
    let (sqs, client, queue) = fifo().await;
    sqs.set_attribute(&queue, "ContentBasedDeduplication", "true");
    for _ in 0..2 {
        client.send_message().queue_url(&queue).message_body("a").message_group_id("g").send().await.unwrap();
    }
    assert_eq!(sqs.deduplicated(&queue), 1);
    let message = receive(&client, &queue).await.remove(0);
    // SHA-256 of the body.
    assert_eq!(
        message.attributes().unwrap()[&MessageSystemAttributeName::MessageDeduplicationId],
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    );
}

#[tokio::test]
async fn a_session_is_as_it_was_asked_for_and_shows_its_token() {
    let (sqs, client, queue) = standard().await;
    let assume = |role: &str, name: &str, seconds: i32| {
        sts(&sqs, Sqs::key()).assume_role().role_arn(role).role_session_name(name).duration_seconds(seconds).send()
    };
    assert_eq!(code(assume(ROLE, "a b", 900).await), "ValidationError");
    assert_eq!(code(assume(ROLE, "test", 899).await), "ValidationError");
    assert_eq!(code(assume("arn:aws:iam::123456789012:user/x", "test", 900).await), "AccessDenied");
    let refused = sts(&sqs, ["AKIAX", "x"]).assume_role().role_arn(ROLE).role_session_name("test").send().await;
    assert_eq!(code(refused), "InvalidClientTokenId");

    let given = assume(ROLE, "test", 900).await.unwrap().credentials.unwrap();
    let short = with(&sqs, given.access_key_id(), given.session_token());
    let send = async |client: &Client| client.send_message().queue_url(&queue).message_body("a").send().await;
    send(&short).await.unwrap();
    assert_eq!(code(send(&with(&sqs, given.access_key_id(), "another")).await), "InvalidClientTokenId");
    sqs.clock().advance(Duration::from_mins(15));
    assert_eq!(code(send(&short).await), "ExpiredToken");
    send(&client).await.unwrap();
}

#[tokio::test]
async fn an_empty_value_takes_an_attribute_away() {
    let (sqs, client, queue) = standard().await;
    let arn = "arn:aws:sqs:eu-central-1:123456789012:orders";
    sqs.set_attribute(&queue, "Policy", &policy(ROLE, "Deny", "sqs:SendMessage", arn));
    let send = async || client.send_message().queue_url(&queue).message_body("a").send().await;
    assert!(code(send().await).starts_with("AccessDenied"));
    sqs.set_attribute(&queue, "Policy", "");
    send().await.unwrap();
}
