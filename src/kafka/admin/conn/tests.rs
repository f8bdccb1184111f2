use tokio::net::TcpListener;

use super::*;
use crate::kafka::admin::msg::{ApiVersionsReply, DescribeCluster};

/// The header is one an independent codec (the crate `kafka-protocol` 0.18) wrote.
#[test]
fn a_request_is_a_length_a_header_and_a_body() {
    let frame = encode(&DescribeCluster { include_cluster_authorized_operations: true }, 7, "me");
    let header = [0, 0x3c, 0, 0, 0, 0, 0, 7, 0, 2, b'm', b'e', 0];
    assert_eq!(frame, [&[0, 0, 0, 15][..], &header, &[1, 0]].concat());
    // Before KIP-482 there were no tags behind the client's name.
    let frame = encode(&SaslHandshake { mechanism: OldString("PLAIN".into()) }, 7, "me");
    assert_eq!(frame[4..], [&[0, 17, 0, 1, 0, 0, 0, 7, 0, 2, b'm', b'e'][..], b"\0\x05PLAIN"].concat());
}

#[test]
fn an_address_is_a_host_and_a_port() {
    for (address, host) in [("kafka:9092", "kafka"), ("10.0.0.1:1", "10.0.0.1"), ("[::1]:9092", "::1")] {
        assert_eq!(host_of(address).unwrap(), host);
    }
    for address in ["kafka", "kafka:", ":9092", "kafka:99999", "http://kafka", ""] {
        assert!(matches!(host_of(address), Err(Error::Settings(_))), "{address}");
    }
}

/// Answers so many requests, each of which asks for the versions, and then keeps the connection and does nothing.
async fn broker_that_hangs_after(answers: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        for _ in 0..answers {
            let mut request = vec![0; usize::try_from(stream.read_i32().await?).unwrap()];
            stream.read_exact(&mut request).await?;
            let mut answer = request[4..8].to_vec();
            ApiVersionsReply::default().write(&mut answer);
            stream.write_i32(i32::try_from(answer.len()).unwrap()).await?;
            stream.write_all(&answer).await?;
        }
        stream.read_to_end(&mut Vec::new()).await
    });
    address
}

#[tokio::test]
async fn a_connection_that_was_idle_is_asked_whether_its_broker_answers() {
    let address = broker_that_hangs_after(2).await;
    let settings = Settings::new(vec![address.clone()]);
    let mut conn = Conn::open(&address, &settings).await.unwrap();
    let idle = |conn: &mut Conn| conn.last_used -= 2 * FRESH;
    idle(&mut conn);
    assert!(conn.answers().await);
    idle(&mut conn);
    assert!(!conn.answers().await, "it hangs");
    conn.last_used = Instant::now();
    assert!(conn.answers().await, "that was just seen");
    idle(&mut conn);
    conn.paused_until = Some(Instant::now() + PATIENCE);
    assert!(conn.answers().await, "it wants to be left alone");
}
