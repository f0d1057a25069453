-- migrate:requires 003
-- migrate:up
create function copy_price() returns trigger language plpgsql as $$
begin
    -- A later change of the product's price must not change what was agreed.
    new.price := coalesce(new.price, (select price from products where id = new.product_id));
    return new;
end;
$$;

create trigger copy_price before insert on order_lines
    for each row execute function copy_price();

-- migrate:down
drop trigger copy_price on order_lines;
drop function copy_price;
