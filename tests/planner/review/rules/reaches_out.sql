-- dialect: mysql mariadb
-- migrate:up
select a from t into outfile '/tmp/a'; -- expect: reaches-out danger
select load_file('/etc/passwd'); -- expect: reaches-out danger
kill 5; -- expect: reaches-out danger
flush privileges; -- expect: reaches-out danger
grant all on shop.* to app; -- expect: reaches-out info
grant select on shop.* to app, ''@'%'; -- expect: reaches-out warning
grant select on shop.* to ``@localhost with grant option; -- expect: reaches-out warning
grant select on shop.* to public@localhost; -- expect: reaches-out info
