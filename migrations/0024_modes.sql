-- How the events of a key go to their queue, and how many of them came out of order by that.
alter table route
    add column mode text not null default 'usual',
    add column reordered bigint not null default 0,
    add constraint route_mode check (mode in ('usual', 'batched', 'fair'));
