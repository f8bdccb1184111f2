//! Access control lists as values (KIP-140, KIP-290).

use std::{collections::BTreeSet, fmt};

use super::{kind::kinds, msg};

kinds! {
    /// What an ACL is about (`ResourceType`).
    pub enum ResourceKind {
        /// A topic.
        Topic = 2 "TOPIC",
        /// A consumer group.
        Group = 3 "GROUP",
        /// The cluster; its name is always `kafka-cluster`.
        Cluster = 4 "CLUSTER",
        /// A transactional id of a producer.
        TransactionalId = 5 "TRANSACTIONAL_ID",
        /// A delegation token (KIP-48).
        DelegationToken = 6 "DELEGATION_TOKEN",
        /// A user, for tokens made in its name (KIP-373).
        User = 7 "USER",
    }

    /// How an ACL's name is compared with a resource's name (`PatternType`).
    pub enum Pattern {
        /// Equal; the name `*` stands for all.
        Literal = 3 "LITERAL",
        /// The resource's name begins with it.
        Prefixed = 4 "PREFIXED",
    }

    /// What an ACL lets do, or forbids (`AclOperation`).
    pub enum Operation {
        /// Everything.
        All = 2 "ALL",
        /// Read records, or commit offsets.
        Read = 3 "READ",
        /// Write records.
        Write = 4 "WRITE",
        /// Create.
        Create = 5 "CREATE",
        /// Delete.
        Delete = 6 "DELETE",
        /// Alter; on the cluster: ACLs and users.
        Alter = 7 "ALTER",
        /// See that it is there.
        Describe = 8 "DESCRIBE",
        /// What brokers do among themselves.
        ClusterAction = 9 "CLUSTER_ACTION",
        /// Read the configuration.
        DescribeConfigs = 10 "DESCRIBE_CONFIGS",
        /// Change the configuration.
        AlterConfigs = 11 "ALTER_CONFIGS",
        /// Write with an idempotent producer.
        IdempotentWrite = 12 "IDEMPOTENT_WRITE",
        /// Make delegation tokens for a user.
        CreateTokens = 13 "CREATE_TOKENS",
        /// Read delegation tokens of a user.
        DescribeTokens = 14 "DESCRIBE_TOKENS",
        /// Take part in two-phase commit (KIP-939).
        TwoPhaseCommit = 15 "TWO_PHASE_COMMIT",
    }

    /// Whether an ACL allows or forbids; a denial wins (`AclPermissionType`).
    pub enum Permission {
        /// Forbids.
        Deny = 2 "DENY",
        /// Allows.
        Allow = 3 "ALLOW",
    }
}

/// The number that means "any" in a filter.
const ANY: i8 = 1;
/// The pattern number that means "whatever applies to this name" in a filter.
const MATCH: i8 = 2;

impl Operation {
    /// The operations in a bit field of authorized operations (KIP-430): bit n is the operation with number n.
    ///
    /// `None` when the broker did not compute it.
    pub(crate) fn from_bits(bits: i32) -> Option<BTreeSet<Self>> {
        (bits != i32::MIN).then(|| (0..31_i8).filter(|bit| bits >> bit & 1 == 1).map(Self::from_number).collect())
    }
}

/// One ACL. All fields together are its identity: Kafka keeps a set of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acl {
    /// Whom it is about: `User:` and a name, or `User:*` for everyone.
    pub principal: String,
    /// From which address, `*` for any.
    pub host: String,
    /// About what.
    pub resource: ResourceKind,
    /// The name, or its beginning.
    pub name: String,
    /// How `name` is compared.
    pub pattern: Pattern,
    /// Which operation.
    pub operation: Operation,
    /// Allowed or forbidden.
    pub permission: Permission,
}

impl Acl {
    /// Whether this client understands every part of it. What is not understood is never deleted by it.
    pub fn is_known(&self) -> bool {
        self.resource.is_known() && self.pattern.is_known() && self.operation.is_known() && self.permission.is_known()
    }

    pub(crate) fn row(&self) -> msg::AclRow {
        msg::AclRow {
            resource_type: self.resource.number(),
            resource_name: self.name.clone(),
            pattern_type: self.pattern.number(),
            principal: self.principal.clone(),
            host: self.host.clone(),
            operation: self.operation.number(),
            permission_type: self.permission.number(),
        }
    }

    /// The filter that matches this ACL and no other.
    pub(crate) fn exact_filter(&self) -> msg::DescribeAcls {
        msg::DescribeAcls {
            resource_type: self.resource.number(),
            resource_name: Some(self.name.clone()),
            pattern_type: self.pattern.number(),
            principal: Some(self.principal.clone()),
            host: Some(self.host.clone()),
            operation: self.operation.number(),
            permission_type: self.permission.number(),
        }
    }

    pub(crate) fn from_row(row: msg::AclRow) -> Self {
        Self {
            principal: row.principal,
            host: row.host,
            resource: ResourceKind::from_number(row.resource_type),
            name: row.resource_name,
            pattern: Pattern::from_number(row.pattern_type),
            operation: Operation::from_number(row.operation),
            permission: Permission::from_number(row.permission_type),
        }
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, host, resource, name, pattern, operation, permission } = self;
        write!(f, "{permission} {principal} from {host} {operation} on {resource} {pattern} {name}")
    }
}

/// Which ACLs to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AclFilter {
    /// All.
    Any,
    /// Those of one principal, as `User:` and a name. Those of `User:*` are not among them.
    Principal(String),
    /// Those written for exactly this resource pattern.
    Resource {
        /// The kind of resource.
        resource: ResourceKind,
        /// The name, or its beginning.
        name: String,
        /// How the ACL compares the name.
        pattern: Pattern,
    },
    /// All that have a say about a resource: literal, by a prefix, and by `*`.
    Affecting {
        /// The kind of resource.
        resource: ResourceKind,
        /// The resource's name.
        name: String,
    },
}

impl AclFilter {
    pub(crate) fn request(&self) -> msg::DescribeAcls {
        let any = msg::DescribeAcls {
            resource_type: ANY,
            resource_name: None,
            pattern_type: ANY,
            principal: None,
            host: None,
            operation: ANY,
            permission_type: ANY,
        };
        match self {
            Self::Any => any,
            Self::Principal(principal) => msg::DescribeAcls { principal: Some(principal.clone()), ..any },
            Self::Resource { resource, name, pattern } => msg::DescribeAcls {
                resource_type: resource.number(),
                resource_name: Some(name.clone()),
                pattern_type: pattern.number(),
                ..any
            },
            Self::Affecting { resource, name } => msg::DescribeAcls {
                resource_type: resource.number(),
                resource_name: Some(name.clone()),
                pattern_type: MATCH,
                ..any
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_a_name_survive_and_are_shown() {
        for number in i8::MIN..=i8::MAX {
            assert_eq!(Operation::from_number(number).number(), number);
            assert_eq!(ResourceKind::from_number(number).number(), number);
            assert_eq!(Pattern::from_number(number).number(), number);
            assert_eq!(Permission::from_number(number).number(), number);
        }
        assert_eq!(Operation::from_number(77).to_string(), "UNKNOWN(77)");
        assert_eq!(Operation::from_number(13).to_string(), "CREATE_TOKENS");
    }

    #[test]
    fn authorized_operations_are_read_from_bits() {
        assert_eq!(Operation::from_bits(i32::MIN), None);
        assert_eq!(Operation::from_bits(0), Some(BTreeSet::new()));
        let some = Operation::from_bits(1 << 8 | 1 << 3 | 1 << 30).unwrap();
        assert_eq!(some, BTreeSet::from([Operation::Read, Operation::Describe, Operation::Unknown(30)]));
    }

    #[test]
    fn an_exact_filter_leaves_nothing_open() {
        let acl = Acl {
            principal: "User:a".into(),
            host: "*".into(),
            resource: ResourceKind::Topic,
            name: "t".into(),
            pattern: Pattern::Literal,
            operation: Operation::Read,
            permission: Permission::Allow,
        };
        let filter = acl.exact_filter();
        assert!(filter.resource_name.is_some() && filter.principal.is_some() && filter.host.is_some());
        for number in [filter.resource_type, filter.operation, filter.permission_type] {
            assert_ne!(number, ANY);
        }
        assert!(![ANY, MATCH].contains(&filter.pattern_type));
        assert_eq!(acl.to_string(), "ALLOW User:a from * READ on TOPIC LITERAL t");
    }
}
