-- dialect: postgresql mysql mariadb
-- migrate:up
execute refill; -- expect: opaque-code info
select refill(5); -- expect: opaque-code info
insert into t (n) values (lower('A'), refill(5)); -- expect: opaque-code info
select lower(n), count(*), coalesce(n, 1) from t where n in (1, 2);
