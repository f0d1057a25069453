-- dialect: mysql
-- migrate:up
grant select on shop.t to public; -- expect: reaches-out info
