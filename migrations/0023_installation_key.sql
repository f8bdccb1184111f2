-- A word sealed with the key that the installation's secrets are sealed with: a process with another key is told so
-- before it seals anything that nobody else could open.
create table installation_key (
    is_one boolean primary key default true check (is_one),
    mark bytea not null
);

-- How long dead letters are kept is decided by their age.
create index dead_letter_created_at on dead_letter (created_at);
