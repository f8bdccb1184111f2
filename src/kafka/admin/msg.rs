//! The messages of administration, each in one pinned version that every Kafka 4.x serves.
//!
//! The layouts are those of the Kafka protocol guide; the names are its names in snake case. Numbers with a
//! meaning (resource types, operations) stay numbers here, so that one this client does not know survives.

use uuid::Uuid;

use super::{
    code::Code,
    wire::{Hidden, Malformed, OldList, OldString, Reader, Wire, put_varint, wire_structs},
};

/// A request, and what answers it.
pub(crate) trait Api: Wire {
    const KEY: i16;
    const VERSION: i16;
    const NAME: &'static str;
    /// Whether header and body follow KIP-482.
    const FLEXIBLE: bool = true;
    /// Whether the response's header does; `ApiVersions` always answers with the oldest one (KIP-511).
    const FLEXIBLE_REPLY_HEADER: bool = Self::FLEXIBLE;
    /// Whether the response opens with `throttle_time_ms`.
    const THROTTLED: bool = true;
    /// The largest response that is read, in bytes.
    const REPLY_LIMIT: usize = 16 << 20;
    type Response: Wire;
}

macro_rules! apis {
    ($( $key:literal $name:literal v $version:literal: $request:ty => $response:ty $({ $($extra:tt)* })?; )*) => {
        $(
            impl Api for $request {
                const KEY: i16 = $key;
                const VERSION: i16 = $version;
                const NAME: &'static str = $name;
                $($($extra)*)?
                type Response = $response;
            }
        )*

        /// Decodes bytes as every response there is, for tests with hostile input.
        #[cfg(test)]
        pub(crate) fn decode_as_everything(bytes: &[u8]) -> usize {
            let mut decoded = 0;
            $({
                let mut from = Reader::new(bytes);
                decoded += usize::from(<$response>::read(&mut from).is_ok());
            })*
            decoded
        }
    };
}

apis! {
    2 "ListOffsets" v 7: ListOffsets => ListOffsetsReply;
    3 "Metadata" v 12: Metadata => MetadataReply { const REPLY_LIMIT: usize = 64 << 20; };
    9 "OffsetFetch" v 8: OffsetFetch => OffsetFetchReply;
    10 "FindCoordinator" v 4: FindCoordinator => FindCoordinatorReply;
    13 "LeaveGroup" v 4: LeaveGroup => LeaveGroupReply;
    15 "DescribeGroups" v 5: DescribeGroups => DescribeGroupsReply;
    16 "ListGroups" v 5: ListGroups => ListGroupsReply;
    17 "SaslHandshake" v 1: SaslHandshake => SaslHandshakeReply
        { const FLEXIBLE: bool = false; const THROTTLED: bool = false; const REPLY_LIMIT: usize = 1 << 20; };
    18 "ApiVersions" v 3: ApiVersions => ApiVersionsReply
        { const FLEXIBLE_REPLY_HEADER: bool = false; const THROTTLED: bool = false; const REPLY_LIMIT: usize = 1 << 20; };
    19 "CreateTopics" v 7: CreateTopics => CreateTopicsReply;
    20 "DeleteTopics" v 6: DeleteTopics => DeleteTopicsReply;
    29 "DescribeAcls" v 3: DescribeAcls => DescribeAclsReply { const REPLY_LIMIT: usize = 64 << 20; };
    30 "CreateAcls" v 3: CreateAcls => CreateAclsReply;
    31 "DeleteAcls" v 3: DeleteAcls => DeleteAclsReply { const REPLY_LIMIT: usize = 64 << 20; };
    32 "DescribeConfigs" v 4: DescribeConfigs => DescribeConfigsReply;
    36 "SaslAuthenticate" v 2: SaslAuthenticate => SaslAuthenticateReply
        { const THROTTLED: bool = false; const REPLY_LIMIT: usize = 1 << 20; };
    37 "CreatePartitions" v 3: CreatePartitions => CreatePartitionsReply;
    42 "DeleteGroups" v 2: DeleteGroups => DeleteGroupsReply;
    44 "IncrementalAlterConfigs" v 1: IncrementalAlterConfigs => IncrementalAlterConfigsReply;
    49 "AlterClientQuotas" v 1: AlterClientQuotas => AlterClientQuotasReply;
    50 "DescribeUserScramCredentials" v 0: DescribeUserScram => DescribeUserScramReply;
    51 "AlterUserScramCredentials" v 0: AlterUserScram => AlterUserScramReply;
    60 "DescribeCluster" v 0: DescribeCluster => DescribeClusterReply;
    65 "DescribeTransactions" v 0: DescribeTransactions => DescribeTransactionsReply;
    69 "ConsumerGroupDescribe" v 0: ConsumerGroupDescribe => ConsumerGroupDescribeReply;
}

wire_structs! {
    ApiVersions { client_software_name: String, client_software_version: String }
    ApiRange { api_key: i16, min_version: i16, max_version: i16 }
    SupportedFeature { name: String, min_version: i16, max_version: i16 }

    SaslAuthenticate { auth_bytes: Hidden }
    SaslAuthenticateReply { error_code: Code, error_message: Option<String>, auth_bytes: Hidden, session_lifetime_ms: i64 }

    DescribeCluster { include_cluster_authorized_operations: bool }
    DescribeClusterReply {
        throttle_time_ms: i32, error_code: Code, error_message: Option<String>, cluster_id: String, controller_id: i32,
        brokers: Vec<ClusterBroker>, cluster_authorized_operations: i32,
    }
    ClusterBroker { broker_id: i32, host: String, port: i32, rack: Option<String> }

    Metadata { topics: Option<Vec<MetadataTopic>>, allow_auto_topic_creation: bool, include_topic_authorized_operations: bool }
    MetadataTopic { topic_id: Uuid, name: Option<String> }
    MetadataReply {
        throttle_time_ms: i32, brokers: Vec<ClusterBroker>, cluster_id: Option<String>, controller_id: i32,
        topics: Vec<MetadataReplyTopic>,
    }
    MetadataReplyTopic {
        error_code: Code, name: Option<String>, topic_id: Uuid, is_internal: bool, partitions: Vec<MetadataPartition>,
        topic_authorized_operations: i32,
    }
    MetadataPartition {
        error_code: Code, partition_index: i32, leader_id: i32, leader_epoch: i32, replica_nodes: Vec<i32>,
        isr_nodes: Vec<i32>, offline_replicas: Vec<i32>,
    }

    CreateTopics { topics: Vec<CreatableTopic>, timeout_ms: i32, validate_only: bool }
    CreatableTopic {
        name: String, num_partitions: i32, replication_factor: i16, assignments: Vec<ReplicaAssignment>,
        configs: Vec<TopicConfig>,
    }
    ReplicaAssignment { partition_index: i32, broker_ids: Vec<i32> }
    TopicConfig { name: String, value: Option<String> }
    CreateTopicsReply { throttle_time_ms: i32, topics: Vec<CreatedTopic> }
    CreatedTopic {
        name: String, topic_id: Uuid, error_code: Code, error_message: Option<String>, num_partitions: i32,
        replication_factor: i16, configs: Option<Vec<CreatedConfig>>,
    }
    CreatedConfig { name: String, value: Option<String>, read_only: bool, config_source: i8, is_sensitive: bool }

    DeleteTopics { topics: Vec<DeletableTopic>, timeout_ms: i32 }
    DeletableTopic { name: Option<String>, topic_id: Uuid }
    DeleteTopicsReply { throttle_time_ms: i32, responses: Vec<DeletedTopic> }
    DeletedTopic { name: Option<String>, topic_id: Uuid, error_code: Code, error_message: Option<String> }

    CreatePartitions { topics: Vec<PartitionsTopic>, timeout_ms: i32, validate_only: bool }
    PartitionsTopic { name: String, count: i32, assignments: Option<Vec<PartitionsAssignment>> }
    PartitionsAssignment { broker_ids: Vec<i32> }
    CreatePartitionsReply { throttle_time_ms: i32, results: Vec<NamedResult> }
    NamedResult { name: String, error_code: Code, error_message: Option<String> }

    IncrementalAlterConfigs { resources: Vec<AlterResource>, validate_only: bool }
    AlterResource { resource_type: i8, resource_name: String, configs: Vec<AlterConfig> }
    AlterConfig { name: String, config_operation: i8, value: Option<String> }
    IncrementalAlterConfigsReply { throttle_time_ms: i32, responses: Vec<AlteredResource> }
    AlteredResource { error_code: Code, error_message: Option<String>, resource_type: i8, resource_name: String }

    DescribeConfigs { resources: Vec<ConfigResource>, include_synonyms: bool, include_documentation: bool }
    ConfigResource { resource_type: i8, resource_name: String, configuration_keys: Option<Vec<String>> }
    DescribeConfigsReply { throttle_time_ms: i32, results: Vec<ConfigResult> }
    ConfigResult {
        error_code: Code, error_message: Option<String>, resource_type: i8, resource_name: String,
        configs: Vec<ConfigEntry>,
    }
    ConfigEntry {
        name: String, value: Option<String>, read_only: bool, config_source: i8, is_sensitive: bool,
        synonyms: Vec<ConfigSynonym>, config_type: i8, documentation: Option<String>,
    }
    ConfigSynonym { name: String, value: Option<String>, source: i8 }

    CreateAcls { creations: Vec<AclRow> }
    /// One ACL, with the field order of `CreateAcls`.
    AclRow {
        resource_type: i8, resource_name: String, pattern_type: i8, principal: String, host: String, operation: i8,
        permission_type: i8,
    }
    CreateAclsReply { throttle_time_ms: i32, results: Vec<ItemResult> }
    ItemResult { error_code: Code, error_message: Option<String> }
    /// The request `DescribeAcls`, and each filter of `DeleteAcls`: the layouts are the same.
    DescribeAcls {
        resource_type: i8, resource_name: Option<String>, pattern_type: i8, principal: Option<String>,
        host: Option<String>, operation: i8, permission_type: i8,
    }
    DescribeAclsReply { throttle_time_ms: i32, error_code: Code, error_message: Option<String>, resources: Vec<AclResource> }
    AclResource { resource_type: i8, resource_name: String, pattern_type: i8, acls: Vec<AclOfResource> }
    AclOfResource { principal: String, host: String, operation: i8, permission_type: i8 }
    DeleteAcls { filters: Vec<DescribeAcls> }
    DeleteAclsReply { throttle_time_ms: i32, filter_results: Vec<DeletedAcls> }
    DeletedAcls { error_code: Code, error_message: Option<String>, matching_acls: Vec<DeletedAcl> }
    DeletedAcl {
        error_code: Code, error_message: Option<String>, resource_type: i8, resource_name: String, pattern_type: i8,
        principal: String, host: String, operation: i8, permission_type: i8,
    }

    AlterClientQuotas { entries: Vec<QuotaEntry>, validate_only: bool }
    QuotaEntry { entity: Vec<QuotaEntity>, ops: Vec<QuotaOp> }
    QuotaEntity { entity_type: String, entity_name: Option<String> }
    QuotaOp { key: String, value: f64, remove: bool }
    AlterClientQuotasReply { throttle_time_ms: i32, entries: Vec<QuotaResult> }
    QuotaResult { error_code: Code, error_message: Option<String>, entity: Vec<QuotaEntity> }

    DescribeUserScram { users: Vec<ScramUserName> }
    ScramUserName { name: String }
    DescribeUserScramReply {
        throttle_time_ms: i32, error_code: Code, error_message: Option<String>, results: Vec<ScramResult>,
    }
    ScramResult { user: String, error_code: Code, error_message: Option<String>, credential_infos: Vec<ScramCredential> }
    ScramCredential { mechanism: i8, iterations: i32 }
    AlterUserScram { deletions: Vec<ScramDeletion>, upsertions: Vec<ScramUpsertion> }
    ScramDeletion { name: String, mechanism: i8 }
    ScramUpsertion { name: String, mechanism: i8, iterations: i32, salt: Vec<u8>, salted_password: Hidden }
    AlterUserScramReply { throttle_time_ms: i32, results: Vec<NamedResult> }

    ListOffsets { replica_id: i32, isolation_level: i8, topics: Vec<OffsetsTopic> }
    OffsetsTopic { name: String, partitions: Vec<OffsetsPartition> }
    OffsetsPartition { partition_index: i32, current_leader_epoch: i32, timestamp: i64 }
    ListOffsetsReply { throttle_time_ms: i32, topics: Vec<ListedTopic> }
    ListedTopic { name: String, partitions: Vec<ListedPartition> }
    ListedPartition { partition_index: i32, error_code: Code, timestamp: i64, offset: i64, leader_epoch: i32 }

    FindCoordinator { key_type: i8, coordinator_keys: Vec<String> }
    FindCoordinatorReply { throttle_time_ms: i32, coordinators: Vec<Coordinator> }
    Coordinator { key: String, node_id: i32, host: String, port: i32, error_code: Code, error_message: Option<String> }
    OffsetFetch { groups: Vec<OffsetFetchGroup>, require_stable: bool }
    OffsetFetchGroup { group_id: String, topics: Option<Vec<OffsetFetchTopic>> }
    OffsetFetchTopic { name: String, partition_indexes: Vec<i32> }
    OffsetFetchReply { throttle_time_ms: i32, groups: Vec<FetchedGroup> }
    FetchedGroup { group_id: String, topics: Vec<FetchedTopic>, error_code: Code }
    FetchedTopic { name: String, partitions: Vec<FetchedPartition> }
    FetchedPartition {
        partition_index: i32, committed_offset: i64, committed_leader_epoch: i32, metadata: Option<String>,
        error_code: Code,
    }

    ListGroups { states_filter: Vec<String>, types_filter: Vec<String> }
    ListGroupsReply { throttle_time_ms: i32, error_code: Code, groups: Vec<ListedGroup> }
    ListedGroup { group_id: String, protocol_type: String, group_state: String, group_type: String }
    DescribeGroups { groups: Vec<String>, include_authorized_operations: bool }
    DescribeGroupsReply { throttle_time_ms: i32, groups: Vec<ClassicGroup> }
    ClassicGroup {
        error_code: Code, group_id: String, group_state: String, protocol_type: String, protocol_data: String,
        members: Vec<ClassicMember>, authorized_operations: i32,
    }
    ClassicMember {
        member_id: String, group_instance_id: Option<String>, client_id: String, client_host: String,
        member_metadata: Vec<u8>, member_assignment: Vec<u8>,
    }
    ConsumerGroupDescribe { group_ids: Vec<String>, include_authorized_operations: bool }
    ConsumerGroupDescribeReply { throttle_time_ms: i32, groups: Vec<ConsumerGroup> }
    ConsumerGroup {
        error_code: Code, error_message: Option<String>, group_id: String, group_state: String, group_epoch: i32,
        assignment_epoch: i32, assignor_name: String, members: Vec<ConsumerMember>, authorized_operations: i32,
    }
    ConsumerMember {
        member_id: String, instance_id: Option<String>, rack_id: Option<String>, member_epoch: i32, client_id: String,
        client_host: String, subscribed_topic_names: Vec<String>, subscribed_topic_regex: Option<String>,
        assignment: MemberAssignment, target_assignment: MemberAssignment,
    }
    MemberAssignment { topic_partitions: Vec<AssignedTopic> }
    AssignedTopic { topic_id: Uuid, topic_name: String, partitions: Vec<i32> }
    LeaveGroup { group_id: String, members: Vec<LeavingMember> }
    LeavingMember { member_id: String, group_instance_id: Option<String> }
    LeaveGroupReply { throttle_time_ms: i32, error_code: Code, members: Vec<LeftMember> }
    LeftMember { member_id: String, group_instance_id: Option<String>, error_code: Code }
    DeleteGroups { groups_names: Vec<String> }
    DeleteGroupsReply { throttle_time_ms: i32, results: Vec<DeletedGroup> }
    DeletedGroup { group_id: String, error_code: Code }

    DescribeTransactions { transactional_ids: Vec<String> }
    DescribeTransactionsReply { throttle_time_ms: i32, transaction_states: Vec<TransactionState> }
    TransactionState {
        error_code: Code, transactional_id: String, transaction_state: String, transaction_timeout_ms: i32,
        transaction_start_time_ms: i64, producer_id: i64, producer_epoch: i16, topics: Vec<TransactionTopic>,
    }
    TransactionTopic { topic: String, partitions: Vec<i32> }
}

impl ApiVersions {
    /// The question as this program asks it.
    pub(crate) fn ours() -> Self {
        Self {
            client_software_name: env!("CARGO_PKG_NAME").into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// The one reply of which a tagged field is read: the features that the broker's software supports lie in it (KIP-584).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ApiVersionsReply {
    pub(crate) error_code: Code,
    pub(crate) api_keys: Vec<ApiRange>,
    pub(crate) throttle_time_ms: i32,
    pub(crate) supported_features: Vec<SupportedFeature>,
}

impl ApiVersionsReply {
    /// The tag of `SupportedFeatures`.
    const SUPPORTED_FEATURES: u32 = 0;
}

impl Wire for ApiVersionsReply {
    const MIN_BYTES: usize = 8;

    fn write(&self, out: &mut Vec<u8>) {
        self.error_code.write(out);
        self.api_keys.write(out);
        self.throttle_time_ms.write(out);
        // Only peers of tests write one, and these support nothing.
        put_varint(out, 0);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut reply = Self {
            error_code: Wire::read(from)?,
            api_keys: Wire::read(from)?,
            throttle_time_ms: Wire::read(from)?,
            supported_features: Vec::new(),
        };
        for _ in 0..from.varint()? {
            let (tag, size) = (from.varint()?, from.varint()?);
            let value = from.take(size as usize)?;
            if tag == Self::SUPPORTED_FEATURES {
                reply.supported_features = Wire::read(&mut Reader::new(value))?;
            }
        }
        Ok(reply)
    }
}

/// Structs from before KIP-482: the fields, and nothing behind them.
macro_rules! old_structs {
    ($( $(#[$meta:meta])* $name:ident { $($field:ident: $ty:ty),* $(,)? } )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }

        impl Wire for $name {
            const MIN_BYTES: usize = 0 $(+ <$ty as Wire>::MIN_BYTES)*;
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                $(let $field = Wire::read(from)?;)*
                Ok(Self { $($field),* })
            }
        }
    )*};
}

old_structs! {
    SaslHandshake { mechanism: OldString }
    SaslHandshakeReply { error_code: Code, mechanisms: OldList<OldString> }
    /// What a member of a classic consumer group was given (`ConsumerProtocolAssignment` version 0;
    /// later versions only add fields behind it).
    ClassicAssignment { version: i16, topics: OldList<ClassicAssignedTopic> }
    ClassicAssignedTopic { name: OldString, partitions: OldList<i32> }
}

#[cfg(test)]
mod tests;
