-- dialect: postgresql
-- default: public
-- before: app
-- migrate:up
alter role app set search_path = app, public; -- expect: reaches-out info, default-schema warning
alter role all in database shop reset all; -- expect: reaches-out info, default-schema warning
alter database shop set search_path from current; -- expect: reaches-out info, default-schema warning
alter role app set work_mem = '1GB'; -- expect: reaches-out info
create schema app; -- expect: default-schema warning/-/warning
create schema authorization app; -- expect: default-schema warning/-/warning
create schema authorization current_user; -- expect: default-schema warning/-/warning
create schema if not exists public;
create schema other;
alter schema other rename to app; -- expect: default-schema warning/-/warning
alter schema public rename to old; -- expect: default-schema warning/-/warning
alter schema public owner to app; -- expect: reaches-out info
set search_path = other;
