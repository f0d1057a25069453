-- dialect: postgresql mysql mariadb
-- migrate:up
call refill(5); -- expect: opaque-code info
execute refill; -- expect: opaque-code info
select refill(5);
