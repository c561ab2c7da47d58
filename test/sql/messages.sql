-- What the extension says when a call is malformed or a value is not valid: message, detail, hint, and then its SQLSTATE.

CREATE EXTENSION djust_auth;
\set SHOW_CONTEXT never
SELECT djust_auth.create_user('ann@message.example', 'Tulips-4-Ann') AS ann \gset

-- NULL where it is not allowed: 22004

SELECT djust_login(NULL, 'Tulips-4-Ann');
\echo :SQLSTATE
SELECT djust_login('ann@message.example', NULL);
\echo :SQLSTATE
SELECT djust_can('x', NULL, 'read');
\echo :SQLSTATE
SELECT djust_can('x', '/orders', NULL);
\echo :SQLSTATE
SELECT djust_can(NULL, '/orders', 'read');
SELECT djust_refresh(NULL);
\echo :SQLSTATE
SELECT djust_logout(NULL);
\echo :SQLSTATE
SELECT djust_token(NULL);
\echo :SQLSTATE
SELECT djust_reset_request(NULL);
\echo :SQLSTATE
SELECT djust_reset_confirm(NULL, 'Tulips-4-Ann');
\echo :SQLSTATE
SELECT djust_reset_confirm('djp_x', NULL);
\echo :SQLSTATE
SELECT djust_reset_page(NULL);
\echo :SQLSTATE
SELECT djust_introspect(NULL);
\echo :SQLSTATE
SELECT djust_change_password(NULL, 'Tulips-4-Ann', 'Daisies-5-Bob');
\echo :SQLSTATE
SELECT djust_change_password('x', NULL, 'Daisies-5-Bob');
\echo :SQLSTATE
SELECT djust_change_password('x', 'Tulips-4-Ann', NULL);
\echo :SQLSTATE
SELECT djust_sessions(NULL);
\echo :SQLSTATE
SELECT djust_end_session(NULL);
\echo :SQLSTATE
SELECT djust_request_can(NULL, 'read');
\echo :SQLSTATE
SELECT djust_request_can('/orders', NULL);
\echo :SQLSTATE
SELECT djust_auth.create_user(NULL);
\echo :SQLSTATE
SELECT djust_auth.set_password(:'ann', NULL);
\echo :SQLSTATE
SELECT djust_auth.disable_user(NULL);
\echo :SQLSTATE
SELECT djust_auth.create_profile(NULL);
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', NULL, 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders', NULL);
\echo :SQLSTATE
SELECT djust_auth.explain(NULL, '/orders', 'write');
SELECT djust_auth.check_password(NULL);
\echo :SQLSTATE
SELECT djust_auth.mail_failed(1, NULL);
\echo :SQLSTATE

-- an unknown access word: 22023

SELECT djust_can(NULL, '/orders', 'execute');
\echo :SQLSTATE
SELECT djust_can(NULL, '/orders', 'get');
\echo :SQLSTATE
SELECT djust_can(NULL, '/orders', 'none');
\echo :SQLSTATE
SELECT djust_can('garbage', '/orders', '');
\echo :SQLSTATE
SELECT djust_request_can('/orders', 'TRACE');
\echo :SQLSTATE
SELECT djust_auth.explain(:'ann', '/orders', 'delete');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders', 'execute');
\echo :SQLSTATE

-- garbage in a token argument is a dead token and no error

SELECT djust_can('garbage', '/orders', 'read');
SELECT djust_refresh('garbage');
SELECT djust_logout('garbage');
SELECT djust_introspect('garbage');
SELECT djust_reset_confirm('garbage', 'Tulips-4-Ann');
SELECT djust_change_password('garbage', 'Tulips-4-Ann', 'Daisies-5-Bob');
SELECT djust_sessions('garbage');
SELECT djust_end_session('garbage');
SELECT djust_token('refresh_token', refresh_token => 'garbage');

-- answers that are no errors

SELECT djust_login('ann@message.example', 'Nettles-6-Eve');
SELECT djust_login('nobody@message.example', 'Nettles-6-Eve');
SELECT djust_token('password', username => 'ann@message.example', password => 'Nettles-6-Eve');
SELECT djust_token('password', username => 'ann@message.example');
SELECT djust_token('password', password => 'Tulips-4-Ann');
SELECT djust_token('refresh_token');
SELECT djust_token('client_credentials');
SELECT djust_token('');

-- a weak password where the administrator gives it: 22023, with all that it lacks

SELECT djust_auth.create_user('bob@message.example', 'Ab1');
\echo :SQLSTATE
SELECT djust_auth.create_user('bob@message.example', 'Abcdefg1');
\echo :SQLSTATE
SELECT djust_auth.create_user('bob@message.example', '');
\echo :SQLSTATE
SELECT djust_auth.set_password(:'ann', 'tulips');
\echo :SQLSTATE
INSERT INTO djust_auth.password_blocklist VALUES ('Password-1');
SELECT djust_auth.set_password(:'ann', 'Password-1');
\echo :SQLSTATE
SELECT djust_auth.check_password('tulips'), djust_auth.check_password('Password-1'), djust_auth.check_password('Tulips-4-Ann');
SELECT count(*) FROM djust_auth.customer_user;

-- addresses

SELECT djust_auth.create_user('');
\echo :SQLSTATE
SELECT djust_auth.create_user('no-at-sign');
\echo :SQLSTATE
SELECT djust_auth.create_user('two@at@signs');
\echo :SQLSTATE
SELECT djust_auth.create_user(E'ann@message.example\nBcc: eve@message.example');
\echo :SQLSTATE
SELECT djust_auth.create_user('Ann <ann@message.example>');
\echo :SQLSTATE
SELECT djust_auth.change_email(:'ann', 'no-at-sign');
\echo :SQLSTATE
SELECT djust_auth.create_user('  ANN@Message.Example ');
\echo :SQLSTATE
INSERT INTO djust_auth.customer_user (email) VALUES ('no-at-sign');
\echo :SQLSTATE

-- hashes

SELECT djust_auth.import_user('bob@message.example', 'Tulips-4-Ann');
\echo :SQLSTATE
SELECT djust_auth.import_user('bob@message.example', '5f4dcc3b5aa765d61d8327deb882cf99');
\echo :SQLSTATE
INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('bob@message.example', 'Tulips-4-Ann');
\echo :SQLSTATE
UPDATE djust_auth.customer_user SET password_hash = 'Tulips-4-Ann';
\echo :SQLSTATE

-- route patterns: the reason

SELECT djust_auth.set_right('anonymous', '', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders/', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '//orders', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders/../x', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders/*', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/**/orders', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders/x{id}', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders?page=1', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders/%2F', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders/%zz', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', '/orders\x', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', E'/orders/\x01', 'read');
\echo :SQLSTATE
SELECT djust_auth.set_right('anonymous', 'ORDER 200', 'read');
\echo :SQLSTATE
INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/orders/', 'read');
\echo :SQLSTATE
INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/a/{x}', 'read'), ('anonymous', '/a/{y}', 'write');
\echo :SQLSTATE

-- what does not exist, or exists already

SELECT djust_auth.disable_user('00000000-0000-0000-0000-000000000001');
\echo :SQLSTATE
SELECT djust_auth.set_password('00000000-0000-0000-0000-000000000001', 'Tulips-4-Ann');
\echo :SQLSTATE
SELECT djust_auth.open_session('00000000-0000-0000-0000-000000000001');
\echo :SQLSTATE
SELECT djust_auth.add_profile(:'ann', 'nothing');
\echo :SQLSTATE
SELECT djust_auth.create_user('bob@message.example', 'Tulips-4-Ann', '{nothing}');
\echo :SQLSTATE
SELECT djust_auth.set_right('nothing', '/orders', 'read');
\echo :SQLSTATE
SELECT djust_auth.drop_profile('nothing');
\echo :SQLSTATE
SELECT djust_auth.create_profile('anonymous');
\echo :SQLSTATE
SELECT djust_auth.create_profile('');
\echo :SQLSTATE

-- anonymous stays

SELECT djust_auth.drop_profile('anonymous');
\echo :SQLSTATE
DELETE FROM djust_auth.profile;
\echo :SQLSTATE
UPDATE djust_auth.profile SET name = 'everyone';
\echo :SQLSTATE
TRUNCATE djust_auth.profile CASCADE;
\echo :SQLSTATE

-- keys, roles, mail

SELECT djust_auth.rotate_signing_key('none');
\echo :SQLSTATE
SELECT djust_auth.hs256_key();
\echo :SQLSTATE
SELECT djust_auth.grant_api('pg_monitor', 'everything');
\echo :SQLSTATE
SELECT djust_auth.mail_sent(1);
\echo :SQLSTATE
SELECT djust_auth.claim_mail(0);
\echo :SQLSTATE

-- a disabled user gets no session from the administrator either

SELECT djust_auth.disable_user(:'ann');
SELECT djust_auth.open_session(:'ann');
\echo :SQLSTATE

-- read-only transactions: 25006 before anything else

BEGIN READ ONLY;
SELECT djust_login('ann@message.example', 'Tulips-4-Ann');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_login(NULL, NULL);
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_refresh('garbage');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_logout('garbage');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_token('nonsense');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_reset_request('ann@message.example');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_reset_confirm('garbage', 'tulips');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_reset_page('garbage', 'tulips');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_change_password('garbage', 'Tulips-4-Ann', 'tulips');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_end_session('garbage');
\echo :SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT djust_can('garbage', '/orders', 'read'), djust_introspect('garbage'), djust_sessions('garbage');
ROLLBACK;

-- settings: 22023 and a hint

SET djust_auth.access_token_lifetime = 0;
\echo :SQLSTATE
SET djust_auth.argon2_iterations = 1;
\echo :SQLSTATE
SET djust_auth.argon2_memory = '8MB';
\echo :SQLSTATE
SET djust_auth.argon2_parallelism = 0;
\echo :SQLSTATE
SET djust_auth.audience = '';
\echo :SQLSTATE
SET djust_auth.audit_retention = 0;
\echo :SQLSTATE
SET djust_auth.client_address_header = 'X Forwarded For';
\echo :SQLSTATE
SET djust_auth.client_id = '';
\echo :SQLSTATE
SET djust_auth.enforce_routes = 'perhaps';
\echo :SQLSTATE
SET djust_auth.hash_wait_timeout = 0;
\echo :SQLSTATE
SET djust_auth.issuer = '';
\echo :SQLSTATE
SET djust_auth.jwt_role = E'a\nb';
\echo :SQLSTATE
SET djust_auth.mail_from = E'a@b.example\nBcc: c@d.example';
\echo :SQLSTATE
SET djust_auth.mail_lease = 0;
\echo :SQLSTATE
SET djust_auth.max_login_failures = 0;
\echo :SQLSTATE
SET djust_auth.max_login_failures = 101;
\echo :SQLSTATE
SET djust_auth.password_min_length = 7;
\echo :SQLSTATE
SET djust_auth.purge_interval = 0;
\echo :SQLSTATE
SET djust_auth.refresh_reuse_grace = -1;
\echo :SQLSTATE
SET djust_auth.refresh_token_lifetime = 0;
\echo :SQLSTATE
SET djust_auth.reset_link_lifetime = '25h';
\echo :SQLSTATE
SET djust_auth.reset_url = 'http://shop.example/reset?token={token}';
\echo :SQLSTATE
SET djust_auth.reset_url = 'https://shop.example/reset';
\echo :SQLSTATE
SET djust_auth.reset_url = 'http://localhost.evil.example/{token}';
\echo :SQLSTATE
SET djust_auth.reset_url = 'http://localhost:3000/reset?token={token}';
SET djust_auth.session_max_lifetime = 0;
\echo :SQLSTATE
SET djust_auth.smtp_url = 'http://mail.example';
\echo :SQLSTATE
SET djust_auth.max_concurrent_hashes = 4;
\echo :SQLSTATE
SET djust_auth.key_file = '/tmp/key';
\echo :SQLSTATE
SET djust_auth.databases = 'shop';
\echo :SQLSTATE
SET djust_auth.worker_role = 'shop';
\echo :SQLSTATE
SET djust_auth.nonsense = 1;
\echo :SQLSTATE
SET djust_auth.access_token_lifetime = '1s';
SET djust_auth.refresh_token_lifetime = '1s';
SET djust_auth.session_max_lifetime = '1s';
SET djust_auth.reset_link_lifetime = '1s';
RESET ALL;

-- nobody but a superuser sets them

CREATE ROLE djust_message_role;
SET ROLE djust_message_role;
SET djust_auth.max_login_failures = 100;
\echo :SQLSTATE
SET djust_auth.issuer = 'https://evil.example';
\echo :SQLSTATE
-- the server's own words, which change with its major
\set VERBOSITY sqlstate
SHOW djust_auth.smtp_password_file;
\set VERBOSITY default
SELECT djust_login('ann@message.example', 'Tulips-4-Ann');
\echo :SQLSTATE
RESET ROLE;
DROP ROLE djust_message_role;
DROP EXTENSION djust_auth;
