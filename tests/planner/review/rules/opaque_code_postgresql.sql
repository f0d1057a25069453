-- dialect: postgresql
-- migrate:up
call refill(5); -- expect: opaque-code info, fails-in-transaction warning
do $$ begin delete from t; end $$; -- expect: opaque-code info
prepare refill as delete from t;
execute refill; -- expect: opaque-code info
