-- What lets Spaces see each other in Kafka, by Kafka's names of the settings. Every page says it, so it does not lie in
-- the report, which may be large.
alter table cluster_report add column breaches text[] not null default '{}';
