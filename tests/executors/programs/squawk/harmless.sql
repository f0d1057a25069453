-- dialect: postgresql
-- table: users id integer, v character varying(50)
-- migrate:up
create table orders (id bigint generated always as identity primary key, note text not null);
create index on orders (note);
alter table orders add constraint given check (note <> '');
update users set v = 'a' where id = 1;
alter table users add column age int;
alter table users add column born date default now();
alter table users add constraint old check (age > 0) not valid;
comment on table users is 'people';
insert into orders (note) values ('a -- b'), ($$c;
d$$);
create view recent as select id from orders;
-- migrate:down
drop view recent;
drop table orders;
