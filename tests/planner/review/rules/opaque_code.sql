-- dialect: postgresql mysql mariadb
-- migrate:up
execute refill; -- expect: opaque-code info
select refill(5);
