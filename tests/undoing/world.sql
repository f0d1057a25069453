-- A database that is hard to put back, for the random plans. A line `-- only: ENGINE` is of the
-- statement after it; `-- charset: NAME` is what the client says it speaks from there on, and
-- `-- mode: SQL_MODE` how it reads. Behind a comment MySQL keeps the `;` of a body.

create table parents (id int not null auto_increment, code varchar(20), label varchar(30) character set latin1, born date, points int default 3, primary key (id), unique key parents_code (code), unique key parents_label (label)) engine = InnoDB default charset = utf8mb4;
create table children (id int not null auto_increment, parent_id int, note varchar(40), amount decimal(8, 2) not null default 0, kind enum('a', 'b', 'c') default 'a', primary key (id), key children_note (note), constraint children_parent foreign key (parent_id) references parents (id) on delete cascade on update cascade) engine = InnoDB default charset = utf8mb4;
create table grandchildren (id int not null, child_id int, word varchar(20), primary key (id), unique key words (word), constraint grandchildren_child foreign key (child_id) references children (id) on delete set null on update cascade) engine = InnoDB default charset = utf8mb4;
create table loose (a int, b int, c int, born date, unique key loose_a (a), unique key loose_b (b), key loose_c (c)) engine = InnoDB;
create table dates (id int not null, born date, moment datetime, stamp timestamp null, primary key (id)) engine = InnoDB;
create table isam (id int not null auto_increment, note varchar(20), primary key (id)) engine = MyISAM;
create table parts (id int not null, y int not null, msg varchar(20), primary key (id, y)) engine = InnoDB partition by range (y) (partition p19 values less than (2020), partition p20 values less than (2021), partition rest values less than maxvalue);
create table latin (id int not null, name varchar(20), fixed char(4), raw binary(4), body text, primary key (id), key latin_name (name(5))) engine = InnoDB default charset = latin1;
create table made (id int not null, a int, b int generated always as (a + 1) stored, v int generated always as (a * 2) virtual, primary key (id), key made_v (v)) engine = InnoDB;
create table logs (id bigint not null auto_increment, line varchar(60), primary key (id)) engine = InnoDB;
create table fancy (id bigint unsigned not null auto_increment, tag char(36) not null default (uuid()), chance double default (rand()), at datetime(3) default (now(3)), upd timestamp(6) not null default current_timestamp(6) on update current_timestamp(6), flags bit(4) not null default b'101', big bigint unsigned, amount decimal(30, 10) default (1 + 0.5), doc json not null default ('[]'), secret int default 7 invisible, primary key (id), unique key fancy_big (big)) engine = InnoDB default charset = latin1;
-- only: mysql
alter table made add key made_sum ((a + b)), add key made_hidden (a) invisible, add column secret int default 4 invisible;
-- only: mariadb
alter table made add key made_hidden (a) /*M!100600 ignored */, add column secret int default 4 invisible;
-- only: mariadb
create sequence numbers start with 5;
-- only: mariadb
create table counted (id int not null default (nextval(numbers)), note varchar(20), other int default (nextval(numbers)), primary key (id)) engine = InnoDB;
-- only: mariadb
create table versioned (id int not null, note varchar(20), primary key (id)) engine = InnoDB with system versioning;
-- only: mariadb
create table periods (id int not null, s date not null, e date not null, period for p (s, e), primary key (id)) engine = InnoDB;
insert into parents (code, label, born) values ('a', 'é', '2020-01-31'), (null, 'b', null), ('c', null, '2021-02-28');
insert into children (parent_id, note, amount, kind) values (1, 'one', 1.25, 'a'), (1, 'two', 2, 'b'), (3, null, 30, null);
insert into grandchildren values (1, 1, 'x'), (2, 2, null), (3, null, 'y');
insert into loose values (1, 1, 1, '2020-01-01'), (2, 2, null, null), (null, 3, 3, null);
insert into isam (note) values ('kept');
insert into parts values (1, 2019, 'old'), (2, 2020, 'new'), (3, 2033, 'far');
insert into latin values (1, 'é', 'ab', x'01020304', 'long'), (2, null, null, null, null);
insert into fancy (big, amount, flags) values (18446744073709551615, 12345678901234567890.0123456789, b'0'), (9223372036854775808, null, b'1111'), (null, -0.5, b'1');
insert into made (id, a) values (1, 10), (2, null);
insert into logs (line) values ('first'), ('second');
-- only: mariadb
insert into counted (note) values ('five'), ('six');
-- only: mariadb
insert into versioned values (1, 'was');
-- only: mariadb
insert into periods values (1, '2020-01-01', '2020-02-01');
-- mode: ALLOW_INVALID_DATES
insert into dates values (1, '2020-02-30', '2020-02-31 10:00:00', '2020-01-01 00:00:00'), (2, null, null, null);
-- mode: ANSI_QUOTES
create trigger children_first before insert on children for each row set new.note = coalesce(new.note, 'none');
create trigger children_second before insert on children for each row set new.amount = new.amount + 1;
create trigger parents_log after update on parents for each row insert into logs (line) values (new.code);
create trigger parents_gone after delete on parents for each row insert into logs (line) values ('gone');-- a packet's end
create view heads as select id, code from parents;
create view bodies as select h.id, c.note from heads h join children c on c.parent_id = h.id;
create view numbers_of as select count(*) as n from logs;
create function twice(n int) returns int deterministic return n * 2;
create procedure tidy() delete from logs where id < 0;
create procedure shout(in word varchar(20)) comment 'loud' select upper(word);
create event nightly on schedule every 1 day starts '2030-01-01 00:00:00' do delete from logs where id < 0;
create event over_ on schedule at '2020-01-01 00:00:00' on completion preserve disable do delete from logs where id < 0;
-- charset: latin1
create procedure café() comment 'é' select 'é';
create view mirror as select 'é' as word;
create trigger logs_accent before insert on logs for each row set new.line = concat(new.line, 'é');
