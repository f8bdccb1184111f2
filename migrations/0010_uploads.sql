-- Services that were uploaded: events defined outside of all apps.

create table upload (
    service_id uuid not null references service,
    -- Where its channels were let come into being.
    space_id uuid not null references space,
    -- Who may take it away there besides admins; null when a command of the operator brought it.
    member_id uuid references member,
    created_at timestamptz not null default now(),
    primary key (service_id, space_id)
);
create index upload_space on upload (space_id);

-- When the document was last brought: the newest one is in force, also where it is an old one that came again.
alter table contract_document add column brought_at timestamptz not null default clock_timestamp();
update contract_document set brought_at = created_at;
