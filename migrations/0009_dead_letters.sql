-- Dead letters that someone wants sent again. The worker takes them; what it could send is deleted.

alter table dead_letter
    -- When someone asked for it; null while nobody does, and again when it failed.
    add column redrive_at timestamptz,
    -- Why the newest try failed.
    add column redrive_failure text;

create index dead_letter_bridge on dead_letter (bridge_id, id);
create index dead_letter_redrive on dead_letter (bridge_id, id) where redrive_at is not null;
