//! Access that is taken from who is at work (C8): of the ACLs both a producer and a consumer hear at once, of the user alone
//! neither does.

use std::time::{Duration, Instant};

use ebm::kafka::admin::Mechanism;
use rdkafka::{
    ClientConfig,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use sqlx::PgPool;
use tokio::time::timeout;

use super::{OPERATOR, SOON, World, converge, producer, send, shared_broker, until, world};

/// Within this both are refused.
const LIMIT: Duration = Duration::from_secs(5);

fn consumer(world: &World, login: &(String, String), topic: &str) -> StreamConsumer {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", shared_broker())
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", &login.0)
        .set("sasl.password", &login.1)
        .set("group.id", format!("{}.test.live", world.app("mail")))
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    consumer
}

/// Waits until a consumer is told that it may not.
async fn refusal(consumer: &StreamConsumer) -> RDKafkaErrorCode {
    loop {
        let code = consumer.recv().await.err().and_then(|error| error.rdkafka_error_code());
        if let Some(code @ (RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed)) =
            code
        {
            return code;
        }
    }
}

#[sqlx::test]
async fn c8_acls_end_a_live_producer_and_consumer_and_a_removed_user_does_not(pool: PgPool) {
    world(pool, async |world| {
        let [shop, mail] = world.landscape().await;
        let mut reconciler = world.reconciler();
        converge(&mut reconciler).await;
        let topic = world.topic().await;
        let (writes, reads) = (producer(&shop), consumer(world, &mail, &topic));
        send(&writes, &topic).await.unwrap();
        timeout(SOON, reads.recv()).await.unwrap().unwrap();

        // Only their users are gone: they go on as if nothing had happened.
        let users = [&shop, &mail].map(|(user, _)| (user.clone(), Mechanism::Sha512));
        world.root.delete_scram_users(&users).await.unwrap();
        until("the users are gone", async || !world.has_user(&shop.0).await && !world.has_user(&mail.0).await).await;
        send(&writes, &topic).await.unwrap();
        timeout(SOON, reads.recv()).await.unwrap().unwrap();

        let began = Instant::now();
        for app in ["shop", "mail"] {
            world.manager.set_app_broker(&OPERATOR, &world.app(app), false).await.unwrap();
        }
        reconciler.pass().await.unwrap();
        let error = send(&writes, &topic).await.unwrap_err();
        assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::TopicAuthorizationFailed));
        let of_producer = began.elapsed();
        let code = timeout(SOON, refusal(&reads)).await.expect("the consumer is refused");
        let of_consumer = began.elapsed();
        println!(
            "access taken: the producer is refused after {of_producer:?}, the consumer after {of_consumer:?} by {code}"
        );
        assert!(of_producer < LIMIT && of_consumer < LIMIT);
    })
    .await;
}
