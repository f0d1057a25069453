-- dialect: mysql mariadb
-- migrate:up
set foreign_key_checks = 0;
set sql_log_bin = 0; -- expect: session-state warning
set @mine = 1;
use other; -- expect: session-state warning
set foreign_key_checks = 1;
set @old_client = @@character_set_client, @old_mode = @@sql_mode, sql_mode = '';
set names utf8mb4;
set character_set_client = @old_client, sql_mode = @old_mode;
