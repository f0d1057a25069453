-- dialect: postgresql
-- migrate:up
create role a login password 'hunter2'; -- expect: holds-password warning, reaches-out info
alter role a with encrypted password $x$hunter2$x$; -- expect: holds-password warning, reaches-out info
create role b password 'SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5'; -- expect: reaches-out info
alter role a password null; -- expect: reaches-out info
create subscription s connection 'host=h password=hunter2' publication p with (connect = false); -- expect: holds-password warning, reaches-out danger
do $$ begin create role c password 'hunter2'; end $$; -- expect: holds-password warning, opaque-code info, reaches-out info
create table u (password text default ''); -- password 'is no string
