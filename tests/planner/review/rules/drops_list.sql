-- dialect: mariadb
-- migrate:up
drop table a, b; -- expect: drops-list warning, drops-data danger
drop table c; -- expect: drops-data danger, several-ddl info
drop view v, w;
