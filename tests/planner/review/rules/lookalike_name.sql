-- migrate:up
create table usеrs (id int); -- expect: lookalike-name danger
create table "сору" (id int); -- expect: lookalike-name danger
insert into c values ('usеrs'); insert into имя values (1); insert into größe values (2);
