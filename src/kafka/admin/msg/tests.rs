//! The golden bytes were made by an independent codec (the crate `kafka-protocol` 0.18).

use proptest::prelude::*;

use super::*;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn body(request: &impl Api) -> String {
    let mut out = Vec::new();
    request.write(&mut out);
    hex(&out)
}

/// Reads a reply to its end; writing it again must give the same bytes when it has no tags.
fn reply<T: Wire>(golden: &str) -> T {
    let bytes = unhex(golden);
    let mut from = Reader::new(&bytes);
    let reply = T::read(&mut from).unwrap();
    from.finish().unwrap();
    reply
}

fn t() -> String {
    "t".into()
}

const ID: Uuid = Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);

#[test]
fn requests_of_the_login_are_written_as_an_independent_codec_writes_them() {
    let versions = ApiVersions { client_software_name: "ebm".into(), client_software_version: "0.1.0".into() };
    assert_eq!(body(&versions), "0465626d06302e312e3000");
    assert_eq!(body(&SaslHandshake { mechanism: OldString("PLAIN".into()) }), "0005504c41494e");
    assert_eq!(body(&SaslAuthenticate { auth_bytes: Hidden(b"abc".to_vec()) }), "0461626300");
}

#[test]
fn requests_about_topics_are_written_as_an_independent_codec_writes_them() {
    assert_eq!(body(&DescribeCluster { include_cluster_authorized_operations: true }), "0100");
    let named = MetadataTopic { topic_id: Uuid::nil(), name: Some(t()) };
    let metadata =
        |topics| Metadata { topics, allow_auto_topic_creation: false, include_topic_authorized_operations: false };
    assert_eq!(body(&metadata(Some(vec![named]))), "0200000000000000000000000000000000027400000000");
    assert_eq!(body(&metadata(None)), "00000000");
    let topic = CreatableTopic {
        name: t(),
        num_partitions: 3,
        replication_factor: 2,
        assignments: vec![],
        configs: vec![TopicConfig { name: "k".into(), value: Some("v".into()) }],
    };
    let create = CreateTopics { topics: vec![topic], timeout_ms: 1000, validate_only: true };
    assert_eq!(body(&create), "0202740000000300020102026b02760000000003e80100");
    let delete =
        DeleteTopics { topics: vec![DeletableTopic { name: Some(t()), topic_id: Uuid::nil() }], timeout_ms: 1000 };
    assert_eq!(body(&delete), "0202740000000000000000000000000000000000000003e800");
    let raise = PartitionsTopic { name: t(), count: 5, assignments: None };
    let raise = CreatePartitions { topics: vec![raise], timeout_ms: 1000, validate_only: false };
    assert_eq!(body(&raise), "020274000000050000000003e80000");
    let config = AlterConfig { name: "k".into(), config_operation: 1, value: None };
    let resource = AlterResource { resource_type: 2, resource_name: t(), configs: vec![config] };
    let alter = IncrementalAlterConfigs { resources: vec![resource], validate_only: false };
    assert_eq!(body(&alter), "0202027402026b010000000000");
    let resource = ConfigResource { resource_type: 2, resource_name: t(), configuration_keys: Some(vec!["k".into()]) };
    let describe = DescribeConfigs { resources: vec![resource], include_synonyms: false, include_documentation: false };
    assert_eq!(body(&describe), "0202027402026b00000000");
}

#[test]
fn requests_about_rights_are_written_as_an_independent_codec_writes_them() {
    let row = AclRow {
        resource_type: 2,
        resource_name: t(),
        pattern_type: 4,
        principal: "User:u".into(),
        host: "*".into(),
        operation: 3,
        permission_type: 3,
    };
    assert_eq!(body(&CreateAcls { creations: vec![row] }), "020202740407557365723a75022a03030000");
    let of_user = DescribeAcls {
        resource_type: 1,
        resource_name: None,
        pattern_type: 1,
        principal: Some("User:u".into()),
        host: None,
        operation: 1,
        permission_type: 1,
    };
    assert_eq!(body(&of_user), "01000107557365723a7500010100");
    let exact = DescribeAcls {
        resource_type: 2,
        resource_name: Some(t()),
        pattern_type: 4,
        host: Some("*".into()),
        operation: 3,
        permission_type: 3,
        ..of_user
    };
    assert_eq!(body(&DeleteAcls { filters: vec![exact] }), "020202740407557365723a75022a03030000");
    assert_eq!(body(&DescribeUserScram { users: vec![ScramUserName { name: "u".into() }] }), "0202750000");
    let upsertion = ScramUpsertion {
        name: "u".into(),
        mechanism: 2,
        iterations: 4096,
        salt: b"salt".to_vec(),
        salted_password: Hidden(b"hash".to_vec()),
    };
    let alter = AlterUserScram {
        deletions: vec![ScramDeletion { name: "d".into(), mechanism: 1 }],
        upsertions: vec![upsertion],
    };
    assert_eq!(body(&alter), "020264010002027502000010000573616c7405686173680000");
}

/// Written by hand from the protocol guide.
#[test]
fn a_request_about_quotas_is_written_as_the_guide_has_it() {
    let user = QuotaEntity { entity_type: "user".into(), entity_name: Some("u".into()) };
    let op = QuotaOp { key: "k".into(), value: 1.5, remove: true };
    let entries = vec![QuotaEntry { entity: vec![user], ops: vec![op] }];
    let golden =
        ["02", "02", "0575736572", "0275", "00", "02", "026b", "3ff8000000000000", "01", "00", "00", "00", "00"];
    assert_eq!(body(&AlterClientQuotas { entries, validate_only: false }), golden.concat());
}

#[test]
fn requests_about_offsets_and_groups_are_written_as_an_independent_codec_writes_them() {
    let partition = OffsetsPartition { partition_index: 1, current_leader_epoch: -1, timestamp: -2 };
    let topics = vec![OffsetsTopic { name: t(), partitions: vec![partition] }];
    let offsets = ListOffsets { replica_id: -1, isolation_level: 1, topics };
    assert_eq!(body(&offsets), "ffffffff010202740200000001fffffffffffffffffffffffe000000");
    let g = || "g".to_owned();
    assert_eq!(body(&FindCoordinator { key_type: 0, coordinator_keys: vec![g()] }), "0002026700");
    let fetch = OffsetFetch { groups: vec![OffsetFetchGroup { group_id: g(), topics: None }], require_stable: false };
    assert_eq!(body(&fetch), "02026700000000");
    assert_eq!(body(&ListGroups { states_filter: vec![], types_filter: vec![] }), "010100");
    let classic = DescribeGroups { groups: vec![g()], include_authorized_operations: false };
    assert_eq!(body(&classic), "0202670000");
    let new = ConsumerGroupDescribe { group_ids: vec![g()], include_authorized_operations: false };
    assert_eq!(body(&new), "0202670000");
    assert_eq!(body(&DeleteGroups { groups_names: vec![g()] }), "02026700");
}

#[test]
fn replies_about_the_cluster_are_read_as_an_independent_codec_wrote_them() {
    let versions: ApiVersionsReply = reply(concat!(
        "000002001200000004000000000003001702116d657461646174612e76657273696f6e",
        "0001001e0001080000000000000009030101"
    ));
    assert_eq!(versions.api_keys, [ApiRange { api_key: 18, min_version: 0, max_version: 4 }]);
    let feature = SupportedFeature { name: "metadata.version".into(), min_version: 1, max_version: 30 };
    assert_eq!(versions.supported_features, [feature]);

    let cluster: DescribeClusterReply = reply("0000000500000002630000000102000000010268000023840272000000010800");
    assert_eq!((cluster.throttle_time_ms, cluster.cluster_id.as_str()), (5, "c"));
    assert_eq!(cluster.cluster_authorized_operations, 264);
    let broker = ClusterBroker { broker_id: 1, host: "h".into(), port: 9092, rack: Some("r".into()) };
    assert_eq!(cluster.brokers, [broker]);

    let metadata: MetadataReply = reply(concat!(
        "0000000001026300000001020000027400112233445566778899aabbccddeeff",
        "0002000000000002000000010000000403000000010000000302000000010100800000000000"
    ));
    let topic = &metadata.topics[0];
    assert_eq!((topic.name.as_deref(), topic.topic_id, topic.error_code), (Some("t"), ID, Code::NONE));
    let partition = MetadataPartition {
        error_code: Code::NONE,
        partition_index: 2,
        leader_id: 1,
        leader_epoch: 4,
        replica_nodes: vec![1, 3],
        isr_nodes: vec![1],
        offline_replicas: vec![],
    };
    assert_eq!(topic.partitions, [partition]);
}

#[test]
fn replies_about_rights_are_read_as_an_independent_codec_wrote_them() {
    let handshake: SaslHandshakeReply = reply("0021000000010005504c41494e");
    assert_eq!(handshake.error_code, Code::UNSUPPORTED_SASL_MECHANISM);
    assert_eq!(handshake.mechanisms, OldList(vec![OldString("PLAIN".into())]));
    let login: SaslAuthenticateReply = reply("00000103763d000000000000ea6000");
    assert_eq!((login.auth_bytes.0.as_slice(), login.session_lifetime_ms), (b"v=".as_slice(), 60_000));

    let acls: DescribeAclsReply = reply("000000000000010207026e030207557365723a75022a4d02000000");
    let acl = AclOfResource { principal: "User:u".into(), host: "*".into(), operation: 77, permission_type: 2 };
    let resource = AclResource { resource_type: 7, resource_name: "n".into(), pattern_type: 3, acls: vec![acl] };
    assert_eq!(acls.resources, [resource]);
    let deleted: DeleteAclsReply = reply("0000000002000001020000010202740407557365723a75022a0303000000");
    assert_eq!(deleted.filter_results[0].matching_acls[0].resource_name, "t");

    let users: DescribeUserScramReply = reply("00000000000001020275000001020200001000000000");
    let credential = ScramCredential { mechanism: 2, iterations: 4096 };
    assert_eq!(users.error_message.as_deref(), Some(""));
    assert_eq!(users.results[0].credential_infos, [credential]);
}

#[test]
fn replies_about_groups_are_read_as_an_independent_codec_wrote_them() {
    let groups: ConsumerGroupDescribeReply = reply(concat!(
        "0000000002000000026707537461626c65000000030000000308756e69666f726d02026d0269000000000302630b2f3132372e30",
        "2e302e31020274000200112233445566778899aabbccddeeff02740300000000000000010000010000800000000000"
    ));
    let member = &groups.groups[0].members[0];
    let assigned = AssignedTopic { topic_id: ID, topic_name: t(), partitions: vec![0, 1] };
    assert_eq!(member.assignment.topic_partitions, [assigned]);
    assert_eq!(member.instance_id.as_deref(), Some("i"));
    let offsets: OffsetFetchReply = reply("000000000202670202740200000001000000000000002affffffff010000000000000000");
    assert_eq!(offsets.groups[0].topics[0].partitions[0].committed_offset, 42);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        decode_as_everything(&bytes);
    }

    /// Small counts and zeros get further into a message than noise does.
    #[test]
    fn no_small_numbers_make_a_reader_panic(bytes in prop::collection::vec(0_u8..4, 0..400)) {
        decode_as_everything(&bytes);
    }
}
