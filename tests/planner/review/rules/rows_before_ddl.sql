-- dialect: mysql mariadb
-- migrate:up
create table a (id int);
insert into a values (1);
create table b (id int); -- expect: rows-before-ddl warning
insert into b values (1);
create table c (id int);
-- migrate:down
insert into b values (1);
select 1;
