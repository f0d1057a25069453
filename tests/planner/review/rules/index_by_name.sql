-- dialect: postgresql
-- migrate:up transaction:false
create index concurrently if not exists orders_total on orders (total); -- expect: index-by-name info
create index concurrently orders_note on orders (note);
