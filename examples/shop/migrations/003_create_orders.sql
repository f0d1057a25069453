-- migrate:requires 001 002
-- migrate:up
create table orders (
    id bigint generated always as identity primary key,
    customer_id bigint not null references customers,
    ordered_at timestamptz not null default now()
);

create table order_lines (
    order_id bigint not null references orders on delete cascade,
    product_id bigint not null references products,
    quantity int not null check (quantity > 0),
    price numeric(10, 2) not null,
    primary key (order_id, product_id)
);

-- migrate:down
drop table order_lines;
drop table orders;
