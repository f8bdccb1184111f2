-- Who works as which worker: one process at a time has a name in the consumer groups.
create table worker (
    slot text primary key,
    holder uuid not null,
    seen_at timestamptz not null
);
