-- dialect: postgresql
-- table: events id int
-- table: users id int
-- partitioned: events
-- migrate:up
reindex table events; -- expect: fails-in-transaction danger/-/danger, blocks-table info/warning/danger
alter type mood add value 'b';
select 'a'::mood;
select 'b'::mood; -- expect: fails-in-transaction danger
