-- What an admin has decided about something that was found in Kafka.
create table decision (
    -- What it is about, as the reconciler names it: a rule, a topic, a plan.
    subject text primary key,
    answer text not null check (answer in ('apply', 'recreate', 'adopt', 'remove', 'accept')),
    reason text not null default '',
    member_id uuid references member (id),
    decided_at timestamptz not null default now()
);

-- Kafka's id of the topic, as it was when it was last known to be as it should: another topic of the same name has
-- another one.
alter table channel_topic add column topic_id uuid;
