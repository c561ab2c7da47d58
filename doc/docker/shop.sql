-- the database of compose.yaml: the roles of doc/postgrest.md, a role for the worker, and a customer to try them with

\getenv password AUTHENTICATOR_PASSWORD

CREATE SCHEMA api;
CREATE EXTENSION djust_auth SCHEMA api;

CREATE ROLE web_authenticator LOGIN NOINHERIT PASSWORD :'password';
CREATE ROLE web_anon;
CREATE ROLE web_customer;
CREATE ROLE shop_worker LOGIN;
GRANT web_anon, web_customer TO web_authenticator;

SELECT djust_auth.grant_api('web_authenticator', 'authenticator');
SELECT djust_auth.grant_api('web_anon', 'anonymous');
SELECT djust_auth.grant_api('web_customer', 'customer');
SELECT djust_auth.grant_api('shop_worker', 'worker');

ALTER DATABASE shop SET djust_auth.jwt_role = 'web_customer';

SELECT djust_auth.create_profile('buyer');
SELECT djust_auth.set_right('buyer', '/orders/**', 'write');
SELECT djust_auth.create_user('ann@example.com', 'Tulips-4-Ann', '{buyer}');
