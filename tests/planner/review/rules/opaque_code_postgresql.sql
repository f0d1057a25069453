-- dialect: postgresql
-- migrate:up
do $$ begin delete from t; end $$; -- expect: opaque-code info
prepare refill as delete from t;
execute refill; -- expect: opaque-code info
