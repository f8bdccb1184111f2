-- A dead letter can be changed before it is sent again; the event as it came is kept beside it.
alter table dead_letter
    add column original bytea,
    add column edited_at timestamptz,
    -- Raised by each change of the event.
    add column revision bigint not null default 1;
