-- 08_reset: forgotten passwords, from the request to the notice, and the queue behind the mails

BEGIN;
\pset fieldsep '\n'
SELECT plan(107);

-- rows of every table of the extension
CREATE FUNCTION pg_temp.row_counts() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r record; n bigint; counts jsonb := '{}';
BEGIN
	FOR r IN SELECT oid::regclass AS t FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('SELECT count(*) FROM %s', r.t) INTO n;
		counts := counts || jsonb_build_object(r.t::text, n);
	END LOOP;
	RETURN counts;
END $$;
-- what the first counts have less than the second
CREATE FUNCTION pg_temp.grown(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(key, value::bigint - (a ->> key)::bigint ORDER BY key), '{}') FROM jsonb_each_text(b) WHERE value::bigint <> (a ->> key)::bigint
$$;
-- tables in which the text, or these bytes in hexadecimal, can be read
CREATE FUNCTION pg_temp.holds(needle text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
	r record; found boolean; tables text[] := '{}';
BEGIN
	FOR r IN SELECT oid::regclass AS t FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace AND relkind = 'r' LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s x WHERE strpos(to_jsonb(x)::text, $1) > 0 OR strpos(x::text, $1) > 0)', r.t) INTO found USING needle;
		IF found THEN tables := tables || r.t::text; END IF;
	END LOOP;
	RETURN tables;
END $$;
CREATE FUNCTION pg_temp.link(recipient text) RETURNS text LANGUAGE sql AS $$
	SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') FROM djust_auth.claim_mail(100) m WHERE m.recipient = $1
$$;

SELECT djust_auth.create_user('ann@reset.example', 'Tulips-4-Ann') AS ann \gset
SELECT djust_auth.create_user('bob@reset.example', 'Daisies-4-Bob') AS bob \gset
SELECT djust_login('ann@reset.example', 'wrong') AS refused \gset
SELECT djust_auth.open_session(:'ann') AS s1 \gset
SELECT djust_auth.open_session(:'ann') AS s2 \gset
SELECT djust_auth.open_session(:'bob') AS s3 \gset

-- the request: never tells, and leaves the same rows

SELECT (djust_auth.stats() ->> 'reset_requests')::bigint AS requests \gset
SELECT pg_temp.row_counts() AS c0 \gset
SELECT is(djust_reset_request('nobody@reset.example')::text, '', 'unknown address: void');
SELECT pg_temp.row_counts() AS c1 \gset
SELECT is(djust_reset_request('ann@reset.example')::text, '', 'known address: void');
SELECT pg_temp.row_counts() AS c2 \gset
SELECT is(djust_reset_request('not an address')::text, '', 'no address: void');
SELECT pg_temp.row_counts() AS c3 \gset
SELECT is(pg_temp.grown(:'c0', :'c1'), pg_temp.grown(:'c1', :'c2'), 'an unknown address leaves the same rows as a known one');
SELECT is(pg_temp.grown(:'c2', :'c3'), pg_temp.grown(:'c1', :'c2'), 'so does what is no address');
SELECT isnt(pg_temp.grown(:'c0', :'c1'), '{}', 'and there are such rows');
SELECT ok(NOT pg_temp.grown(:'c1', :'c2') ? 'djust_auth.reset_token', 'no link exists yet');
SELECT is((djust_auth.stats() ->> 'reset_requests')::bigint - :requests, 3::bigint, 'requests are counted');
SELECT is(pg_temp.holds('nobody@reset.example'), '{}', 'no table holds the unknown address in clear');
SELECT is(pg_temp.holds(encode('nobody@reset.example', 'hex')), '{}', 'nor as bytes');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 2::bigint, 'a request ends no session');
SELECT throws_ok('SELECT djust_reset_request(NULL)', '22004', NULL, 'NULL is an error');
SELECT ok((djust_auth.stats() ->> 'mails_waiting')::bigint >= 1, 'a mail waits');

-- the mail

SELECT count(*) AS mails, min(id) AS id, min(recipient) AS recipient, min(subject) AS subject, min(body_text) AS body_text, min(body_html) AS body_html FROM djust_auth.claim_mail() \gset
SELECT is(:mails, 1, 'one mail for the known address, none for others');
SELECT is(:'recipient'::text, 'ann@reset.example', 'recipient');
SELECT ok(length(:'subject') > 0 AND :'subject' !~ '[[:cntrl:]]', 'subject of one line');
SELECT substring(:'body_text' FROM 'djp_[A-Za-z0-9_-]+') AS link \gset
SELECT matches(:'link'::text, '^djp_[A-Za-z0-9_-]{46}$', 'the text has a link of 260 random bits, and the shard');
SELECT ok(strpos(:'body_text', 'https://shop.example/reset?token=' || :'link') > 0, 'at reset_url');
SELECT ok(strpos(:'body_html', 'https://shop.example/reset?token=' || :'link') > 0, 'and so has the HTML');
SELECT is(pg_temp.holds(:'link'), '{}', 'no table holds the secret');
SELECT is(pg_temp.holds(substr(:'link', 5)), '{}', 'nor without its prefix');
SELECT is(pg_temp.holds(encode(convert_to(:'link', 'UTF8'), 'hex')), '{}', 'nor its text as bytes');
SELECT is(pg_temp.holds(encode(decode(rpad(t, (length(t) + 3) / 4 * 4, '='), 'base64'), 'hex')), '{}', 'nor its bytes') FROM translate(substr(:'link', 5), '-_', '+/') t;
SELECT is((SELECT count(*) FROM djust_auth.claim_mail()), 0::bigint, 'a claimed mail is not claimed again at once');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 2::bigint, 'the sessions live');
SELECT is(djust_login('ann@reset.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'and the old password is good');

-- lost by the one who claimed it: claimed again after the lease, with a link of its own

SET LOCAL djust_auth.mail_lease = '1s';
SELECT djust_reset_request('bob@reset.example');
SELECT pg_temp.link('bob@reset.example') AS bob1 \gset
SELECT pg_sleep(1.1);
RESET djust_auth.mail_lease;
SELECT pg_temp.link('bob@reset.example') AS bob2 \gset
SELECT isnt(:'bob2'::text, :'bob1', 'after the lease the mail is claimed again, with another link');

-- weak passwords do not burn a link

SELECT djust_reset_confirm(:'link', 'Tulpenb1') AS answer \gset
SELECT is(:'answer'::jsonb - 'error_description', '{"error": "weak_password", "violations": ["missing_special"]}', 'a weak password is refused with its reasons');
SELECT is(djust_reset_confirm(:'link', '')::jsonb -> 'violations', '["too_short", "missing_uppercase", "missing_lowercase", "missing_digit", "missing_special"]'::jsonb, 'all of them');

-- what is no link

SELECT is(djust_reset_confirm(t, 'Tulips-5-Ann')::text, :'refused', 'refused: ' || w) FROM (VALUES ('empty', ''), ('prefix', 'djp_'), ('garbage', 'garbage'),
	('shorter', left(:'link', -1)), ('longer', :'link' || 'A'), ('no prefix', substr(:'link', 5)), ('blank', :'link' || ' '), ('padding', :'link' || '='),
	('changed', overlay(:'link' PLACING CASE WHEN substr(:'link', 20, 1) = 'A' THEN 'B' ELSE 'A' END FROM 20)), ('whole URL', 'https://shop.example/reset?token=' || :'link'),
	('long', repeat('djp_', 50000)), ('never made', 'djp_' || repeat('A', 43))) x(w, t);
SELECT throws_ok(format('SELECT djust_reset_confirm(%s)', a), '22004', NULL, 'NULL is an error: ' || a) FROM unnest(ARRAY[$$NULL, 'Tulips-5-Ann'$$, $$'x', NULL$$]) a;

-- confirmation: a second link first, to see it die

UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() WHERE id = :id;
SELECT pg_temp.link('ann@reset.example') AS link2 \gset
SELECT is((SELECT count(*) FROM djust_auth.reset_token WHERE user_id = :'ann'), 2::bigint, 'two links live');
SELECT djust_auth.mail_sent(:id);
SELECT count(*) AS sessions_before FROM djust_auth.session WHERE user_id = :'bob' \gset
SELECT is(djust_reset_confirm(:'link', 'Tulips-5-Ann')::jsonb, '{"status": "password_updated"}', 'the link confirms');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 0::bigint, 'all sessions ended, and none began');
SELECT is(djust_refresh(:'s1'::json ->> 'refresh_token')::text, :'refused', 'their refresh tokens are dead'),
		is(djust_introspect(:'s2'::json ->> 'access_token')::jsonb, '{"active": false}', 'and their access tokens'),
		is(djust_introspect(:'s3'::json ->> 'access_token') ->> 'active', 'true', 'somebody else''s live');
SELECT is(djust_reset_confirm(:'link', 'Tulips-6-Ann')::text, :'refused', 'a used link is dead'),
		is(djust_reset_confirm(:'link2', 'Tulips-6-Ann')::text, :'refused', 'and so are all others of the user'),
		is(djust_reset_confirm(:'link', 'weak') ->> 'error' IN ('weak_password', 'invalid_grant'), true, 'whatever the password');
SELECT is(djust_login('ann@reset.example', 'Tulips-4-Ann')::text, :'refused', 'the old password is refused'),
		is(djust_login('ann@reset.example', 'Tulips-5-Ann') ->> 'token_type', 'Bearer', 'the new one logs in');
SELECT set_has(format('SELECT event FROM djust_auth.audit_event WHERE user_id = %L', :'ann'), $$SELECT unnest('{mail_sent,reset_confirmed}'::text[])$$, 'mail and confirmation are on record');
SELECT ok((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'reset_requested') >= 3, 'and the requests');
SELECT is(pg_temp.holds(s), '{}', 'no table holds ' || s) FROM unnest(ARRAY['Tulips-5-Ann', 'Tulips-4-Ann', :'link2', :'s1'::json ->> 'refresh_token', :'s1'::json ->> 'access_token']) s;

-- the notice

SELECT count(*) AS mails, min(id) AS id, min(recipient) AS recipient, min(subject) AS subject, min(body_text) AS body_text, min(body_html) AS body_html
	FROM djust_auth.claim_mail() WHERE recipient = 'ann@reset.example' \gset
SELECT is(:mails, 1, 'a notice is queued');
SELECT ok(length(:'subject') > 0 AND length(:'body_text') > 0 AND length(:'body_html') > 0, 'with subject, text and HTML');
SELECT ok(strpos(:'body_text' || :'body_html' || :'subject', 'djp_') = 0, 'and no link in it');
SELECT ok(strpos(:'body_text' || :'body_html' || :'subject', 'Tulips') = 0, 'nor a password');
SELECT djust_auth.mail_sent(:id);

-- the other user's links, of which the older works as well

SELECT is(djust_reset_confirm(:'bob1', 'Daisies-5-Bob')::jsonb, '{"status": "password_updated"}', 'the older of two links works');
SELECT is(djust_reset_confirm(:'bob2', 'Daisies-6-Bob')::text, :'refused', 'and kills the newer');

-- a confirm that was rolled back burns nothing

SELECT djust_auth.create_user('carl@reset.example', 'Crocus-4-Carl') AS carl \gset
SELECT djust_reset_request('  CARL@Reset.Example ');
SELECT pg_temp.link('carl@reset.example') AS link \gset
SELECT isnt(:'link'::text, '', 'the address is taken as at login');
SAVEPOINT confirm;
SELECT djust_reset_confirm(:'link', 'Crocus-5-Carl') ->> 'status' AS status \gset
ROLLBACK TO confirm;
SELECT is(:'status'::text, 'password_updated', 'confirmed, and rolled back');
SELECT is(djust_login('carl@reset.example', 'Crocus-4-Carl') ->> 'token_type', 'Bearer', 'the old password is good');
SELECT is(djust_reset_confirm(:'link', 'Crocus-6-Carl') ->> 'status', 'password_updated', 'and so is the link');

-- a user without a password gets one so

SELECT djust_auth.create_user('dora@reset.example') AS dora \gset
SELECT djust_reset_request('dora@reset.example');
SELECT is(djust_reset_confirm(pg_temp.link('dora@reset.example'), 'Dahlia-5-Dora') ->> 'status', 'password_updated', 'a first password');
SELECT is(djust_login('dora@reset.example', 'Dahlia-5-Dora') ->> 'token_type', 'Bearer', 'which logs in');

-- a disabled user does not come back so

SELECT djust_auth.create_user('emil@reset.example', 'Primula-4-Emil') AS emil \gset
SELECT djust_reset_request('emil@reset.example');
SELECT pg_temp.link('emil@reset.example') AS link \gset
SELECT djust_auth.disable_user(:'emil');
SELECT djust_reset_confirm(:'link', 'Primula-5-Emil') AS answer \gset
SELECT is(djust_login('emil@reset.example', 'Primula-5-Emil')::text, :'refused', 'a disabled user cannot log in after a reset');
SELECT is((SELECT disabled_at IS NOT NULL FROM djust_auth.customer_user WHERE id = :'emil'), true, 'and stays disabled');

-- expiry

SET LOCAL djust_auth.reset_link_lifetime = '1s';
SELECT djust_auth.create_user('fred@reset.example', 'Fuchsia-4-Fred') AS fred \gset
SELECT djust_reset_request('fred@reset.example');
SELECT pg_temp.link('fred@reset.example') AS link \gset
SELECT pg_sleep(1.1);
SELECT is(djust_reset_confirm(:'link', 'Fuchsia-5-Fred')::text, :'refused', 'an expired link is dead');
SELECT djust_auth.create_user('gina@reset.example', 'Gentian-4-Gina') AS gina \gset
SELECT djust_reset_request('gina@reset.example');
SELECT pg_sleep(1.1);
SELECT is(pg_temp.link('gina@reset.example'), NULL, 'a mail whose link would be dead is not sent');
RESET djust_auth.reset_link_lifetime;
SELECT djust_auth.create_user('lars@reset.example', 'Lilac-4-Lars') AS lars \gset
SELECT djust_reset_request('lars@reset.example');
SELECT pg_temp.link('lars@reset.example') AS link \gset
SELECT ok(max(expires_at) BETWEEN clock_timestamp() + interval '23 hours' AND clock_timestamp() + interval '24 hours', 'a link lives 24 hours at most')
	FROM djust_auth.reset_token WHERE user_id = :'lars';

-- one mail a minute, silently

SELECT djust_auth.create_user('hans@reset.example', 'Mallows-4-Hans') AS hans \gset
SELECT is(djust_reset_request('hans@reset.example')::text, '', 'request ' || i) FROM generate_series(1, 4) i;
SELECT is((SELECT count(*) FROM djust_auth.claim_mail(100) WHERE recipient = 'hans@reset.example'), 1::bigint, 'four requests within a minute: one mail');
SELECT is(djust_reset_request('HANS@reset.example ')::text, '', 'another spelling is answered alike');
SELECT is((SELECT count(*) FROM djust_auth.claim_mail(100) WHERE recipient = 'hans@reset.example'), 0::bigint, 'but counts as the same');
SELECT pg_temp.row_counts() AS c0 \gset
SELECT is(djust_reset_request('nobody@reset.example')::text, '', 'an unknown address again');
SELECT pg_temp.row_counts() AS c1 \gset
SELECT is(djust_reset_request('hans@reset.example')::text, '', 'a known one again');
SELECT pg_temp.row_counts() AS c2 \gset
SELECT is(pg_temp.grown(:'c0', :'c1'), pg_temp.grown(:'c1', :'c2'), 'throttled, they leave the same rows as well');

-- reset_url

SET LOCAL djust_auth.reset_url = 'http://localhost:3000/new-password#{token}';
SELECT djust_auth.create_user('ida@reset.example', 'Irises-4-Ida') AS ida \gset
SELECT djust_reset_request('ida@reset.example');
SELECT matches((SELECT body_text FROM djust_auth.claim_mail(100) WHERE recipient = 'ida@reset.example'), 'http://localhost:3000/new-password#djp_[A-Za-z0-9_-]{43,}', 'the link follows reset_url');
RESET djust_auth.reset_url;

-- max

SELECT djust_auth.create_user(u || '@reset.example') IS NOT NULL AS created FROM unnest('{jan,kim,leo}'::text[]) u \g /dev/null
SELECT djust_reset_request(u || '@reset.example') FROM unnest('{jan,kim,leo}'::text[]) u;
SELECT is((SELECT count(*) FROM djust_auth.claim_mail(max => 2)), 2::bigint, 'claim_mail(2) claims two');
SELECT is((SELECT count(*) FROM djust_auth.claim_mail(max => 2)), 1::bigint, 'then the last');

-- failures: ten seconds, then doubling to a quarter of an hour

CREATE TEMP TABLE attempt (n int, delay interval);
SELECT djust_auth.create_user('max@reset.example') AS max \gset
SELECT (djust_auth.stats() ->> 'mails_failed')::bigint AS failed \gset
SELECT djust_reset_request('max@reset.example');
DO $$
DECLARE
	i int; m bigint; t0 timestamptz;
BEGIN
	FOR i IN 1..9 LOOP
		SELECT id INTO m FROM djust_auth.claim_mail(100) WHERE recipient = 'max@reset.example';
		t0 := clock_timestamp();
		PERFORM djust_auth.mail_failed(m, '451 try again later');
		INSERT INTO attempt SELECT i, next_attempt_at - t0 FROM djust_auth.mail_queue WHERE id = m;
		UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() WHERE id = m;
	END LOOP;
END $$;
SELECT is(round(extract(epoch FROM delay))::int, least(10 * 2 ^ (n - 1), 900)::int, 'retry ' || n) FROM attempt ORDER BY n;
SELECT is((SELECT count(*) FROM attempt), 9::bigint, 'nine attempts failed');
SELECT is((djust_auth.stats() ->> 'mails_failed')::bigint - :failed, 9::bigint, 'and are counted');
SELECT ok((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'mail_failed' AND user_id = :'max') >= 1, 'and on record');
SELECT id AS max_mail FROM djust_auth.claim_mail(100) WHERE recipient = 'max@reset.example' \gset
SELECT (djust_auth.stats() ->> 'mails_sent')::bigint AS sent \gset
SELECT djust_auth.mail_sent(:max_mail);
SELECT is((djust_auth.stats() ->> 'mails_sent')::bigint - :sent, 1::bigint, 'a mail sent is counted');
UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() - interval '1 s' WHERE id = :max_mail;
SELECT is((SELECT count(*) FROM djust_auth.claim_mail(100) WHERE recipient = 'max@reset.example'), 0::bigint, 'and is not sent again');

-- the address changes, the user goes

SELECT djust_auth.create_user('nina@reset.example', 'Narcissus-4-N') AS nina \gset
SELECT djust_reset_request('nina@reset.example');
SELECT pg_temp.link('nina@reset.example') AS link \gset
SELECT djust_auth.delete_user(:'nina');
SELECT is(djust_reset_confirm(:'link', 'Narcissus-5-N')::text, :'refused', 'a link of a user who is gone is dead');

-- a link that 1.0 made, shorter, before an update of the library

SELECT djust_auth.create_user('old@reset.example') AS old \gset
INSERT INTO djust_auth.reset_token (token_hash, user_id, created_at, expires_at)
	VALUES (sha256(convert_to('djp_' || repeat('A', 43), 'UTF8')), :'old', now(), now() + interval '1 hour');
SELECT is(djust_reset_confirm('djp_' || repeat('A', 43), 'Tulips-4-Ann') ->> 'status', 'password_updated', 'a link of 1.0 is good');

SELECT * FROM finish();
ROLLBACK;
