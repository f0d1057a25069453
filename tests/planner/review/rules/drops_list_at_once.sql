-- dialect: mysql
-- migrate:up
drop table a, b; -- expect: drops-data danger
