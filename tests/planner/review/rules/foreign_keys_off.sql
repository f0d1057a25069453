-- dialect: postgresql
-- migrate:up
create table fresh (id int primary key);
alter table orders disable trigger all; -- expect: foreign-keys-off warning
alter table orders disable trigger user;
alter table orders enable trigger all;
alter table fresh disable trigger all;
set local session_replication_role = 'replica'; -- expect: foreign-keys-off warning, reaches-out info
set local session_replication_role = replica; -- expect: foreign-keys-off warning, reaches-out info
set local session_replication_role = origin; -- expect: reaches-out info
