-- migrate:up
create table a (id int); -- a word​ joiner in a comment between statements is not sent
create table bㅤ (id int); -- expect: hidden-characters warning
insert into c values ('x‮y'); -- expect: hidden-characters danger
insert into c values ('󠁁'); -- expect: hidden-characters danger
insert into c values ('⠀', '️'); -- expect: hidden-characters warning
insert into c values ('größe', '表', '😀');
