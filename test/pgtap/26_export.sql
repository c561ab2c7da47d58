-- 26_export: export_user names every column, and no secret

BEGIN;
SELECT plan(18);

SELECT djust_auth.create_profile('e_buyer');
SELECT djust_auth.create_user('ann@export.example', 'Tulips-4-Ann', '{e_buyer}') AS ann \gset
SELECT djust_auth.import_user('bob@export.example', '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K') AS bob \gset
SELECT djust_auth.create_user('eve@export.example') AS eve \gset
SET djust_auth.notify_new_device = on;
SELECT count(djust_login('ann@export.example', 'Tulips-4-Ann')) AS logins FROM generate_series(1, 2) \gset
SELECT djust_reset_request('ann@export.example'), djust_reset_request('bob@export.example'), djust_reset_request('nobody@export.example') \g /dev/null
SELECT djust_change_email(djust_login('ann@export.example', 'Tulips-4-Ann') ->> 'access_token', 'Tulips-4-Ann', 'ann.new@export.example') \g /dev/null
SELECT count(*) AS claimed FROM djust_auth.claim_mail() \gset
SELECT djust_auth.export_user(:'ann') AS document \gset

-- a column or table that is new must be told, or stand here as a secret or as no data of a person

CREATE FUNCTION pg_temp.columns_of(name text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT attname::text FROM pg_attribute WHERE attrelid = ('djust_auth.' || name)::regclass AND attnum > 0 AND NOT attisdropped $$;
SELECT set_eq(format($$SELECT replace(json_object_keys(%L::json -> 'user'), 'password_scheme', 'password_hash')$$, :'document'),
	$$SELECT pg_temp.columns_of('customer_user') UNION SELECT 'store'$$, 'every column of customer_user, the scheme in place of the hash, and the store view');
SELECT set_eq(format($$SELECT json_object_keys(%L::json -> %L -> 0)$$, :'document', member),
		format($$SELECT pg_temp.columns_of(%L) EXCEPT SELECT unnest(%L::text[])$$, name, secret), 'every column of ' || name || ' but ' || secret)
	FROM (VALUES ('sessions', 'session', '{user_id,generation,access_hash,purge_at}'), ('links', 'reset_token', '{user_id,token_hash}'),
		('pending_addresses', 'pending_email', '{mail,user_id,account,password_hash,locale}'),
		('devices', 'known_device', '{device,user_id}'),
		('mails', 'mail_queue', '{id,user_id,address,with_worker}'), ('audit', 'audit_event', '{user_id}')) x(member, name, secret);
SELECT set_eq($$SELECT c.relname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind = 'r' AND a.attname = 'user_id'$$,
	'{user_profile,session,reset_token,mail_queue,audit_event,throttle_lock,leaving_user,pending_email,known_device,user_store}'::text[],
	'tables with data of users: these');

SELECT is((:'document'::json ->> 'profiles')::text, '["e_buyer"]', 'profiles');
SELECT is(json_array_length(:'document'::json -> 'mails'), 2, 'their own mails, and nobody else''s');
SELECT is((:'document'::json ->> 'failed_attempts')::text, '{"failures" : 0, "allowed_at" : null}', 'no failures');
SELECT is(djust_auth.export_user(:'bob') #>> '{user,password_scheme}', 'bcrypt', 'the scheme of an imported hash');
SELECT is(djust_auth.export_user(:'eve') #>> '{user,password_scheme}', NULL, 'no password');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE detail = '{"change": "exported"}'), 3::bigint, 'each export is on record');

SELECT is(:'document'::jsonb #>> '{pending_addresses,0,address}', 'ann.new@export.example', 'the address that is to come');

-- a former address that somebody else has now
SELECT djust_auth.change_email(:'bob', 'bob.new@export.example');
SELECT is(json_array_length(djust_auth.export_user(:'bob') -> 'mails'), 1, 'a mail to a former address');
SELECT djust_auth.create_user('bob@export.example') AS other \gset
SELECT is(json_array_length(djust_auth.export_user(:'bob') -> 'mails'), 0, 'is not told if somebody else has it now');
SELECT is(json_array_length(djust_auth.export_user(:'other') -> 'mails'), 1, 'but to that user');

SELECT * FROM finish();
ROLLBACK;
