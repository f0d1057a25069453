"""Schemas of MySQL and MariaDB for the catalogue: an object of each kind, one attribute changed.

It must hold no test: `test_catalogue` builds them on real servers.
"""

from collections.abc import Mapping, Sequence

Changes = Mapping[str, tuple[str, ...]]
"""By the name of a case: the object that is then another, and the statements that make it so."""

FAMILY: Sequence[str] = (
    "create table users (id int primary key auto_increment, name varchar(50) not null, "
    "email varchar(100), unique key ue (email)) comment 'people'",
    "create table orders (id int primary key auto_increment, user_id int not null, "
    "total decimal(10,2) not null default 0, note varchar(200) default '', "
    "twice decimal(11,2) as (total * 2) stored, at timestamp not null default current_timestamp, "
    "key kt (total, user_id), constraint fk_u foreign key (user_id) references users (id) "
    "on delete cascade, constraint positive check (total >= 0))",
    "create table logs (a int, b varchar(20)) partition by range (a) "
    "(partition p0 values less than (10), partition p1 values less than (20))",
    "create trigger t1 before insert on orders for each row set new.note = 'a'",
    "create trigger t2 before insert on orders for each row set new.total = 1",
    "create view vu as select id, name from users",
    "create view vv as select id from vu",
    "create procedure pr(in a int) begin\n  select a;\nend",
    "create function fu(a int) returns int deterministic return a + 1",
    "create event ev on schedule every 1 day do delete from logs",
)
FAMILY_CHANGES: Changes = {
    "column added": ("table users", "alter table users add column age int"),
    "column dropped": ("table users", "alter table users drop column name"),
    "column renamed": ("table users", "alter table users rename column name to full_name"),
    "column widened": ("table users", "alter table users modify name varchar(60) not null"),
    "column nullable": ("table users", "alter table users modify name varchar(50)"),
    "column moved": ("table users", "alter table users modify email varchar(100) after id"),
    "column commented": (
        "table users",
        "alter table users modify name varchar(50) not null comment 'x'",
    ),
    "column collated": (
        "table users",
        "alter table users modify name varchar(50) collate utf8mb4_bin not null",
    ),
    "column invisible": (
        "table orders",
        "alter table orders modify note varchar(200) default '' invisible",
    ),
    "default changed": ("table orders", "alter table orders alter total set default 1"),
    "default emptied": ("table users", "alter table users alter email set default ''"),
    "empty default dropped": ("table orders", "alter table orders alter note set default null"),
    "default by expression": (
        "table orders",
        "alter table orders alter note set default (concat('a', 'b'))",
    ),
    "on update": (
        "table orders",
        "alter table orders modify at timestamp not null default current_timestamp "
        "on update current_timestamp",
    ),
    "counter dropped": ("table orders", "alter table orders modify id int not null"),
    "generated otherwise": (
        "table orders",
        "alter table orders modify twice decimal(11,2) as (total * 3) stored",
    ),
    "index added": ("table users", "create index kn on users (name)"),
    "index dropped": ("table users", "drop index ue on users"),
    "index renamed": ("table users", "alter table users rename index ue to uf"),
    "index not unique": ("table users", "alter table users drop index ue, add key ue (email)"),
    "index of a prefix": (
        "table users",
        "alter table users drop index ue, add unique key ue (email(10))",
    ),
    "index descending": (
        "table orders",
        "alter table orders drop index kt, add key kt (total desc, user_id)",
    ),
    "index in another order": (
        "table orders",
        "alter table orders drop index kt, add key kt (user_id, total)",
    ),
    "index commented": (
        "table users",
        "alter table users drop index ue, add unique key ue (email) comment 'x'",
    ),
    "full text": ("table users", "create fulltext index kn on users (name)"),
    "foreign key dropped": ("table orders", "alter table orders drop foreign key fk_u"),
    "check added": ("table users", "alter table users add constraint ck check (name > '')"),
    "check dropped": ("table orders", "alter table orders drop constraint positive"),
    "table commented": ("table users", "alter table users comment 'persons'"),
    "table option": ("table users", "alter table users row_format = compressed"),
    "table collated": ("table users", "alter table users default collate utf8mb4_bin"),
    "partition added": (
        "table logs",
        "alter table logs add partition (partition p2 values less than (30))",
    ),
    "partition dropped": ("table logs", "alter table logs drop partition p1"),
    "partitioned otherwise": ("table logs", "alter table logs partition by hash (a) partitions 2"),
    "table dropped": ("table logs", "drop table logs"),
    "table added": ("table more", "create table more (a int)"),
    "view changed": ("view vu", "create or replace view vu as select id, email as name from users"),
    "view dropped": ("view vv", "drop view vv"),
    "view's security": (
        "view vv",
        "create or replace sql security invoker view vv as select id from vu",
    ),
    "view's algorithm": (
        "view vv",
        "create or replace algorithm = temptable view vv as select id from vu",
    ),
    "view's check": (
        "view vu",
        "create or replace view vu as select id, name from users with check option",
    ),
    "trigger dropped": ("trigger t2", "drop trigger t2"),
    "trigger added": (
        "trigger t3",
        "create trigger t3 after delete on users for each row do null",
    ),
    "trigger otherwise": (
        "trigger t2",
        "drop trigger t2",
        "create trigger t2 before insert on orders for each row set new.total = 2",
    ),
    "procedure's body": ("procedure pr", "drop procedure pr", "create procedure pr(in a int) do a"),
    "procedure's parameter": (
        "procedure pr",
        "drop procedure pr",
        "create procedure pr(inout a int) begin\n  select a;\nend",
    ),
    "function's result": (
        "function fu",
        "drop function fu",
        "create function fu(a int) returns bigint deterministic return a + 1",
    ),
    "procedure commented": ("procedure pr", "alter procedure pr comment 'x'"),
    "procedure's security": ("procedure pr", "alter procedure pr sql security invoker"),
    "function's data": ("function fu", "alter function fu no sql"),
    "event disabled": ("event ev", "alter event ev disable"),
    "event's schedule": ("event ev", "alter event ev on schedule every 2 day"),
    "event's body": ("event ev", "alter event ev do delete from orders"),
    "database": ("database", "alter database collate utf8mb4_bin"),
}
FAMILY_OTHER_ROAD: Sequence[str] = (
    FAMILY[2],
    FAMILY[9],
    FAMILY[8],
    "create table users (id int primary key auto_increment, email varchar(100))",
    "alter table users add column name varchar(50) not null after id, comment 'people'",
    "alter table users add unique key ue (email)",
    "create table orders (id int, user_id int not null, key kt (user_id), "
    "total decimal(10,2) not null default 7, gone int, note varchar(200) default '', "
    "twice decimal(11,2) as (total * 2) stored, at timestamp not null default current_timestamp, "
    "constraint positive check (total >= 0), primary key (id))",
    "alter table orders drop column gone, alter total set default 0, modify id int auto_increment",
    "alter table orders add constraint fk_u foreign key (user_id) references users (id) "
    "on delete cascade, add index fk_u (user_id)",
    "alter table orders drop index kt, add index kt (total, user_id)",
    *FAMILY[3:8],
)
FAMILY_DETOURS: Mapping[str, Sequence[str]] = {
    "column": ("alter table users add column x int", "alter table users drop column x"),
    "column renamed": (
        "alter table users rename column name to x",
        "alter table users rename column x to name",
    ),
    "table renamed": ("rename table users to x", "rename table x to users"),
    "table": ("drop table logs", FAMILY[2]),
    "index": ("drop index kt on orders", "create index kt on orders (total, user_id)"),
    "foreign key": (
        "alter table orders drop foreign key fk_u",
        "alter table orders add constraint fk_u foreign key (user_id) references users (id) "
        "on delete cascade",
    ),
    "check": (
        "alter table orders drop constraint positive",
        "alter table orders add constraint positive check (total >= 0)",
    ),
    "first trigger": (
        "drop trigger t1",
        "create trigger t1 before insert on orders for each row precedes t2 set new.note = 'a'",
    ),
    "view": ("drop view vu", FAMILY[5]),
    "procedure": ("drop procedure pr", FAMILY[7]),
    "event": ("drop event ev", FAMILY[9]),
    "rows": (
        "insert into users values (7, 'a', 'b')",
        "analyze table users",
        "delete from users",
        "optimize table users",
    ),
    "grant": (
        "create user if not exists visitor",
        "grant select on users to visitor",
        "revoke select on users from visitor",
    ),
}
MYSQL_CHANGES: Changes = {
    "index invisible": ("table users", "alter table users alter index ue invisible"),
    "index of an expression": ("table users", "create index kn on users ((lower(name)))"),
    "check not enforced": ("table orders", "alter table orders alter check positive not enforced"),
    "parser": ("table users", "create fulltext index kn on users (name) with parser ngram"),
    "spatial reference": (
        "table places",
        "create table places (g point not null srid 4326)",
    ),
}
MARIADB_CHANGES: Changes = {
    "index ignored": ("table users", "alter table users alter index ue ignored"),
    "sequence added": ("sequence sr", "create sequence sr start with 5"),
    "versioned": ("table users", "alter table users add system versioning"),
    "sequence": ("sequence sq", "alter sequence sq increment 3"),
    "default of a sequence": (
        "table users",
        "alter table users alter email set default nextval(sq)",
    ),
    "package": (
        "package pk",
        "set sql_mode = oracle",
        "create package pk as procedure one(a int); end",
    ),
    "period": (
        "table spans",
        "create table spans (s date, e date, period for app (s, e))",
    ),
}
