-- What people want, who they are, and what was done. Kafka is made to agree by the reconciler.
--
-- Ids are UUIDs made by the application. Times are by the database's clock. Every table that members edit
-- carries a version, raised by each change, so that a stale form can be refused.

create table member (
    id uuid primary key,
    -- Lower case; people are found by it, never by name.
    email text not null,
    name text not null,
    role text not null,
    blocked boolean not null default false,
    -- Argon2id in PHC string format; null until the one-time link was used.
    password_hash text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    constraint member_email_unique unique (email),
    constraint member_email_lower check (email = lower(email)),
    constraint member_role check (role in ('admin', 'viewer'))
);

-- One-time links to set a password. Only the SHA-256 of what is in the link is kept.
create table password_link (
    hash bytea primary key,
    member_id uuid not null references member on delete cascade,
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create index password_link_member on password_link (member_id);

create table session (
    -- SHA-256 of the id in the cookie: a dump of this table signs nobody in.
    hash bytea primary key,
    -- Null before sign-in.
    member_id uuid references member on delete cascade,
    -- The session's own record, as tower-sessions hands it over.
    record jsonb not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index session_member on session (member_id);
create index session_expiry on session (expires_at);

-- Failed sign-ins, per e-mail address whether a member has it or not, for the lock-out.
create table sign_in_failure (
    email text not null,
    at timestamptz not null default now()
);
create index sign_in_failure_email on sign_in_failure (email, at);

create table space (
    id uuid primary key,
    name text not null,
    created_at timestamptz not null default now()
);
create unique index space_name_unique on space (lower(name));

create table app (
    id uuid primary key,
    key text not null,
    name text not null,
    plan text not null,
    -- The broker is enabled for an environment when it is enabled here and there.
    broker_enabled boolean not null default false,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    constraint app_key_unique unique (key),
    constraint app_plan check (plan in ('licensed', 'free'))
);

-- Technical contacts.
create table app_contact (
    app_id uuid not null references app on delete cascade,
    member_id uuid not null references member on delete cascade,
    primary key (app_id, member_id)
);
create index app_contact_member on app_contact (member_id);

create table environment (
    id uuid primary key,
    app_id uuid not null references app,
    key text not null,
    name text not null,
    broker_enabled boolean not null default false,
    -- Set when it is first enabled at both levels; kept from then on.
    space_id uuid references space,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    -- Whether Kafka has followed what this environment may do: see `principal` for the pattern.
    access_changed_at timestamptz not null default now(),
    access_applied_at timestamptz,
    access_failure text,
    constraint environment_key_unique unique (app_id, key)
);
create index environment_space on environment (space_id);

-- The SCRAM-SHA-512 user of an environment. The password itself is never kept.
create table principal (
    environment_id uuid primary key references environment,
    -- `<app>.<environment>`; both keys are free of dots, so it has one reading.
    username text not null,
    iterations integer not null,
    salt bytea not null,
    -- Sealed: XChaCha20-Poly1305 with this table and row as associated data.
    salted_password bytea not null,
    created_at timestamptz not null default now(),
    rotated_at timestamptz not null default now(),
    -- Pending since `changed_at` while `applied_at` is null; failed when `failure` says why.
    changed_at timestamptz not null default now(),
    applied_at timestamptz,
    failure text,
    constraint principal_username_unique unique (username)
);

create table service (
    id uuid primary key,
    key text not null,
    -- Null when it was uploaded: defined outside.
    app_id uuid references app,
    title text not null,
    contract_version text not null,
    description text not null default '',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    constraint service_key_unique unique (key)
);
create index service_app on service (app_id);

-- Documents as they were brought, byte for byte. Never changed.
create table contract_document (
    id uuid primary key,
    service_id uuid not null references service,
    sha256 bytea not null,
    document bytea not null,
    created_at timestamptz not null default now(),
    constraint contract_document_once unique (service_id, sha256)
);

create table channel (
    -- The UUID in the names of its topics.
    id uuid primary key,
    service_id uuid not null references service,
    -- The key of the channel in the document.
    address text not null,
    created_at timestamptz not null default now(),
    constraint channel_address_unique unique (service_id, address)
);

create table event (
    id uuid primary key,
    service_id uuid not null references service,
    channel_id uuid not null references channel,
    -- The `ce_type`.
    name text not null,
    title text not null default '',
    description text not null default '',
    -- The defining app sends it: others may subscribe.
    app_sends boolean not null,
    -- The defining app receives it: others may publish.
    app_receives boolean not null,
    -- [{name, kind, required}]
    attributes jsonb not null default '[]',
    constraint event_name_unique unique (service_id, name)
);
create index event_channel on event (channel_id);

-- A channel in a Space: the topic `businessevents.<channel>.<space>`.
create table channel_topic (
    channel_id uuid not null references channel,
    space_id uuid not null references space,
    partitions integer not null,
    replicas smallint not null,
    -- Topic configuration by Kafka's names.
    config jsonb not null default '{}',
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    applied_at timestamptz,
    failure text,
    primary key (channel_id, space_id)
);
create index channel_topic_space on channel_topic (space_id);

create table deployment (
    id uuid primary key,
    environment_id uuid not null references environment,
    app_version text not null,
    -- By the pipeline's clock: says which of two is the newer.
    deployed_at timestamptz not null,
    received_at timestamptz not null default now(),
    -- SHA-256 of the request's meaning: the same report again changes nothing.
    fingerprint bytea not null,
    -- What the report said, for people.
    report jsonb not null
);
create index deployment_environment on deployment (environment_id, deployed_at desc);

-- What the current deployment says the app does.
create table implemented (
    environment_id uuid not null references environment,
    event_id uuid not null references event,
    publish boolean not null,
    subscribe boolean not null,
    primary key (environment_id, event_id)
);

create table bridge (
    id uuid primary key,
    name text not null,
    space_id uuid not null references space,
    kind text not null,
    region text not null,
    -- What people want: a draft owns nothing in Kafka.
    desired text not null,
    -- What the worker says.
    status text not null,
    status_reason text not null default '',
    status_since timestamptz not null default now(),
    -- The steps of the newest start, for people: [{step, state, at, text}].
    steps jsonb not null default '[]',
    -- Set when the role was made. The id tells a role that was made anew under the same name: queues do not know it.
    role_arn text,
    role_id text,
    -- Made by us, held in the role's trust policy: a guard against mix-ups, not a secret of the queue's owner.
    external_id text not null,
    -- When the role was made or changed: AWS shows it everywhere only some seconds later.
    role_changed_at timestamptz,
    created_by uuid references member,
    -- The newest result of Check, per queue.
    checked jsonb,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    -- Whether Kafka has followed what the worker may do for this bridge.
    access_changed_at timestamptz not null default now(),
    access_applied_at timestamptz,
    access_failure text,
    constraint bridge_kind check (kind in ('sqs')),
    constraint bridge_desired check (desired in ('draft', 'stopped', 'running', 'deleted')),
    constraint bridge_status check (status in
        ('draft', 'provisioning', 'running', 'waiting', 'reconfiguring', 'stopped', 'misconfigured', 'halted'))
);
create index bridge_space on bridge (space_id);

create table route (
    id uuid primary key,
    bridge_id uuid not null references bridge on delete cascade,
    event_id uuid not null references event,
    direction text not null,
    queue_url text not null,
    -- Events moved, for the pages; raised by the worker now and then.
    moved bigint not null default 0,
    last_moved_at timestamptz,
    -- Where reading began, per partition: {"0": 12}. Null until the route first ran (outbound only).
    start_offsets jsonb,
    constraint route_direction check (direction in ('outbound', 'inbound')),
    constraint route_once unique (bridge_id, event_id, direction)
);
create index route_event on route (event_id);

-- Permission of an environment, or of a bridge, to publish or subscribe one event.
create table access_grant (
    id uuid primary key,
    environment_id uuid references environment,
    bridge_id uuid references bridge on delete cascade,
    event_id uuid not null references event,
    access text not null,
    created_at timestamptz not null default now(),
    constraint access_grant_access check (access in ('publish', 'subscribe')),
    constraint access_grant_holder check (num_nonnulls(environment_id, bridge_id) = 1),
    constraint access_grant_once unique nulls not distinct (environment_id, bridge_id, event_id, access)
);
create index access_grant_event on access_grant (event_id);
create index access_grant_bridge on access_grant (bridge_id);

-- Events that could not be delivered, kept until someone decides.
create table dead_letter (
    id bigint generated always as identity primary key,
    bridge_id uuid not null references bridge on delete cascade,
    route_id uuid references route on delete set null,
    -- One word of the closed list: not-ce, oversize, headers, …
    reason text not null,
    detail text not null default '',
    -- Where it came from: topic, partition and offset, or queue and message id. Unique: writing it twice is one.
    source text not null,
    -- The event, sealed.
    event bytea not null,
    created_at timestamptz not null default now(),
    constraint dead_letter_source_unique unique (bridge_id, source)
);

-- What was done, by whom. Rows are added, never changed; each holds the authentication code of the one before.
create table change (
    number bigint primary key,
    at timestamptz not null,
    -- Null when the product itself or a command of the operator did it.
    member_id uuid references member,
    -- The actor in words, as it was then: an e-mail address, a token's name, "reconciler".
    actor text not null,
    -- What was done, in the product's words: "environment.enabled".
    act text not null,
    -- On what: kind, id and name as it was then.
    object_kind text not null,
    object_id uuid,
    object_name text not null,
    before jsonb,
    after jsonb,
    -- HMAC-SHA-256 over the row and the code of the row before.
    previous bytea not null,
    code bytea not null
);
create index change_object on change (object_kind, object_id, number desc);
create index change_member on change (member_id, number desc);

-- The newest number and code: one row, locked by whoever writes history, so that numbers have no gaps.
create table change_head (
    one boolean primary key default true,
    number bigint not null,
    code bytea not null,
    constraint change_head_one check (one)
);
insert into change_head (number, code) values (0, '');

create table token (
    id uuid primary key,
    kind text not null,
    name text not null,
    -- Whose it is (member), or what it may report (deploy).
    member_id uuid references member on delete cascade,
    environment_id uuid references environment on delete cascade,
    hash bytea not null,
    created_by uuid references member,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint token_hash_unique unique (hash),
    constraint token_kind check (kind in ('member', 'deploy')),
    constraint token_scope check (
        (kind = 'member' and member_id is not null and environment_id is null)
        or (kind = 'deploy' and environment_id is not null and member_id is null))
);
create index token_member on token (member_id);
create index token_environment on token (environment_id);
