-- dialect: mysql mariadb
-- table: t id int, a int
-- migrate:up
alter table t drop column a; -- expect: drops-data danger, unguarded-alter -/-/info
-- migrate:down
alter table t drop column a; -- expect: drops-data info/-/danger, unguarded-alter -/-/info
