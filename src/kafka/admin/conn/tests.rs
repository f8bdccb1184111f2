use super::*;
use crate::kafka::admin::msg::DescribeCluster;

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
