-- 28_devices: the notice of a login with a new device

BEGIN;
\pset fieldsep '\n'
SELECT plan(15);

-- logs in with this agent from this address; how many notices it made
CREATE FUNCTION pg_temp.login(agent text, address text, email text DEFAULT 'ann@devices.example', password text DEFAULT 'Tulips-4-Ann') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT count(*) FROM djust_auth.mail_queue WHERE kind = 'new_device');
BEGIN
	PERFORM set_config('request.headers', json_build_object('user-agent', agent, 'x-real-ip', address)::text, true);
	PERFORM djust_login(email, password);
	RETURN (SELECT count(*) FROM djust_auth.mail_queue WHERE kind = 'new_device') - before;
END $$;
SET djust_auth.client_address_header = 'X-Real-IP';
SELECT djust_auth.create_user('ann@devices.example', 'Tulips-4-Ann') AS ann \gset
SELECT djust_auth.create_user('bob@devices.example', 'Tulips-4-Ann') AS bob \gset
SELECT is(pg_temp.login('Firefox', '192.0.2.1'), 0::bigint, 'off from the start');
SELECT is((SELECT count(*) FROM djust_auth.known_device), 0::bigint, 'and nothing is kept');
SET djust_auth.notify_new_device = on;
SELECT is(pg_temp.login('Firefox', '192.0.2.1'), 0::bigint, 'the first login ever');
SELECT is(pg_temp.login('Firefox', '192.0.2.1'), 0::bigint, 'the same device');
SELECT is(pg_temp.login('Firefox', '192.0.2.99'), 0::bigint, 'another address of its network');
SELECT is(pg_temp.login('Firefox', '198.51.100.1'), 1::bigint, 'another network');
SELECT is(pg_temp.login('Firefox', '198.51.100.1'), 0::bigint, 'is known then');
SELECT is(pg_temp.login('Chrome', '192.0.2.1'), 1::bigint, 'another agent');
SELECT is(pg_temp.login('Firefox', '2001:db8:1:2::1'), 1::bigint, 'IPv6');
SELECT is(pg_temp.login('Firefox', '2001:db8:1:3::1'), 0::bigint, 'its /48');
SELECT is(pg_temp.login('Opera', '192.0.2.1', password => 'wrong'), 0::bigint, 'a wrong password tells nobody');
SELECT is(pg_temp.login('Firefox', '192.0.2.1', 'bob@devices.example'), 0::bigint, 'another user''s first login, with a device that is known for the one');
UPDATE djust_auth.known_device SET seen_at = seen_at - interval '181 days';
SELECT is(pg_temp.login('Firefox', '192.0.2.1'), 1::bigint, 'not seen for 180 days');
SELECT is((SELECT array_agg(DISTINCT subject) FROM djust_auth.claim_mail(100)), '{"A new device logged in"}', 'the mail');
UPDATE djust_auth.known_device SET seen_at = seen_at - interval '366 days';
SELECT djust_auth.purge() \g /dev/null
SELECT is((SELECT count(*) FROM djust_auth.known_device), 0::bigint, 'after a year nothing is kept');

SELECT * FROM finish();
ROLLBACK;
