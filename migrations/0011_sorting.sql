-- What lists are sorted and narrowed by.

-- Events by name: the order in which they are listed.
create index event_name on event (name, id);

-- The history of one kind of object, and of some days.
create index change_kind on change (object_kind, number desc);
create index change_at on change (at);

-- Channels that Kafka has not followed yet, or refused: few of many.
create index channel_topic_open on channel_topic (channel_id) where applied_at is null or failure is not null;
