-- 12_settings: bad values are refused when set, with a hint; a normal role sets nothing

BEGIN;
\pset fieldsep '\n'
SELECT plan(529);

CREATE FUNCTION pg_temp.refusal(name text, value text, OUT state text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('djust_auth.' || name, value, true);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
END $$;

CREATE TEMP TABLE bad (name text, value text);
INSERT INTO bad VALUES
	('access_token_lifetime', '0'), ('access_token_lifetime', '-1'), ('access_token_lifetime', '-10min'), ('refresh_token_lifetime', '0'), ('refresh_token_lifetime', '-1'),
	('session_max_lifetime', '0'), ('session_max_lifetime', '-1'), ('reset_link_lifetime', '0'), ('reset_link_lifetime', '-1'), ('reset_link_lifetime', '86401'), ('reset_link_lifetime', '25h'), ('reset_link_lifetime', '2d'),
	('refresh_reuse_grace', '-1'), ('mail_lease', '0'), ('mail_lease', '-1'), ('purge_interval', '0'), ('purge_interval', '-1'), ('audit_retention', '0'), ('audit_retention', '-1'), ('hash_wait_timeout', '-1'),
	('password_min_length', '7'), ('password_min_length', '0'), ('password_min_length', '-1'), ('password_context', E'shop\nroses'), ('password_context', repeat('x', 1025)), ('password_policy', ''), ('password_policy', 'none'),
	('argon2_memory', '19455'), ('argon2_memory', '8'), ('argon2_memory', '0'), ('argon2_memory', '18MB'), ('argon2_iterations', '1'), ('argon2_iterations', '0'), ('argon2_parallelism', '0'), ('argon2_parallelism', '-1'),
	('max_login_failures', '0'), ('max_login_failures', '-1'), ('max_login_failures', '101'), ('max_replica_lag', '-1'), ('max_replica_lag', '999ms'), ('max_replica_lag', '2h'), ('max_sessions', '-1'), ('max_sessions', '10001'), ('shard', '-1'), ('shard', '4096'),
	('confirm_url', ''), ('confirm_url', 'http://shop.example/confirm?token={token}'), ('confirm_url', 'https://shop.example/confirm'), ('invitation_lifetime', '0'), ('invitation_lifetime', '15d'), ('sign_up_profiles', E'a\nb'),
	('reset_url', ''), ('reset_url', 'http://shop.example/reset?token={token}'), ('reset_url', 'https://shop.example/reset'), ('reset_url', 'javascript:alert({token})'), ('reset_url', 'ftp://shop.example/{token}'),
	('reset_url', '//shop.example/{token}'), ('reset_url', 'shop.example/{token}'), ('reset_url', 'http://localhost.evil.example/{token}'), ('reset_url', 'http://localhost@evil.example/{token}'), ('reset_url', 'https:///{token}'),
	('reset_url', E'https://shop.example/\n{token}'), ('reset_url', 'https://shop.example/" onclick="x/{token}'), ('reset_url', 'https://shop.example/<b>{token}'), ('reset_url', 'https://shop.example/ {token}'),
	('api_url', 'shop.example/api'), ('api_url', 'http://shop.example/api'), ('api_url', 'https://shop.example/api?x'), ('api_url', 'https://shop.example/#api'), ('api_url', 'https://user:pw@shop.example'), ('api_url', 'https://shop.example/"'),
	('issuer', E'a\nb'), ('audience', E'a\nb'), ('client_id', E'a\nb'),
	('reset_url', 'https://{token}'), ('reset_url', 'https://{token}.example/'), ('reset_url', 'https://shop.example:{token}/'), ('reset_url', 'https://user:pw@shop.example/{token}'), ('reset_url', 'https://shop.example:99999/{token}'),
	('smtp_url', 'smtp://'), ('smtp_url', 'smtp://mail.example:0'), ('smtp_url', 'smtp://mail.example:99999'), ('smtp_url', 'smtp://mail.example:x'), ('smtp_url', 'smtp://mail.example?x'), ('smtp_url', 'smtp://mail.example/a/b'), ('smtp_url', 'smtp://user@mail.example'),
	('smtp_url', 'http://mail.example'), ('smtp_url', 'mail.example:25'), ('smtp_url', 'file:///etc/passwd'), ('smtp_url', E'smtp://mail.example\nx'),
	('mail_from', E'shop@shop.example\nBcc: eve@evil.example'), ('mail_from', E'shop@shop.example\r\n'),
	('client_address_header', 'X Forwarded For'), ('client_address_header', E'x-forwarded-for\n'), ('client_address_header', 'x:y'), ('store_header', 'X Store'),
	('jwt_role', E'a\nb');
SELECT is(r.state, '22023', format('%s = %L is refused', name, value)), ok(length(r.hint) > 0, coalesce('with a hint: ' || r.hint, 'with a hint'))
	FROM bad, LATERAL pg_temp.refusal(name, value) r;
SELECT is((pg_temp.refusal('enforce_routes', 'perhaps')).state, '22023', 'enforce_routes = perhaps is refused');
SELECT is((pg_temp.refusal(name, 'soon')).state, '22023', name || ' = soon is refused')
	FROM unnest('{access_token_lifetime,refresh_token_lifetime,session_max_lifetime,reset_link_lifetime,refresh_reuse_grace,mail_lease,purge_interval,audit_retention,hash_wait_timeout,argon2_memory,max_login_failures}'::text[]) name;

CREATE TEMP TABLE good (name text, value text);
INSERT INTO good VALUES
	('access_token_lifetime', '1s'), ('access_token_lifetime', '10min'), ('refresh_token_lifetime', '1s'), ('refresh_token_lifetime', '2h'), ('session_max_lifetime', '1s'), ('session_max_lifetime', '12h'), ('reset_link_lifetime', '1s'), ('reset_link_lifetime', '24h'),
	('refresh_reuse_grace', '0'), ('refresh_reuse_grace', '10s'), ('mail_lease', '1s'), ('purge_interval', '1s'), ('audit_retention', '1s'), ('audit_retention', '3650d'), ('hash_wait_timeout', '1s'),
	('password_min_length', '8'), ('password_min_length', '15'), ('password_context', ''), ('password_context', 'Rosenhof, Blumen Schulze, rosenhof.example'), ('password_policy', 'djust'), ('password_policy', 'nist'), ('argon2_memory', '19456'), ('argon2_memory', '64MB'), ('argon2_iterations', '2'), ('argon2_iterations', '3'), ('argon2_parallelism', '1'), ('argon2_parallelism', '4'),
	('max_login_failures', '1'), ('max_login_failures', '100'), ('max_replica_lag', '0'), ('max_replica_lag', '1s'), ('max_replica_lag', '1h'), ('max_sessions', '0'), ('max_sessions', '1'), ('max_sessions', '10000'), ('shard', '0'), ('shard', '4095'),
	('confirm_url', 'https://shop.example/#/confirm/{token}'), ('confirm_url', 'http://localhost:3000/{token}'), ('invitation_lifetime', '1s'), ('invitation_lifetime', '14d'), ('sign_up', 'on'), ('sign_up', 'off'), ('notify_new_device', 'on'), ('notify_new_device', 'off'), ('sign_up_profiles', 'customer, VIP customer'), ('sign_up_profiles', ''),
	('reset_url', 'https://shop.example/reset?token={token}'), ('reset_url', 'https://shop.example:8443/#/reset/{token}'), ('reset_url', 'http://localhost/reset?t={token}'), ('reset_url', 'http://localhost:3000/{token}'),
	('api_url', ''), ('api_url', 'https://shop.example/api'), ('api_url', 'https://shop.example/'), ('api_url', 'http://localhost:3000'), ('issuer', 'https://login.shop.example'), ('audience', 'https://api.shop.example'), ('client_id', 'shop'), ('smtp_url', ''), ('smtp_url', 'smtp://mail.example:587'), ('smtp_url', 'smtp://mail.example/'), ('smtp_url', 'smtp://[::1]:25'), ('reset_url', 'https://[2001:db8::1]/{token}'), ('smtp_url', 'smtps://mail.example:465'), ('smtp_ca_file', '/etc/ssl/mail.pem'),
	('smtp_user', 'shop'), ('smtp_password_file', '/etc/djust/smtp'), ('mail_from', 'shop@shop.example'), ('client_address_header', ''), ('client_address_header', 'x-forwarded-for'), ('store_header', ''), ('store_header', 'X-Store'), ('jwt_role', ''), ('jwt_role', 'web_customer'), ('enforce_routes', 'on'), ('enforce_routes', 'off'), ('follower', 'on'), ('follower', 'off');
SELECT lives_ok(format('SELECT set_config(%L, %L, true)', 'djust_auth.' || name, value), format('%s = %L is taken', name, value)) FROM good;

SELECT throws_ok(format('SET djust_auth.%s = %L', name, value), '55P02', NULL, name || ' needs a restart')
	FROM (VALUES ('max_concurrent_hashes', '2'), ('databases', 'shop'), ('worker_role', 'shop'), ('key_file', 'other.key')) x(name, value);

-- a normal role, in every way there is

CREATE ROLE pgtap_normal;
GRANT CREATE ON SCHEMA public TO pgtap_normal;
CREATE TEMP TABLE setting AS SELECT name, boot_val, context FROM pg_settings WHERE name LIKE 'djust_auth.%';
GRANT SELECT ON setting TO pgtap_normal;
SELECT djust_auth.grant_api('pgtap_normal', 'backend');
SET LOCAL ROLE pgtap_normal;
SELECT throws_ok(format('SET %s = %L', name, boot_val), CASE context WHEN 'postmaster' THEN '55P02' ELSE '42501' END, NULL, 'a normal role cannot SET ' || name)
	FROM setting ORDER BY name;
SELECT throws_ok(format('SET LOCAL %s = %L', name, boot_val), '42501', NULL, 'nor SET LOCAL ' || name) FROM setting WHERE context <> 'postmaster' ORDER BY name;
SELECT throws_ok(format('SELECT set_config(%L, %L, true)', name, boot_val), '42501', NULL, 'nor set_config ' || name) FROM setting WHERE context <> 'postmaster' ORDER BY name;
SELECT throws_ok(format('RESET %s', name), '42501', NULL, 'nor RESET ' || name) FROM setting WHERE context <> 'postmaster' ORDER BY name;
SELECT throws_ok(format('UPDATE pg_settings SET setting = %L WHERE name = %L', boot_val, name), '42501', NULL, 'nor UPDATE pg_settings ' || name)
	FROM setting WHERE context <> 'postmaster' AND name IN (SELECT s.name FROM pg_settings s) ORDER BY name;
SELECT throws_ok(format('ALTER ROLE pgtap_normal SET %s = %L', name, boot_val), '42501', NULL, 'nor ALTER ROLE SET ' || name) FROM setting WHERE context <> 'postmaster' ORDER BY name;
SELECT throws_ok($$CREATE FUNCTION public.pgtap_sets() RETURNS text LANGUAGE sql SET djust_auth.access_token_lifetime = '1d' AS 'SELECT NULL::text'$$, '42501', NULL, 'nor by a function with SET');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
