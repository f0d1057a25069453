-- A web application's tables, and migrations as they are written every day, each one by itself.
-- A line `-- case N: NAME` begins one, and those of the same N can run one after the other;
-- `-- refused: WORDS` says that the default environment refuses it, and with which words. The
-- server is in strict mode.

-- setup
create table users (id int unsigned primary key auto_increment, name varchar(255) not null,
  email varchar(255), status enum('new', 'active') not null default 'new', bio varchar(255),
  settings text, is_admin tinyint(1), seen_at timestamp null, day date null, score float,
  balance decimal(8, 2) not null default 0, note text, fax int, telex int, key users_name (name))
  default charset = utf8mb3;
create table posts (id int unsigned primary key auto_increment, user_id int unsigned not null,
  title varchar(255) not null, body varchar(255) not null, author varchar(255), slug varchar(255),
  constraint posts_user foreign key (user_id) references users (id) on delete cascade,
  unique key posts_title (title)) default charset = utf8mb4;
create table comments (id int primary key auto_increment, post_id int unsigned not null,
  text varchar(40), foreign key (post_id) references posts (id) on delete cascade);
create table rights (id int primary key auto_increment, name varchar(50) not null);
create table teams (id int primary key auto_increment, name varchar(50) not null);
create table cache (k varchar(100) primary key, v text);
create table archive (id int primary key);
create table backup (id int primary key);
create table visits (id int not null, y int not null, msg text, primary key (id, y))
  partition by range (y) (partition p2019 values less than (2020),
  partition p2020 values less than (2021));
create table counters (id int primary key, n int);
create table audit (id int primary key auto_increment, line varchar(40));
create table options (id bigint unsigned primary key auto_increment,
  name varchar(191) not null default '', value longtext not null, unique key options_name (name));
create table tags (id bigint(20) unsigned primary key auto_increment,
  name varchar(255) not null default '', key tags_name (name)) default charset = utf8mb4;
create table keys_ (id binary(16) primary key, token binary(16), label varchar(20))
  default charset = latin1;
create table isam (id int primary key) engine = myisam;
create trigger counters_fill before insert on counters for each row set new.n = coalesce(new.n, 0);
create trigger rights_audit after insert on rights for each row
  insert into audit (line) values (new.name);
create function shout(s varchar(20)) returns varchar(20) deterministic return upper(s);
create view names as select id, name from users;
insert into users (name, email, is_admin, day, score, fax) values
  ('a', 'a@x', 1, '2026-01-31', 0.1, 7), ('b', null, null, null, null, null);
insert into posts (user_id, title, body, slug) values (1, 't', 'b', 's'), (2, 'u', 'c', null);
insert into comments (post_id, text) values (1, 'first'), (2, 'second');
insert into tags (name) values ('q  ');
insert into keys_ values (x'00112233445566778899aabbccddee00', x'0102', 'é');
insert into rights (name) values ('read');
insert into options (name, value) values ('version', '1');
insert into visits values (1, 2019, 'old'), (2, 2020, 'new');
insert into cache values ('k', 'v');

-- case 1: create a table, then a unique key
create table groups_ (id bigint unsigned not null auto_increment primary key,
  name varchar(255) not null) default character set utf8mb4 collate 'utf8mb4_unicode_ci';
alter table groups_ add unique groups_name (name);

-- case 1: add a nullable column behind another
alter table users add remember_token varchar(100) null after email;

-- case 1: drop one column
alter table users drop fax;

-- case 1: drop a foreign key and its column
alter table posts drop foreign key posts_user;
alter table posts drop user_id;

-- case 2: drop two columns, one after the other
alter table users drop fax;
alter table users drop telex;

-- case 3: drop two columns at once
alter table users drop column fax, drop column telex;

-- case 1: shorten a text, then an index
alter table users modify name varchar(50) not null;
alter table users add index users_both (name, id);

-- case 1: shorten a text so that an index holds it
alter table posts modify author varchar(191) null;
create index posts_author on posts (author);

-- case 1: shorten a text that is indexed
alter table tags change column name name varchar(191) not null default '';
alter table tags add index tags_both (name, id);

-- case 1: a text becomes longer
alter table users modify note longtext null;
alter table users add more1 int null;

-- case 1: a text of fixed length becomes one without
alter table users modify bio text null;
alter table users add more2 int null;

-- case 2: the ids of a table and of its foreign key become larger
alter table posts drop foreign key posts_user;
alter table users modify id bigint unsigned not null auto_increment;
alter table posts modify user_id bigint unsigned not null;
alter table posts add constraint posts_user foreign key (user_id) references users (id);

-- case 1: a column becomes nullable
alter table posts modify title varchar(255) null;
alter table posts add index posts_body (body);

-- case 1: an enum gets a value at its end
alter table users modify status enum('new', 'active', 'banned') not null default 'new';
alter table users add index users_status (status);

-- case 2: an enum gets a value in its middle
alter table users modify status enum('new', 'pending', 'active') not null default 'new';
alter table users add index users_status (status);

-- case 3: an enum becomes a text
alter table users modify status varchar(20) not null default 'new';
alter table users add index users_status (status);

-- case 4: an integer changes its sign
alter table users modify fax bigint unsigned null;
alter table users add more3 int null;

-- case 4: numbers become wider in kind
alter table users modify fax decimal(20, 4) null, modify score double null;
alter table users add more4 int null;

-- case 1: a date becomes a moment
alter table users modify day datetime null;
alter table users add more5 int null;

-- case 1: bytes become longer
alter table keys_ modify token varbinary(32);
alter table keys_ add more6 int null;

-- case 1: a table in another character set
alter table keys_ convert to character set utf8mb4;
alter table keys_ add more7 int null;

-- case 1: the table of others in another character set
alter table users convert to character set utf8mb4 collate utf8mb4_unicode_ci;
alter table users add more8 int null;

-- case 1: a decimal becomes wider
alter table users modify balance decimal(10, 4) not null default 0;
alter table users add more9 int null;

-- case 1: a text becomes JSON
alter table users modify settings json null;
alter table users add more10 int null;

-- case 1: a table of values with its rows
create table countries (id int primary key, iso char(2) not null);
insert into countries values (1, 'DE'), (2, 'FR');
alter table users add country_id int null;

-- case 1: a column that is filled from its own table
alter table posts add link varchar(255) null;
update posts set link = concat(lower(title), '-', id);
alter table posts modify link varchar(255) not null;
alter table posts add unique posts_link (link);

-- case 2: a column that is filled from another table
alter table posts add author_name varchar(255) null;
update posts p join users u on u.id = p.user_id set p.author_name = u.name;
alter table posts modify author_name varchar(255) null default 'x';

-- case 2: a counter of rows elsewhere
alter table users add posts_count int not null default 0;
update users set posts_count = (select count(*) from posts where posts.user_id = users.id);
alter table users add index users_posts (posts_count);

-- case 1: an old column of a table with children is filled, then not null
update users set email = concat(id, '@example.com') where email is null;
alter table users modify email varchar(255) not null;

-- case 1: an old column is filled, then changed
update users set is_admin = 0 where is_admin is null;
alter table users change is_admin is_admin tinyint(1) not null;

-- case 1: rows of a table with a trigger, then another table
insert into rights (name) values ('edit');
alter table teams add guard varchar(20) null;

-- case 2: another table, then rows
alter table teams add guard varchar(20) null;
insert into rights (name) values ('edit');

-- case 1: rows of a table that a trigger fills, then its change
insert into counters values (1, null);
alter table counters add m int;

-- case 1: rows of others go with theirs
delete from users where id = 2;
alter table teams add more11 int null;

-- case 1: a table is dropped while foreign keys are not checked
set foreign_key_checks = 0;
drop table if exists archive;
set foreign_key_checks = 1;

-- case 1: a table that is not there is dropped while foreign keys are not checked
set foreign_key_checks = 0;
drop table if exists never_there;
set foreign_key_checks = 1;
alter table teams add more12 int null;

-- case 2: two tables are dropped
drop table archive cascade;
drop table backup cascade;

-- case 1: a table is emptied, then changed
truncate table cache;
alter table cache add expiration int not null;

-- case 1: an index of words
alter table posts add fulltext posts_words (body);

-- case 1: a flag with a default
alter table users add beta tinyint(1) default false not null;

-- case 2: an index by its own statement
create index posts_author on posts (author);

-- case 3: names of a table and of an index
rename table archive to history_;
alter table posts rename index posts_title to posts_by_title;

-- case 4: names of a table and of a column
rename table archive to history_;
alter table users change bio about varchar(255) null;

-- case 1: a default and a comment
alter table users alter column balance set default 5;
alter table users comment 'people';

-- case 1: a default that is needed once
alter table posts add column kind varchar(10) default 'a' not null;
alter table posts alter column kind drop default;

-- case 2: a unique key of other columns
alter table posts drop index posts_title;
alter table posts add constraint posts_both unique (title, user_id);

-- case 1: rows that are twice are deleted, then unique
delete p1 from posts p1 join posts p2 on p1.title = p2.title and p1.id > p2.id;
alter table posts add unique posts_twice (title, body);

-- case 1: old rows are deleted, then an index
delete from visits where y < 2019;
alter table visits add index visits_year (y);

-- case 1: partitions rotate
-- refused: it drops partitions with their rows
alter table visits drop partition p2019;
alter table visits add partition (partition p2021 values less than (2022));

-- case 1: a table that is created if it is not there, then a row
create table if not exists extra (id bigint(20) unsigned not null auto_increment, primary key (id))
  default character set utf8mb4;
insert into options (name, value) values ('extra', '1.0');

-- case 1: a row is changed, then a table
update options set value = '2' where name = 'version';
alter table tags add more13 int;

-- case 1: a table is changed, then a row
alter table tags add more14 int;
update options set value = '2' where name = 'version';

-- case 1: a table without transactions gets them
-- refused: a crash can leave such a change half done
alter table isam engine = InnoDB;
alter table isam add more15 int;

-- case 1: rows are filled in batches by a procedure
-- refused: what the procedure does cannot be seen
create procedure fill() begin declare n int default 1; while n > 0 do
  update users set note = 'x' where note is null limit 1000; set n = row_count(); end while; end;
call fill();
drop procedure fill;

-- case 1: a view and a procedure in place of others
create or replace view names as select id from users;
drop procedure if exists absent;
create procedure absent() select 1;

-- case 1: a function is made and used
create function slugify(s varchar(255)) returns varchar(255) deterministic
  return replace(lower(s), ' ', '-');
update posts set slug = slugify(title);
alter table posts add index posts_slug (slug);

-- case 1: a function that is there is used
update teams set name = shout(name);
alter table teams add more16 int null;

-- case 1: values move to a table of their own
create table profiles (user_id int unsigned primary key, bio varchar(255));
insert into profiles select id, bio from users;
alter table users drop column bio;
alter table profiles add index profiles_bio (bio);
