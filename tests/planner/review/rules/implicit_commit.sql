-- dialect: mysql mariadb
-- migrate:up
analyze table a;
insert into a values (1);
analyze table a; -- expect: implicit-commit warning
grant select on a to b; -- expect: reaches-out info
insert into a values (1);
set autocommit = 1; -- expect: implicit-commit warning, session-state -
