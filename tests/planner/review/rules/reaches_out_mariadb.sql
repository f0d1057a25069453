-- dialect: mariadb
-- migrate:up
grant select on shop.t to public; -- expect: reaches-out warning
grant select on shop.t to app, `public` with grant option; -- expect: reaches-out warning
