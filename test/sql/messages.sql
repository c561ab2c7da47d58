-- What the extension says when a call is malformed or a value is not valid.  The output has only what says() gives back:
-- a statement, then its answer, or SQLSTATE, message, detail and hint of its error.

\set ECHO none
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION djust_auth;
SELECT set_config('message.ann', quote_literal(djust_auth.create_user('ann@message.example', 'Tulips-4-Ann')), false) AS ann \gset

-- one statement a line; those that begin with a hyphen are headings, :ann is the user's id
CREATE FUNCTION says(statements text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	statement text;
BEGIN
	FOREACH statement IN ARRAY string_to_array(trim(E'\n' FROM statements), E'\n') LOOP
		DECLARE
			answer text;
			detail text;
			hint text;
		BEGIN
			IF statement LIKE 'SELECT%' THEN
				EXECUTE replace(statement, ':ann', current_setting('message.ann')) INTO answer;
			ELSE
				EXECUTE statement;
			END IF;
			RETURN NEXT concat_ws(E'\n\t', statement, nullif(answer, ''));
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS answer = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			RETURN NEXT concat_ws(E'\n\t', statement, SQLSTATE || ': ' || answer, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
		END;
	END LOOP;
END $$;

SELECT says($$
-- NULL where it is not allowed: 22004
SELECT djust_login(NULL, 'Tulips-4-Ann')
SELECT djust_login('ann@message.example', NULL)
SELECT djust_can('x', NULL, 'read')
SELECT djust_can('x', '/orders', NULL)
SELECT djust_can(NULL, '/orders', 'read')
SELECT djust_refresh(NULL)
SELECT djust_logout(NULL)
SELECT djust_token(NULL)
SELECT djust_reset_request(NULL)
SELECT djust_reset_confirm(NULL, 'Tulips-4-Ann')
SELECT djust_reset_confirm('djp_x', NULL)
SELECT djust_reset_page(NULL)
SELECT djust_confirm_page(NULL)
SELECT djust_introspect(NULL)
SELECT djust_change_password(NULL, 'Tulips-4-Ann', 'Daisies-5-Bob')
SELECT djust_change_password('x', NULL, 'Daisies-5-Bob')
SELECT djust_change_password('x', 'Tulips-4-Ann', NULL)
SELECT djust_sessions(NULL)
SELECT djust_end_session(NULL)
SELECT djust_request_can(NULL, 'read')
SELECT djust_request_can('/orders', NULL)
SELECT djust_auth.create_user(NULL)
SELECT djust_auth.set_password(:ann, NULL)
SELECT djust_auth.disable_user(NULL)
SELECT djust_auth.create_profile(NULL)
SELECT djust_auth.set_right('anonymous', NULL, 'read')
SELECT djust_auth.set_right('anonymous', '/orders', NULL)
SELECT djust_auth.explain(NULL, '/orders', 'write')
SELECT djust_auth.check_password(NULL)
SELECT djust_auth.mail_failed(1, NULL)
-- an unknown access word: 22023
SELECT djust_can(NULL, '/orders', 'execute')
SELECT djust_can(NULL, '/orders', 'get')
SELECT djust_can(NULL, '/orders', 'none')
SELECT djust_can('garbage', '/orders', '')
SELECT djust_request_can('/orders', 'TRACE')
SELECT djust_auth.explain(:ann, '/orders', 'delete')
SELECT djust_auth.set_right('anonymous', '/orders', 'execute')
-- garbage in a token argument is a dead token and no error
SELECT djust_can('garbage', '/orders', 'read')
SELECT djust_refresh('garbage')
SELECT djust_logout('garbage')
SELECT djust_introspect('garbage')
SELECT djust_reset_confirm('garbage', 'Tulips-4-Ann')
SELECT djust_change_password('garbage', 'Tulips-4-Ann', 'Daisies-5-Bob')
SELECT djust_sessions('garbage')
SELECT djust_end_session('garbage')
SELECT djust_token('refresh_token', refresh_token => 'garbage')
-- answers that are no errors
SELECT djust_login('ann@message.example', 'Nettles-6-Eve')
SELECT djust_login('nobody@message.example', 'Nettles-6-Eve')
SELECT djust_token('password', username => 'ann@message.example', password => 'Nettles-6-Eve')
SELECT djust_token('password', username => 'ann@message.example')
SELECT djust_token('password', password => 'Tulips-4-Ann')
SELECT djust_token('refresh_token')
SELECT djust_token('client_credentials')
SELECT djust_token('')
-- a weak password where the administrator gives it: 22023, with all that it lacks
SELECT djust_auth.create_user('bob@message.example', 'Ab1')
SELECT djust_auth.create_user('bob@message.example', 'Tulpenb1')
SELECT djust_auth.create_user('bob@message.example', '')
SELECT djust_auth.set_password(:ann, 'tulips')
INSERT INTO djust_auth.password_blocklist VALUES ('Blocked-1')
SELECT djust_auth.set_password(:ann, 'Blocked-1')
SELECT djust_auth.check_password('tulips')
SELECT djust_auth.check_password('Blocked-1')
SELECT djust_auth.check_password('Tulips-4-Ann')
SELECT count(*) FROM djust_auth.customer_user
-- addresses
SELECT djust_auth.create_user('')
SELECT djust_auth.create_user('no-at-sign')
SELECT djust_auth.create_user('two@at@signs')
SELECT djust_auth.create_user(E'ann@message.example\nBcc: eve@message.example')
SELECT djust_auth.create_user('Ann <ann@message.example>')
SELECT djust_auth.change_email(:ann, 'no-at-sign')
SELECT djust_auth.create_user('  ANN@Message.Example ')
INSERT INTO djust_auth.customer_user (email) VALUES ('no-at-sign')
-- hashes
SELECT djust_auth.import_user('bob@message.example', 'Tulips-4-Ann')
SELECT djust_auth.import_user('bob@message.example', '5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8')
INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('bob@message.example', 'Tulips-4-Ann')
UPDATE djust_auth.customer_user SET password_hash = 'Tulips-4-Ann'
-- route patterns: the reason
SELECT djust_auth.set_right('anonymous', '', 'read')
SELECT djust_auth.set_right('anonymous', '/orders/', 'read')
SELECT djust_auth.set_right('anonymous', '//orders', 'read')
SELECT djust_auth.set_right('anonymous', '/orders/../x', 'read')
SELECT djust_auth.set_right('anonymous', '/orders/*', 'read')
SELECT djust_auth.set_right('anonymous', '/**/orders', 'read')
SELECT djust_auth.set_right('anonymous', '/orders/x{id}', 'read')
SELECT djust_auth.set_right('anonymous', '/orders?page=1', 'read')
SELECT djust_auth.set_right('anonymous', '/orders/%2F', 'read')
SELECT djust_auth.set_right('anonymous', '/orders/%zz', 'read')
SELECT djust_auth.set_right('anonymous', '/orders\x', 'read')
SELECT djust_auth.set_right('anonymous', E'/orders/\x01', 'read')
SELECT djust_auth.set_right('anonymous', 'ORDER 200', 'read')
INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/orders/', 'read')
INSERT INTO djust_auth.profile_right VALUES ('anonymous', '/a/{x}', 'read'), ('anonymous', '/a/{y}', 'write')
-- what does not exist, or exists already
SELECT djust_auth.disable_user('00000000-0000-0000-0000-000000000001')
SELECT djust_auth.set_password('00000000-0000-0000-0000-000000000001', 'Tulips-4-Ann')
SELECT djust_auth.open_session('00000000-0000-0000-0000-000000000001')
SELECT djust_auth.add_profile(:ann, 'nothing')
SELECT djust_auth.create_user('bob@message.example', 'Tulips-4-Ann', '{nothing}')
SELECT djust_auth.set_right('nothing', '/orders', 'read')
SELECT djust_auth.drop_profile('nothing')
SELECT djust_auth.create_profile('anonymous')
SELECT djust_auth.create_profile('')
-- anonymous stays
SELECT djust_auth.drop_profile('anonymous')
DELETE FROM djust_auth.profile
UPDATE djust_auth.profile SET name = 'everyone'
TRUNCATE djust_auth.profile CASCADE
-- keys, roles, mail
SELECT djust_auth.rotate_signing_key('none')
SELECT djust_auth.hs256_key()
SELECT djust_auth.grant_api('pg_monitor', 'everything')
SELECT djust_auth.mail_sent(1)
SELECT djust_auth.claim_mail(0)
-- a disabled user gets no session from the administrator either
SELECT djust_auth.disable_user(:ann)
SELECT djust_auth.open_session(:ann)
$$);

BEGIN READ ONLY;
SELECT says($$
-- read-only transactions: 25006 before anything else
SELECT djust_login('ann@message.example', 'Tulips-4-Ann')
SELECT djust_login(NULL, NULL)
SELECT djust_refresh('garbage')
SELECT djust_logout('garbage')
SELECT djust_token('nonsense')
SELECT djust_reset_request('ann@message.example')
SELECT djust_reset_confirm('garbage', 'tulips')
SELECT djust_reset_page('garbage', 'tulips')
SELECT djust_sign_up_page('garbage', 'tulips')
SELECT djust_confirm_page('garbage', 'yes')
SELECT djust_change_password('garbage', 'Tulips-4-Ann', 'tulips')
SELECT djust_end_session('garbage')
SELECT djust_can('garbage', '/orders', 'read')
SELECT djust_introspect('garbage')
SELECT djust_sessions('garbage')
$$);
ROLLBACK;

SELECT says($$
-- settings: 22023 and a hint
SET djust_auth.access_token_lifetime = 0
SET djust_auth.argon2_iterations = 1
SET djust_auth.argon2_memory = '8MB'
SET djust_auth.argon2_parallelism = 0
SET djust_auth.audience = ''
SET djust_auth.audit_retention = 0
SET djust_auth.client_address_header = 'X Forwarded For'
SET djust_auth.client_id = ''
SET djust_auth.enforce_routes = 'perhaps'
SET djust_auth.hash_wait_timeout = 0
SET djust_auth.issuer = ''
SET djust_auth.jwt_role = E'a\nb'
SET djust_auth.mail_from = E'a@b.example\nBcc: c@d.example'
SET djust_auth.mail_lease = 0
SET djust_auth.max_login_failures = 0
SET djust_auth.max_login_failures = 101
SET djust_auth.password_min_length = 7
SET djust_auth.purge_interval = 0
SET djust_auth.refresh_reuse_grace = -1
SET djust_auth.refresh_token_lifetime = 0
SET djust_auth.reset_link_lifetime = '25h'
SET djust_auth.reset_url = 'http://shop.example/reset?token={token}'
SET djust_auth.reset_url = 'https://shop.example/reset'
SET djust_auth.reset_url = 'http://localhost.evil.example/{token}'
SET djust_auth.reset_url = 'http://localhost:3000/reset?token={token}'
SET djust_auth.session_max_lifetime = 0
SET djust_auth.smtp_url = 'http://mail.example'
SET djust_auth.max_concurrent_hashes = 4
SET djust_auth.key_file = '/tmp/key'
SET djust_auth.databases = 'shop'
SET djust_auth.worker_role = 'shop'
SET djust_auth.nonsense = 1
SET djust_auth.access_token_lifetime = '1s'
SET djust_auth.refresh_token_lifetime = '1s'
SET djust_auth.session_max_lifetime = '1s'
SET djust_auth.reset_link_lifetime = '1s'
RESET ALL
$$);

CREATE ROLE djust_message_role;
SET ROLE djust_message_role;
SELECT says($$
-- nobody but a superuser sets them
SET djust_auth.max_login_failures = 100
SET djust_auth.issuer = 'https://evil.example'
SELECT djust_login('ann@message.example', 'Tulips-4-Ann')
$$);
-- the server's own words, which change with its major
\set VERBOSITY sqlstate
SHOW djust_auth.smtp_password_file;
RESET ROLE;
DROP ROLE djust_message_role;
DROP FUNCTION says(text);
DROP EXTENSION djust_auth;
