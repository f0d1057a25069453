-- dialect: mysql mariadb
-- table: t id int not null, v varchar(50), a int, e enum('a','b')
-- migrate:up
alter table t drop primary key; -- expect: blocks-table info/warning/danger
-- migrate:down
alter table t modify a bigint; -- expect: blocks-table info/warning/danger
alter table t modify v varchar(100); -- expect: loses-values -/warning/-, blocks-table info/warning/danger
alter table t modify v varchar(60); -- expect: loses-values -/warning/-, blocks-table -/warning/-, unguarded-alter -/-/info
alter table t modify e enum('a', 'b', 'c'); -- expect: loses-values -/warning/-, blocks-table -/warning/-, unguarded-alter -/-/info
alter table t add constraint f foreign key (a) references p (id); -- expect: blocks-table info/warning/danger
alter table t add check (a > 0); -- expect: blocks-table info/warning/danger
alter table t convert to character set utf8mb4; -- expect: blocks-table info/warning/danger
alter table t add column g int as (a + 1) stored; -- expect: blocks-table info/warning/danger
alter table t add column n int, algorithm=copy, lock=shared; -- expect: blocks-table info/warning/danger
alter table t add column n int, algorithm=instant;
alter table t add fulltext index f (v); -- expect: blocks-table info/warning/danger
create table fresh (a int);
alter table fresh add check (a > 0);
