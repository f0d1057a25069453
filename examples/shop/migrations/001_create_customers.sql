-- migrate:up
create table customers (
    id bigint generated always as identity primary key,
    email text not null unique check (position('@' in email) > 1),
    name text not null,
    created_at timestamptz not null default now()
);

-- migrate:down
drop table customers;
