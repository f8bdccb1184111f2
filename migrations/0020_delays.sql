-- How far bridges are behind: in each minute the longest that the oldest event which was not moved had waited, for the
-- plots of the pages; kept for a day.
create table bridge_minute (
    bridge_id uuid not null references bridge on delete cascade,
    minute timestamptz not null,
    delay_ms bigint not null,
    primary key (bridge_id, minute)
);
create index bridge_minute_age on bridge_minute (minute);
