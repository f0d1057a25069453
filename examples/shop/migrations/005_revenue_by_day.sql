-- migrate:requires 003
-- migrate:up
create view revenue_by_day as
    select date_trunc('day', ordered_at) as day, sum(quantity * price) as revenue
    from orders join order_lines on order_id = orders.id
    group by 1;

-- migrate:down
drop view revenue_by_day;
