-- Where a route begins is decided per partition, by the worker that reads it first: null in start_offsets until then.
-- A topic that is deleted and made again has the same name and another id.
alter table route
    add column start_topic uuid,
    -- People have said that events which are gone may stay gone: the next start begins with the first there is.
    add column goes_on boolean not null default false;
comment on column route.start_topic is 'Kafka''s id of the topic that start_offsets counts in; null until the route was first made ready';

-- Whether the bridge is halted because events are gone that it has not moved.
alter table bridge add column gap boolean not null default false;
