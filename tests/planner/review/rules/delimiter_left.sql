-- dialect: mysql mariadb
-- migrate:up
delimiter //
create procedure p() begin select 1; end//
delimiter ;
delimiter $$ -- expect: delimiter-left warning
create procedure q() begin select 1; end$$
-- migrate:down
drop procedure p;
