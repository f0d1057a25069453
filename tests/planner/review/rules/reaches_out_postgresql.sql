-- dialect: postgresql
-- migrate:up
copy (select 1) to program 'id'; -- expect: reaches-out danger
copy t from '/etc/passwd'; -- expect: reaches-out danger
create extension dblink; -- expect: reaches-out danger
create function f() returns int language c as 'evil'; -- expect: reaches-out danger
grant all on t to app; -- expect: reaches-out info
grant select on t to app, public with grant option; -- expect: reaches-out warning
grant select on t to group "public"; -- expect: reaches-out warning
alter default privileges grant select on tables to public; -- expect: reaches-out warning
alter default privileges revoke execute on functions from public;-- expect: reaches-out info
create schema s grant usage on schema s to public; -- expect: reaches-out warning
grant usage on schema public to app; -- expect: reaches-out info
do $$ begin execute 'grant select on t to public'; end $$; -- expect: reaches-out warning, opaque-code info
alter database shop set search_path = evil; -- expect: reaches-out info, default-schema warning
select pg_terminate_backend(5); -- expect: reaches-out danger
alter table t owner to app; -- expect: reaches-out info
create role app; -- expect: reaches-out info
set role postgres; -- expect: reaches-out info
set session_replication_role = replica; -- expect: reaches-out info, foreign-keys-off warning
create function g() returns int language sql security definer as $$ select 1 $$; -- expect: reaches-out info
revoke all on t from public;
copy t from stdin;
\.
