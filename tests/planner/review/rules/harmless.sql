-- dialect: mysql mariadb postgresql
-- table: users id int not null, age int
-- migrate:up
create table orders (id int primary key, user_id int, total decimal(10, 2) not null default 0);
create index by_user on orders (user_id);
create view recent as select id from orders;
insert into orders values (1, 1, 5);
update orders set total = 0;
update users set age = 1 where id = 1;
select 1;
-- migrate:down
drop view recent;
drop table orders;
