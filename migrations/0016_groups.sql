-- How far the consumer groups of environments have come, looked at now and then by whoever reconciles. Nothing rests on
-- it: what pages say of it is as old as the last look.
create table group_topic (
    environment_id uuid not null references environment on delete cascade,
    -- The group, as Kafka knows it. It begins with the environment's group prefix.
    name text not null,
    channel_id uuid not null,
    space_id uuid not null,
    -- Members that read this topic.
    members integer not null,
    -- Events that are in the topic and that the group has not read yet.
    lag bigint not null,
    -- When it was last seen with such members, to the minute; null where it never was.
    seen_at timestamptz,
    primary key (environment_id, name, channel_id, space_id),
    foreign key (channel_id, space_id) references channel_topic on delete cascade
);
create index group_topic_channel on group_topic (channel_id, space_id);
