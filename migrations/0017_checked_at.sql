-- When the newest result of Check was found; null where there is none, or where it was found before this was kept.
alter table bridge add column checked_at timestamptz;
