-- What the reconciler sees and does, for the page of the cluster.

-- The newest report, whoever reconciles: one row.
create table cluster_report (
    one boolean primary key default true,
    at timestamptz not null,
    report jsonb not null,
    constraint cluster_report_one check (one)
);

-- Passes that changed something in Kafka or failed; the newest are kept.
create table pass (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    took_ms integer not null,
    -- Things in Kafka that were changed, and the steps, a line each.
    written integer not null,
    steps jsonb not null default '[]',
    -- Objects that waited for Kafka afterwards, and that it refused.
    pending integer not null,
    failed integer not null,
    error text
);
