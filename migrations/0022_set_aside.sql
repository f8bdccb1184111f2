-- Which event a halted bridge hangs on, where it is one alone: {"topic": "…", "partition": 0, "offset": 7}.
alter table bridge add column stuck jsonb;

-- Events that people have set aside: they become dead letters, whatever they are.
create table set_aside (
    bridge_id uuid not null references bridge on delete cascade,
    -- Kafka's id: a topic that is made again holds other events at the same offsets.
    topic_id uuid not null,
    partition integer not null,
    at_offset bigint not null,
    why text not null,
    primary key (bridge_id, topic_id, partition, at_offset)
);
