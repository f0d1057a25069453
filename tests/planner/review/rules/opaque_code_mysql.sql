-- dialect: mysql mariadb
-- DO computes, as SELECT does: https://dev.mysql.com/doc/refman/en/do.html
-- migrate:up
do sleep(1);
do setval(numbers, 5);
