-- dialect: mysql mariadb
-- DO computes, as SELECT does: https://dev.mysql.com/doc/refman/en/do.html
-- migrate:up
call refill(5); -- expect: opaque-code info
do sleep(1);
do refill(5); -- expect: opaque-code info
