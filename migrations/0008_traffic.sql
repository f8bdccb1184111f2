-- How much flows, minute by minute, for the plots of the pages; kept for a day.

-- The sum of the end offsets of a topic's partitions when they were last looked at: what came since is the difference.
alter table channel_topic add column end_offsets bigint;

-- Records that topics were given.
create table topic_minute (
    channel_id uuid not null,
    space_id uuid not null,
    minute timestamptz not null,
    produced bigint not null,
    primary key (channel_id, space_id, minute),
    foreign key (channel_id, space_id) references channel_topic on delete cascade
);
create index topic_minute_age on topic_minute (minute);

-- Events that bridges have moved.
create table route_minute (
    route_id uuid not null references route on delete cascade,
    minute timestamptz not null,
    moved bigint not null,
    primary key (route_id, minute)
);
create index route_minute_age on route_minute (minute);

-- When the environment's client last wrote to its heartbeat topic, seen by an end offset that moved.
alter table environment add column seen_at timestamptz;
alter table environment add column heartbeat_offset bigint;
