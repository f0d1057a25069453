-- dialect: mysql mariadb
-- migrate:up
set foreign_key_checks = 0;
set sql_log_bin = 0; -- expect: session-state warning
set @mine = 1;
use other; -- expect: session-state warning
set foreign_key_checks = 1;
