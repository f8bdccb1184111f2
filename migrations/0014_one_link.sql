-- A member has one link to set a password: a newer one takes the place of the older, also of two that come at once.

delete from password_link l using password_link newer
where newer.member_id = l.member_id and (newer.created_at, newer.hash) > (l.created_at, l.hash);
drop index password_link_member;
alter table password_link add constraint password_link_once unique (member_id);
