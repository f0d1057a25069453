-- dialect: mysql mariadb
-- table: t id int not null, a bigint, v varchar(50)
-- migrate:up
alter table t modify a int; -- expect: loses-values info/warning/danger, blocks-table info/warning/danger
-- migrate:down
alter table t modify v varchar(20); -- expect: loses-values info/warning/danger, blocks-table info/warning/danger
alter table t modify v varchar(50) not null; -- expect: loses-values info/warning/danger, rebuilds-table info/-/warning, blocks-table -/warning/-, unguarded-alter -/-/info
create table fresh (a bigint);
alter table fresh modify a int not null;
