-- What is searched for by a part of its name, where there are many of it.

-- Parts of names, by the trigrams they hold: an extension that comes with Postgres, and that the owner of a database may
-- add to it.
create extension if not exists pg_trgm;
create index event_search on event using gin (lower(name) gin_trgm_ops, lower(title) gin_trgm_ops);

-- What names begin with, in an order that is the same whatever the database's collation.
create index event_lower on event (lower(name) collate "C");
