"""A database with an object of each kind, and what plans do to it, by how it is undone.

It must hold no test: `test_mysql_compensation` runs the plans on real servers.
"""

from collections.abc import Mapping, Sequence

Statements = Mapping[str, Sequence[str]]
"""By the name of a case: what is run before a statement that is refused."""

SETUP = (
    "create table users (id int primary key auto_increment, name varchar(50) not null, "
    "email varchar(100), at timestamp not null default current_timestamp on update "
    "current_timestamp, mood enum('sad', 'ok') default 'ok', unique key ue (email)) "
    "comment 'people'",
    "create table orders (id int primary key auto_increment, user_id int not null, "
    "total decimal(10,2) not null default 0, note varchar(200) default '' comment 'n', "
    "twice decimal(11,2) as (total * 2) stored, key kt (total, user_id), "
    "constraint fk_u foreign key (user_id) references users (id), "
    "constraint positive check (total >= 0))",
    "create table parts (id int primary key, order_id int, parent int, "
    "constraint fk_o foreign key (order_id) references orders (id), "
    "constraint fk_p foreign key (parent) references parts (id))",
    "create table legacy (id int primary key auto_increment, v varchar(20), order_id int, "
    "constraint fk_l foreign key (order_id) references orders (id))",
    "create table people (id int primary key, name varchar(9))",
    "create table logs (a int, b varchar(20)) partition by range (a) "
    "(partition p0 values less than (10), partition p1 values less than (20))",
    "create table wall (id int primary key)",
    "create table counted (id int primary key auto_increment, v varchar(9))",
    "insert into counted values (3, 'a'), (7, 'b')",
    "insert into users (id, name, email, at) values (1, 'ann', 'a@x', '2020-01-01'), "
    "(5, 'größe', null, '2020-01-02')",
    "insert into orders (id, user_id, total, note) values (1, 1, 10.5, 'long enough'), "
    "(2, 5, 7, null)",
    "insert into parts values (1, 1, null), (2, 2, 1)",
    "insert into legacy values (1, 'p', 1), (7, null, 2)",
    "insert into people values (1, 'x')",
    "insert into logs values (1, 'x'), (11, 'y')",
    "create trigger l1 before insert on legacy for each row set new.v = concat(new.v, '1')",
    "create trigger l2 before insert on legacy for each row set new.v = concat(new.v, '2')",
    "create trigger l3 before insert on legacy for each row precedes l1 set new.v = 'z'",
    "create view vu as select id, name from users",
    "create view vv as select id from vu",
    "create procedure pr(in a int) begin\n  select a;\nend",
    "create function fu(a int) returns int deterministic return a + 1",
    "create event ev on schedule every 1 day starts '2030-01-01' disable do delete from wall",
)

REFUSED = "insert into wall values (1), (1)"

COMPENSATED: Statements = {
    "a foreign key before another": ("alter table parts drop foreign key fk_o",),
    "a foreign key before a new key": (
        "alter table parts add column extra int, add key kx (extra)",
        "alter table parts drop foreign key fk_p",
    ),
    "create": (
        "create table made (id int primary key auto_increment, u int, "
        "constraint fk_m foreign key (u) references users (id))",
        "insert into made (u) values (1), (5)",
        "create index kn on users (name)",
        "create view vm as select id from made",
        "create trigger tm before insert on made for each row set new.u = 1",
        "create procedure pm() select 1",
        "create function fm() returns int deterministic return 1",
        "create event em on schedule every 1 day do delete from made",
    ),
    "add columns, keys and checks": (
        "alter table users add column age int not null default 3 after id, add key ka (age, name)",
        "alter table people add column age int not null default 3 first",
        "update people set age = 4",
        "alter table users add constraint adult check (age > 1)",
        "alter table parts drop foreign key fk_p, drop key fk_p",
        "alter table orders drop constraint positive, drop key kt, add key kt (user_id, total)",
        "alter table users alter column mood set default 'sad', comment 'persons'",
    ),
    "generated columns": (
        "alter table orders add column tripled decimal(12,2) as (total * 3) virtual",
        "alter table orders add key ktr (tripled), drop column twice",
    ),
    "enums and widening": (
        "alter table users modify mood enum('sad', 'ok', 'glad') default 'ok'",
        "alter table users modify name varchar(80) not null",
        "alter table orders modify note varchar(250) default 'x' comment 'm' after id",
    ),
    "renamed columns": (
        "alter table people rename column name to full_name",
        "alter table orders change note remark varchar(300) default '' comment 'n'",
        "alter table people rename column full_name to spoken_name, add column full_name int",
    ),
    "renamed tables": (
        "rename table logs to entries",
        "alter table orders rename to sales",
        "alter table sales add column late int",
        "alter table entries add column late int",
    ),
    "swapped tables": (
        "create table users_new like users",
        "rename table users to users_old, users_new to users",
        "rename table people to spare, wall to people, spare to wall",
        "rename table people to spare, wall to people, spare to wall",
    ),
    "views on views": (
        "create or replace view vu as select id, email as name from users",
        "drop view vv",
        "drop view vu",
        "create view vv as select 1 as one",
        "create view vu as select one from vv",
        "create view vw as select one from vu",
    ),
    "triggers": (
        "drop trigger l1",
        "create trigger l1 before insert on legacy for each row follows l2 set new.v = 'n'",
        "drop trigger l3",
        "create trigger a0 after delete on legacy for each row delete from wall",
    ),
    "routines and events": (
        "drop procedure pr",
        "create procedure pr() select 2",
        "drop function fu",
        "alter event ev enable",
        "drop event ev",
        "create event ev on schedule every 2 day do delete from logs",
    ),
    "partitions": (
        "alter table logs add partition (partition p2 values less than (30))",
        "alter table logs add column c int, add key kb (b)",
    ),
    "counters": (
        "alter table users auto_increment = 500",
        "alter table legacy add column w int",
        "insert into users (name) values ('new'), ('newer')",
    ),
}

DEFERRED: Statements = {
    "a table with triggers and a foreign key": ("drop table legacy",),
    "a table that refers to itself": ("drop table parts",),
    "a table with its children": ("drop table parts, legacy", "drop table orders"),
    "a table that is made anew": (
        "drop table legacy",
        "create table legacy (id bigint primary key, w int, constraint fk_l foreign key (w) "
        "references users (id))",
        "insert into legacy values (1, 1)",
        "create trigger l1 before insert on legacy for each row set new.w = 1",
    ),
    "a table that may be missing": ("drop table if exists missing, logs", "drop view vv"),
}

COPIED: Statements = {
    "dropped columns": (
        "alter table users drop column email, drop column at",
        "alter table orders drop column note",
    ),
    "narrowed columns": (
        "alter table orders modify total int not null default 0",
        "alter table users modify name varchar(20) not null",
        "alter table orders modify note varchar(100) default '' comment 'n' first",
    ),
    "emptied table": ("truncate table people", "insert into people values (9, 'n')"),
    "rows in the middle": (
        "update people set name = 'y'",
        "alter table people add column age int",
        "delete from people",
        "alter table people add column more int",
    ),
    "rows of a table with a counter": (
        "insert into counted (v) values ('n')",
        "delete from counted where id = 7",
        "truncate table counted",
        "alter table counted add column w int",
    ),
}
