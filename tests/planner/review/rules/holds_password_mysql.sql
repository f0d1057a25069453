-- dialect: mysql mariadb
-- migrate:up
create user a identified by 'hunter2'; -- expect: holds-password warning, reaches-out info
create user b identified with mysql_native_password as '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29'; -- expect: reaches-out info
