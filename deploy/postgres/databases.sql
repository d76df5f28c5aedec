-- For psql: a database for each service, which its own account alone may enter, and one with the settings, which services
-- only read. The environment has the passwords (PRODUCT_PASSWORD, …). It may run again: what is there stays, and every
-- password becomes what it should be.
\set ON_ERROR_STOP on
\getenv product PRODUCT_PASSWORD
\getenv order ORDER_PASSWORD
\getenv user USER_PASSWORD
\getenv payment PAYMENT_PASSWORD
\getenv notification NOTIFICATION_PASSWORD
\getenv inventory INVENTORY_PASSWORD
\getenv configuration CONFIGURATION_PASSWORD

create temporary table account (name text, password text not null);
insert into account values
  ('orders_product', :'product'), ('orders_order', :'order'), ('orders_user', :'user'), ('orders_payment', :'payment'),
  ('orders_notification', :'notification'), ('orders_inventory', :'inventory'), ('orders_configuration', :'configuration');

select format('create role %I', name) from account where name not in (select rolname from pg_roles) \gexec
select format('alter role %I login password %L', name, password) from account \gexec
select format('create database %I', name) from account where name not in (select datname from pg_database) \gexec
select format('alter database %I owner to %I', name, name) from account where name <> 'orders_configuration' \gexec
select format('revoke connect on database %I from public', name) from account \gexec
select format('grant connect on database %I to %I', name, name) from account \gexec

\connect orders_configuration
create table if not exists configuration (key varchar not null, value varchar not null, version varchar not null, metadata json);
create unique index if not exists configuration_key on configuration (key);
grant select on configuration to orders_configuration;
