"""Roundcube's upgrades of fifteen years, for MySQL and for PostgreSQL.

It only converts; what it is given was fetched before.

The package holds the upgrades since release 0.1 and the newest schema, not the schema of 0.1.
The bases here are ours: the tables that the upgrades expect to find. That they are right shows
at the end of the chain, where the package's newest schema must come out.
"""

from pathlib import Path

from tests.real.convert import (
    RealMigration,
    mysql_down,
    postgres_down,
    read_original,
    undone_by,
)

MYSQL_BASE = """\
create table `session` (
    `sess_id` varchar(40) not null,
    `created` datetime not null default '1000-01-01 00:00:00',
    `changed` datetime not null default '1000-01-01 00:00:00',
    `ip` varchar(40) not null,
    `vars` text not null,
    primary key (`sess_id`)
) engine = InnoDB character set utf8;

create table `users` (
    `user_id` int unsigned not null auto_increment,
    `username` varchar(128) not null,
    `mail_host` varchar(128) not null,
    `alias` varchar(128) not null,
    `created` datetime not null default '1000-01-01 00:00:00',
    `last_login` datetime not null default '1000-01-01 00:00:00',
    `language` varchar(5) not null default 'en',
    `preferences` text,
    primary key (`user_id`)
) engine = InnoDB character set utf8;

create table `cache` (
    `cache_id` int unsigned not null auto_increment,
    `user_id` int unsigned not null default 0,
    `session_id` varchar(40),
    `cache_key` varchar(128) not null,
    `created` datetime not null default '1000-01-01 00:00:00',
    `data` longtext not null,
    primary key (`cache_id`),
    key `cache_key` (`cache_key`),
    key `session_id` (`session_id`),
    constraint `user_id_fk_cache` foreign key (`user_id`) references `users` (`user_id`)
) engine = InnoDB character set utf8;

create table `contacts` (
    `contact_id` int unsigned not null auto_increment,
    `changed` datetime not null default '1000-01-01 00:00:00',
    `del` tinyint(1) not null default 0,
    `name` varchar(128) not null,
    `email` varchar(128) not null,
    `firstname` varchar(128) not null,
    `surname` varchar(128) not null,
    `vcard` text,
    `user_id` int unsigned not null default 0,
    primary key (`contact_id`),
    constraint `user_id_fk_contacts` foreign key (`user_id`) references `users` (`user_id`)
) engine = InnoDB character set utf8;

create table `identities` (
    `identity_id` int unsigned not null auto_increment,
    `user_id` int unsigned not null default 0,
    `del` tinyint(1) not null default 0,
    `standard` tinyint(1) not null default 0,
    `name` varchar(128),
    `organization` varchar(128),
    `email` varchar(128),
    `reply-to` varchar(128),
    `bcc` varchar(128),
    `signature` text,
    `html_signature` tinyint(1) not null default 0,
    primary key (`identity_id`),
    constraint `user_id_fk_identities` foreign key (`user_id`) references `users` (`user_id`)
) engine = InnoDB character set utf8;

create table `messages` (
    `message_id` int unsigned not null auto_increment,
    `user_id` int unsigned not null default 0,
    `cache_key` varchar(128) not null,
    `created` datetime not null default '1000-01-01 00:00:00',
    `idx` int unsigned not null default 0,
    `uid` int unsigned not null default 0,
    primary key (`message_id`),
    key `idx` (`idx`),
    key `uid` (`uid`),
    unique key `uniqueness` (`user_id`, `cache_key`, `uid`),
    constraint `user_id_fk_messages` foreign key (`user_id`) references `users` (`user_id`)
) engine = InnoDB character set utf8;
"""

POSTGRES_BASE = """\
create sequence user_ids;
create table users (
    user_id integer default nextval('user_ids'::text) primary key,
    username varchar(128) default '' not null,
    mail_host varchar(128) default '' not null,
    alias varchar(128) default '' not null,
    created timestamptz default now() not null,
    last_login timestamptz default now() not null,
    "language" varchar(5) default 'en' not null,
    preferences text default '' not null
);

create table "session" (
    sess_id varchar(40) default '' primary key,
    created timestamptz default now() not null,
    changed timestamptz default now() not null,
    ip varchar(16) not null,
    vars text not null
);

create sequence identity_ids;
create table identities (
    identity_id integer default nextval('identity_ids'::text) primary key,
    user_id integer not null references users (user_id),
    del integer default 0 not null,
    standard integer default 0 not null,
    name varchar(128) not null,
    organization varchar(128),
    email varchar(128) not null,
    "reply-to" varchar(128),
    bcc varchar(128),
    signature text,
    html_signature integer default 0 not null
);

create sequence contact_ids;
create table contacts (
    contact_id integer default nextval('contact_ids'::text) primary key,
    user_id integer not null references users (user_id),
    changed timestamptz default now() not null,
    del integer default 0 not null,
    name varchar(128) default '' not null,
    email varchar(128) default '' not null,
    firstname varchar(128) default '' not null,
    surname varchar(128) default '' not null,
    vcard text
);

create sequence cache_ids;
create table "cache" (
    cache_id integer default nextval('cache_ids'::text) primary key,
    user_id integer not null references users (user_id),
    session_id varchar(40) references "session" (sess_id),
    cache_key varchar(128) default '' not null,
    created timestamptz default now() not null,
    data text not null
);

create sequence message_ids;
create table messages (
    message_id integer default nextval('message_ids'::text) primary key,
    user_id integer not null references users (user_id),
    del integer default 0 not null,
    cache_key varchar(128) default '' not null,
    created timestamptz default now() not null,
    idx integer default 0 not null,
    uid integer default 0 not null,
    unique (user_id, cache_key, uid)
);
"""


def read_roundcube_mysql(folder: Path) -> list[RealMigration]:
    """Return the base and the upgrades by date, for MySQL and MariaDB."""
    migrations = read_chain(MYSQL_BASE, folder / "mysql")
    return undone_by(mysql_down(migrations), migrations)


def read_roundcube_postgres(folder: Path) -> list[RealMigration]:
    """Return the base and the upgrades by date, for PostgreSQL."""
    migrations = read_chain(POSTGRES_BASE, folder / "postgres")
    return undone_by(postgres_down(migrations), migrations)


def read_chain(base: str, folder: Path) -> list[RealMigration]:
    """Return the base as version 1 and every upgrade under its own date.

    Some upgrades are a comment alone: that engine had nothing to change.
    """
    upgrades = [
        RealMigration(path.stem, "upgrade", read_original(path))
        for path in sorted(folder.glob("*.sql"))
    ]
    return [RealMigration("1", "base", base), *upgrades]
