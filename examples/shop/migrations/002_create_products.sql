-- migrate:up
create table products (
    id bigint generated always as identity primary key,
    sku text not null unique,
    title text not null,
    price numeric(10, 2) not null check (price >= 0)
);

insert into products (sku, title, price) values
    ('TEA-1', 'Assam; 100 g', 6.50),
    ('TEA-2', 'Sencha; 100 g', 9.00);

-- migrate:down
drop table products;
