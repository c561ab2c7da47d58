-- 25_accounts: how customers come into being, and change their addresses

BEGIN;
\pset fieldsep '\n'
SELECT plan(141);

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
CREATE FUNCTION pg_temp.grown(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_object_agg(key, value::bigint - (a ->> key)::bigint ORDER BY key), '{}') FROM jsonb_each_text(b) WHERE value::bigint <> (a ->> key)::bigint
$$;
-- the mails that are due, claimed and sent
CREATE TEMP TABLE mail (recipient text, subject text, body_text text, body_html text);
CREATE FUNCTION pg_temp.deliver() RETURNS bigint LANGUAGE sql AS $$
	WITH claimed AS MATERIALIZED (SELECT * FROM djust_auth.claim_mail(1000)),
	kept AS (INSERT INTO mail SELECT recipient, subject, body_text, body_html FROM claimed)
	SELECT count(djust_auth.mail_sent(id)) FROM claimed
$$;
CREATE FUNCTION pg_temp.link(of text, prefix text) RETURNS text LANGUAGE sql AS $$
	SELECT substring(body_text FROM prefix || '[A-Za-z0-9_-]+') FROM mail WHERE recipient = of AND body_text LIKE '%' || prefix || '%'
	ORDER BY ctid DESC LIMIT 1
$$;
-- one hour later, for the pace of mails
CREATE FUNCTION pg_temp.an_hour_later() RETURNS void LANGUAGE sql AS $$
	UPDATE djust_auth.pending_email SET mailed_at = mailed_at - interval '2 hours'
$$;
SELECT djust_auth.create_user('ann@life.example', 'Tulips-4-Ann') AS ann \gset
SELECT djust_auth.create_user('off@life.example', 'Tulips-4-Off') AS off \gset
SELECT djust_auth.disable_user(:'off');
SELECT djust_auth.create_profile('shopper');

-- sign-up

SELECT throws_ok($$SELECT djust_sign_up('new@life.example', 'Gooseberry-7-pie')$$, '55000', 'sign-up is not offered', 'off from the start');
SET djust_auth.sign_up = on;
SET djust_auth.sign_up_profiles = 'shopper, no such profile, shopper';
SELECT is(djust_sign_up('nowhere', 'Gooseberry-7-pie')::jsonb ->> 'error', 'invalid_request', 'a malformed address');
SELECT is(djust_sign_up('nowhere', 'Gooseberry-7-pie', '')::jsonb ->> 'error_description', djust_sign_up('nowhere', 'Gooseberry-7-pie') ->> 'error_description', 'an empty locale is none');
SELECT is(djust_sign_up('new@life.example', 'Gooseberry-7-pie', 'x')::jsonb ->> 'error', 'invalid_request', 'a malformed locale');
SELECT is(djust_sign_up('new@life.example', 'short')::jsonb ->> 'error', 'weak_password', 'a weak password');
SELECT throws_ok($$SELECT djust_sign_up(NULL, 'Gooseberry-7-pie')$$, '22004', NULL, 'no address');
SELECT throws_ok($$SELECT djust_sign_up('new@life.example', NULL)$$, '22004', NULL, 'no password');
SELECT is((SELECT count(*) FROM djust_auth.pending_email), 0::bigint, 'none of these left anything');

SELECT pg_temp.row_counts() AS c0 \gset
SELECT djust_sign_up('New@Life.example', 'Gooseberry-7-pie', 'de-AT') AS new \gset
SELECT pg_temp.row_counts() AS c1 \gset
SELECT djust_sign_up('ann@life.example', 'Gooseberry-7-pie', 'de-AT') AS known \gset
SELECT pg_temp.row_counts() AS c2 \gset
SELECT djust_sign_up('off@life.example', 'Gooseberry-7-pie', 'de-AT') AS disabled \gset
SELECT pg_temp.row_counts() AS c3 \gset
SELECT djust_sign_up('new@life.example', 'Gooseberry-7-pie', 'de-AT') AS pending \gset
SELECT pg_temp.row_counts() AS c4 \gset
SELECT is(:'new'::text, '{"status":"confirmation_sent"}', 'an unknown address');
SELECT is(:'known'::text, :'new', 'the same of a known one');
SELECT is(:'disabled'::text, :'new', 'of a disabled one');
SELECT is(:'pending'::text, :'new', 'of one that waits');
SELECT is(pg_temp.grown(:'c0', :'c1'), '{"djust_auth.mail_queue": 1, "djust_auth.pending_email": 1}', 'two rows');
SELECT is(pg_temp.grown(:'c1', :'c2'), pg_temp.grown(:'c0', :'c1'), 'the same of a known address');
SELECT is(pg_temp.grown(:'c2', :'c3'), pg_temp.grown(:'c0', :'c1'), 'of a disabled one');
SELECT is(pg_temp.grown(:'c3', :'c4'), pg_temp.grown(:'c0', :'c1'), 'of one that waits');
SELECT is((SELECT count(DISTINCT (octet_length(address), octet_length(account), octet_length(password_hash))) FROM djust_auth.pending_email), 1::bigint, 'all of one size');
SELECT is(strpos(jsonb_agg(to_jsonb(p))::text, encode('new@life.example', 'hex')), 0, 'no address in clear') FROM djust_auth.pending_email p;
SELECT is((SELECT count(*) FROM djust_auth.customer_user WHERE email = 'new@life.example'), 0::bigint, 'no account yet');
SELECT is((SELECT count(*) FROM djust_auth.email_link), 0::bigint, 'and no link');

SELECT is(pg_temp.deliver(), 2::bigint, 'a mail to the new one and to the known one; none to the disabled one, and one a minute');
SELECT is((SELECT array_agg(recipient ORDER BY recipient) FROM mail), '{ann@life.example,new@life.example}', 'these are they');
SELECT is((SELECT subject FROM mail WHERE recipient = 'new@life.example'), 'Bestätigen Sie Ihre Adresse', 'in German');
SELECT is((SELECT subject FROM mail WHERE recipient = 'ann@life.example'), 'You have an account already', 'the account has no locale: English');
SELECT ok((SELECT body_text !~ 'dj[pcv]_' AND body_html !~ 'dj[pcv]_' FROM mail WHERE recipient = 'ann@life.example'), 'and no link');
SELECT ok((SELECT body_text FROM mail WHERE recipient = 'new@life.example') LIKE E'%\n\nhttps://shop.example/confirm?token=djc\\_%', 'the link of confirm_url');
SELECT ok((SELECT body_html FROM mail WHERE recipient = 'new@life.example') LIKE '%<a href="https://shop.example/confirm?token=djc\_%">%', 'in HTML, too');
SELECT is(djust_auth.token_shard(pg_temp.link('new@life.example', 'djc_')), 0, 'it names its shard');
SELECT is((SELECT count(*) FROM djust_auth.mail_queue WHERE last_error = 'too many mails to this address'), 1::bigint, 'the other one was given up');

SELECT is(djust_confirm_email('djc_' || repeat('A', 46))::jsonb ->> 'error', 'invalid_grant', 'an invented link');
SELECT is(djust_confirm_email(translate(pg_temp.link('new@life.example', 'djc_'), 'c', 'v'))::jsonb ->> 'error', 'invalid_grant', 'another kind of link');
SELECT is(djust_revert_email(pg_temp.link('new@life.example', 'djc_'))::jsonb ->> 'error', 'invalid_grant', 'put back by a link that confirms');
SELECT is(djust_reset_confirm(pg_temp.link('new@life.example', 'djc_'), 'Gooseberry-8-pie')::jsonb ->> 'error', 'invalid_grant', 'a reset by it');
SELECT is(djust_login('new@life.example', 'Gooseberry-7-pie')::jsonb ->> 'error', 'invalid_grant', 'no login before');
SELECT is(djust_confirm_email(pg_temp.link('new@life.example', 'djc_'))::text, '{"status":"email_confirmed"}', 'confirmed');
SET djust_auth.sign_up_profiles = 'shopper';
SELECT is(djust_confirm_email(pg_temp.link('new@life.example', 'djc_'))::jsonb ->> 'error', 'invalid_grant', 'once');
SELECT is((SELECT (email, locale, disabled_at IS NULL)::text FROM djust_auth.customer_user WHERE email = 'new@life.example'), '(new@life.example,de-AT,t)', 'the account');
SELECT id AS new_id FROM djust_auth.customer_user WHERE email = 'new@life.example' \gset
SELECT is((SELECT array_agg(profile) FROM djust_auth.user_profile WHERE user_id = :'new_id'), '{shopper}', 'has the profiles of sign_up_profiles that exist');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'new_id'), 0::bigint, 'nobody is logged in');
SELECT ok(djust_login('new@life.example', 'Gooseberry-7-pie')::jsonb ? 'access_token', 'the password works');
SELECT is((SELECT (event, user_id, detail)::text FROM djust_auth.audit_event WHERE event = 'signed_up'),
	(SELECT ('signed_up', :'new_id'::uuid, '{"personal": {"email": "new@life.example"}}'::jsonb)::text), 'and an event');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'administration' AND user_id = :'new_id'), 0::bigint, 'which is no administrator''s');

-- the others that waited for the same address
SELECT pg_temp.an_hour_later();
SELECT djust_sign_up('twice@life.example', 'Gooseberry-7-pie'), djust_sign_up('twice@life.example', 'Gooseberry-8-pie') \g /dev/null
SELECT is(pg_temp.deliver(), 1::bigint, 'one mail for two sign-ups in a minute');
SELECT pg_temp.link('twice@life.example', 'djc_') AS first \gset
SELECT pg_temp.an_hour_later();
SELECT djust_sign_up('twice@life.example', 'Gooseberry-9-pie', 'fr_CA') \g /dev/null
SELECT is(pg_temp.deliver(), 1::bigint, 'another one later');
SELECT is((SELECT subject FROM mail WHERE recipient = 'twice@life.example' ORDER BY ctid DESC LIMIT 1), 'Confirmez votre adresse', 'in French');
SELECT pg_temp.link('twice@life.example', 'djc_') AS second \gset
SELECT is(djust_confirm_email(:'second')::jsonb ->> 'status', 'email_confirmed', 'the second is confirmed');
SELECT is(djust_confirm_email(:'first')::jsonb ->> 'error', 'invalid_grant', 'then the first is not');
SELECT ok(djust_login('twice@life.example', 'Gooseberry-9-pie')::jsonb ? 'access_token', 'the password of the link that was followed');

-- a change that a new password ends still counts: its owner cannot mail a stranger more often
SELECT djust_auth.create_user('busy@life.example', 'Gooseberry-7-pie') AS busy \gset
SELECT djust_login('busy@life.example', 'Gooseberry-7-pie') ->> 'access_token' AS busy_token \gset
SELECT djust_change_email(:'busy_token', 'Gooseberry-7-pie', 'stranger@life.example') \g /dev/null
SELECT is(pg_temp.deliver(), 1::bigint, 'a change is mailed');
SELECT djust_change_password(:'busy_token', 'Gooseberry-7-pie', 'Gooseberry-8-pie') \g /dev/null
SELECT djust_change_email(:'busy_token', 'Gooseberry-8-pie', 'stranger@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is((SELECT count(*) FROM mail WHERE recipient = 'stranger@life.example'), 1::bigint, 'a second one in the same minute is not');

-- expiry
SELECT djust_sign_up('late@life.example', 'Gooseberry-7-pie') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is((SELECT count(*) FROM djust_auth.pending_email WHERE expires_at > clock_timestamp() + interval '24 hours'), 0::bigint, 'none lives longer than 24 hours');
UPDATE djust_auth.pending_email SET expires_at = clock_timestamp();
UPDATE djust_auth.email_link SET expires_at = clock_timestamp();
SELECT is(djust_confirm_email(pg_temp.link('late@life.example', 'djc_'))::jsonb ->> 'error', 'invalid_grant', 'an expired link');
SELECT djust_auth.purge() AS purged \gset
SELECT is((SELECT count(*) FROM djust_auth.pending_email), 0::bigint, 'is purged');
SELECT is((SELECT count(*) FROM djust_auth.email_link), 0::bigint, 'with its hash');

-- five an hour
DO $$ BEGIN
	FOR i IN 1..7 LOOP
		UPDATE djust_auth.pending_email SET mailed_at = mailed_at - interval '2 minutes';
		PERFORM djust_sign_up('often@life.example', 'Gooseberry-7-pie');
		PERFORM pg_temp.deliver();
	END LOOP;
END $$;
SELECT is((SELECT count(*) FROM mail WHERE recipient = 'often@life.example'), 5::bigint, 'five mails an hour');
SELECT pg_temp.an_hour_later();
SELECT djust_sign_up('often@life.example', 'Gooseberry-7-pie') \g /dev/null
SELECT is(pg_temp.deliver(), 1::bigint, 'and then again');
SELECT djust_sign_up('often2@life.example', 'Gooseberry-7-pie') \g /dev/null
SELECT is((SELECT count(*) FROM djust_auth.claim_mail()), 1::bigint, 'claimed and not sent');
UPDATE djust_auth.mail_queue SET next_attempt_at = clock_timestamp() WHERE done_at IS NULL;
SELECT is(pg_temp.deliver(), 1::bigint, 'it is sent the next time: it counts once');

-- invitation

SELECT djust_auth.invite_user('Guest@Life.example', '{shopper}', 'fr') AS guest \gset
SELECT is((SELECT (email, password_hash IS NULL, locale)::text FROM djust_auth.customer_user WHERE id = :'guest'), '(guest@life.example,t,fr)', 'a user without a password');
SELECT is(pg_temp.deliver(), 1::bigint, 'a mail');
SELECT is((SELECT subject FROM mail WHERE recipient = 'guest@life.example'), 'Votre compte est prêt', 'in French');
SELECT ok((SELECT expires_at BETWEEN clock_timestamp() + interval '71 hours' AND clock_timestamp() + interval '72 hours' FROM djust_auth.reset_token WHERE user_id = :'guest'), 'for three days');
SELECT is(djust_auth.invite_user('guest@life.example'), :'guest'::uuid, 'again');
SELECT is(pg_temp.deliver(), 1::bigint, 'another mail');
SELECT is(djust_reset_confirm(pg_temp.link('guest@life.example', 'djp_'), 'Gooseberry-7-pie')::jsonb ->> 'status', 'password_updated', 'sets the password');
SELECT ok(djust_login('guest@life.example', 'Gooseberry-7-pie')::jsonb ? 'access_token', 'which works');
SELECT throws_ok($$SELECT djust_auth.invite_user('guest@life.example')$$, '55000', 'the user has a password already', 'not again');
SELECT throws_ok($$SELECT djust_auth.invite_user('off@life.example')$$, '55000', 'the user is disabled', 'nor a disabled one');
SELECT throws_ok($$SELECT djust_auth.invite_user('nowhere')$$, '23514', NULL, 'nor a malformed address');
SELECT throws_ok($$SELECT djust_auth.invite_user('other@life.example', '{no such}')$$, 'P0002', NULL, 'nor for an unknown profile');
SELECT throws_ok($$SELECT djust_auth.invite_user('other@life.example', '{}', '!')$$, '22023', NULL, 'nor for a malformed locale');
SELECT throws_ok($$SELECT djust_auth.invite_user(NULL)$$, '22004', NULL, 'nor NULL');

-- change of address

SELECT is(pg_temp.deliver(), 1::bigint, 'the notice of the new password');
TRUNCATE mail;
SELECT djust_login('ann@life.example', 'Tulips-4-Ann') AS t \gset
SELECT djust_login('ann@life.example', 'Tulips-4-Ann') AS other \gset
SELECT (:'t'::jsonb ->> 'access_token') AS access, (:'other'::jsonb ->> 'access_token') AS other_access \gset
SELECT is(djust_change_email('garbage', 'Tulips-4-Ann', 'ann2@life.example')::jsonb ->> 'error', 'invalid_grant', 'a dead token');
SELECT is(djust_change_email(:'access', 'wrong', 'ann2@life.example')::jsonb ->> 'error', 'invalid_grant', 'a wrong password');
SELECT is(djust_change_email(:'access', 'Tulips-4-Ann', 'nowhere')::jsonb ->> 'error', 'invalid_request', 'a malformed address');
SELECT throws_ok(format('SELECT djust_change_email(%L, %L, NULL)', :'access', 'Tulips-4-Ann'), '22004', NULL, 'no address');
SELECT is((SELECT count(*) FROM djust_auth.pending_email WHERE kind = 'change'), 0::bigint, 'none of these left anything');
SELECT pg_temp.row_counts() AS c0 \gset
SELECT djust_change_email(:'access', 'Tulips-4-Ann', 'ann2@life.example') AS free \gset
SELECT pg_temp.row_counts() AS c1 \gset
SELECT djust_change_email(:'access', 'Tulips-4-Ann', 'guest@life.example') AS taken \gset
SELECT pg_temp.row_counts() AS c2 \gset
SELECT is(:'free'::text, '{"status":"confirmation_sent"}', 'asked for');
SELECT is(:'taken'::text, :'free', 'the same of a taken address');
SELECT is(pg_temp.grown(:'c1', :'c2'), pg_temp.grown(:'c0', :'c1'), 'with the same rows');
SELECT is(pg_temp.deliver(), 2::bigint, 'two mails');
SELECT is((SELECT subject FROM mail WHERE recipient = 'ann2@life.example'), 'Confirm your new address', 'to the new address');
SELECT is((SELECT subject FROM mail WHERE recipient = 'guest@life.example'), 'Vous avez déjà un compte', 'to the owner of the taken one');
SELECT is((SELECT email FROM djust_auth.customer_user WHERE id = :'ann'), 'ann@life.example', 'nothing has changed yet');
SELECT djust_reset_request('ann@life.example');
SELECT pg_temp.deliver() \g /dev/null
SELECT pg_temp.link('ann@life.example', 'djp_') AS reset \gset
SELECT is(djust_confirm_email(pg_temp.link('ann2@life.example', 'djc_'))::text, '{"status":"email_confirmed"}', 'confirmed');
SELECT is((SELECT email FROM djust_auth.customer_user WHERE id = :'ann'), 'ann2@life.example', 'now it has');
SELECT ok(djust_introspect(:'access')::jsonb @> '{"active": true}', 'the session that asked goes on');
SELECT ok(NOT djust_introspect(:'other_access')::jsonb @> '{"active": true}', 'others have ended');
SELECT is(djust_reset_confirm(:'reset', 'Gooseberry-7-pie')::jsonb ->> 'error', 'invalid_grant', 'links, too');
SELECT is((SELECT detail FROM djust_auth.audit_event WHERE event = 'email_changed'), '{"reverted": false, "personal": {"old": "ann@life.example", "new": "ann2@life.example"}}', 'an event');
SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'administration' AND user_id = :'ann' AND detail ->> 'operation' = 'UPDATE'), 0::bigint, 'which is no administrator''s');
SELECT is(djust_login('ann@life.example', 'Tulips-4-Ann')::jsonb ->> 'error', 'invalid_grant', 'the old address does not log in');
SELECT ok(djust_login('ann2@life.example', 'Tulips-4-Ann')::jsonb ? 'access_token', 'the new one does');
SELECT is(pg_temp.deliver(), 1::bigint, 'a notice');
SELECT is((SELECT subject FROM mail WHERE recipient = 'ann@life.example' AND body_text LIKE '%djv\_%'), 'Your address was changed', 'to the old address');
SELECT ok((SELECT expires_at BETWEEN clock_timestamp() + interval '71 hours' AND clock_timestamp() + interval '72 hours' FROM djust_auth.pending_email WHERE kind = 'revert'), 'good for 72 hours');
SELECT pg_temp.link('ann@life.example', 'djv_') AS revert \gset

-- an account that was disabled gets its notice all the same
SELECT djust_auth.create_user('gone@life.example', 'Gooseberry-7-pie') AS gone \gset
SELECT djust_change_email(djust_login('gone@life.example', 'Gooseberry-7-pie') ->> 'access_token', 'Gooseberry-7-pie', 'gone2@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_confirm_email(pg_temp.link('gone2@life.example', 'djc_')) \g /dev/null
SELECT djust_auth.disable_user(:'gone');
SELECT is(pg_temp.deliver(), 1::bigint, 'the notice of a change goes to the former address of an account that was disabled since');
SELECT is(djust_revert_email(pg_temp.link('gone@life.example', 'djv_'))::jsonb ->> 'status', 'email_reverted', 'and its link works');

-- a thief goes on: another change, another password
SELECT (djust_login('ann2@life.example', 'Tulips-4-Ann')::jsonb ->> 'access_token') AS thief \gset
SELECT djust_change_email(:'thief', 'Tulips-4-Ann', 'thief@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_confirm_email(pg_temp.link('thief@life.example', 'djc_')) \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT pg_temp.link('ann2@life.example', 'djv_') AS thiefs_revert \gset
SELECT isnt(:'thiefs_revert'::text, NULL, 'the thief''s first address got a notice as well');
SELECT is(djust_change_password(:'thief', 'Tulips-4-Ann', 'Gooseberry-7-pie')::jsonb ->> 'status', 'password_updated', 'the thief changes the password');
SELECT is(djust_confirm_email(:'revert')::jsonb ->> 'error', 'invalid_grant', 'a link that puts back confirms nothing');
SELECT is(djust_revert_email(:'revert')::text, '{"status":"email_reverted"}', 'the owner puts the address back');
SELECT is((SELECT email FROM djust_auth.customer_user WHERE id = :'ann'), 'ann@life.example', 'there it is');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 0::bigint, 'all sessions have ended');
SELECT is(djust_revert_email(:'thiefs_revert')::jsonb ->> 'error', 'invalid_grant', 'the thief''s link has, too');
SELECT is(djust_revert_email(:'revert')::jsonb ->> 'error', 'invalid_grant', 'the owner''s is used up');
SELECT is(djust_login('ann@life.example', 'Gooseberry-7-pie')::jsonb - 'error_description', '{"error": "too_many_attempts"}', 'the password is suspended');
SELECT is(djust_login('thief@life.example', 'Gooseberry-7-pie')::jsonb ->> 'error', 'invalid_grant', 'the thief''s address is nobody''s');
SELECT pg_temp.deliver() \g /dev/null
DELETE FROM djust_auth.mail_queue;
SELECT djust_auth.unlock_user(:'ann');
SELECT ok(djust_login('ann@life.example', 'Gooseberry-7-pie')::jsonb ? 'access_token', 'an administrator may lift that');

-- a new password ends a change that waits
SELECT pg_temp.an_hour_later();
TRUNCATE mail;
SELECT (djust_login('ann@life.example', 'Gooseberry-7-pie')::jsonb ->> 'access_token') AS access \gset
SELECT djust_change_email(:'access', 'Gooseberry-7-pie', 'ann3@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_change_password(:'access', 'Gooseberry-7-pie', 'Gooseberry-8-pie') \g /dev/null
SELECT is(djust_confirm_email(pg_temp.link('ann3@life.example', 'djc_'))::jsonb ->> 'error', 'invalid_grant', 'a new password ends it');
-- an address taken meanwhile
SELECT djust_change_email(:'access', 'Gooseberry-8-pie', 'ann4@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_auth.create_user('ann4@life.example') \g /dev/null
SELECT is(djust_confirm_email(pg_temp.link('ann4@life.example', 'djc_'))::jsonb ->> 'error', 'invalid_grant', 'a taken address');
SELECT is((SELECT email FROM djust_auth.customer_user WHERE id = :'ann'), 'ann@life.example', 'leaves the old one');
-- a mail that was not sent before the change ended
SELECT djust_change_email(:'access', 'Gooseberry-8-pie', 'ann5@life.example') \g /dev/null
SELECT djust_auth.set_password(:'ann', 'Gooseberry-9-pie');
SELECT is(pg_temp.deliver(), 0::bigint, 'its mail is not sent any more');
-- a former address that somebody else has by now
SELECT (djust_login('ann@life.example', 'Gooseberry-9-pie')::jsonb ->> 'access_token') AS access \gset
SELECT djust_change_email(:'access', 'Gooseberry-9-pie', 'ann6@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_confirm_email(pg_temp.link('ann6@life.example', 'djc_')) \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_auth.create_user('ann@life.example') \g /dev/null
SELECT is(djust_revert_email(pg_temp.link('ann@life.example', 'djv_'))::jsonb ->> 'error', 'invalid_grant', 'a former address that is somebody else''s');
SELECT ok(djust_login('ann6@life.example', 'Gooseberry-9-pie')::jsonb ? 'access_token', 'changes nothing');

-- deletion and copies
SELECT djust_auth.delete_user(:'ann');
SELECT is((SELECT count(*) FROM djust_auth.pending_email WHERE user_id = :'ann'), 0::bigint, 'what waits goes with its user');

-- of two former addresses one is another user's now, and the other was: what waits for that user stays
SELECT pg_temp.an_hour_later();
SELECT djust_auth.create_user('first@life.example') AS leaver \gset
SELECT djust_auth.change_email(:'leaver', 'second@life.example'), djust_auth.change_email(:'leaver', 'third@life.example') \g /dev/null
SELECT djust_auth.create_user('first@life.example', 'Gooseberry-7-pie') AS heir \gset
SELECT djust_login('first@life.example', 'Gooseberry-7-pie') ->> 'access_token' AS heir_token \gset
SELECT djust_change_email(:'heir_token', 'Gooseberry-7-pie', 'second@life.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is(djust_confirm_email(pg_temp.link('second@life.example', 'djc_'))::jsonb ->> 'status', 'email_confirmed', 'another user takes them in turn');
SELECT pg_temp.deliver() \g /dev/null
SELECT djust_change_email(:'heir_token', 'Gooseberry-7-pie', 'third@life.example') \g /dev/null
SELECT djust_sign_up(n || '@life.example', 'Gooseberry-7-pie'), djust_reset_request(n || '@life.example')
	FROM unnest('{first,second,third}'::text[]) n \g /dev/null
SELECT count(*) AS before FROM djust_auth.mail_queue WHERE done_at IS NULL \gset
SELECT djust_auth.delete_user(:'leaver');
SELECT is((SELECT array_agg(kind ORDER BY kind) FROM djust_auth.pending_email WHERE user_id = :'heir'), '{change,ended,revert}', 'all that is pending of that user');
SELECT is((SELECT count(*) FROM djust_auth.pending_email p JOIN djust_auth.mail_queue q ON q.id = p.mail WHERE p.kind = 'sign_up' AND q.done_at IS NULL), 1::bigint,
	'of sign-ups that for that user''s address, not those for addresses that nobody else has');
SELECT is(:before - (SELECT count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL), 4::bigint, 'two sign-ups and two requests have gone');
SELECT is(djust_revert_email(pg_temp.link('first@life.example', 'djv_'))::jsonb ->> 'status', 'email_reverted', 'the link that puts that user''s address back works');

SELECT djust_sign_up('copy@life.example', 'Gooseberry-7-pie') \g /dev/null
SELECT djust_auth.after_restore();
SELECT is((SELECT count(*) FROM djust_auth.pending_email), 0::bigint, 'a restored copy has none');

-- texts
INSERT INTO djust_auth.mail_template (kind, locale, subject, body_text, body_html)
SELECT k, '', k || ' {email}', 'text {link}', '<p>{link}</p>' FROM unnest('{reset,password_changed,invitation,sign_up,sign_up_known,email_change,email_changed,account_suspended,new_device}'::text[]) k;
SELECT throws_ok($$INSERT INTO djust_auth.mail_template VALUES ('greeting', '', 's', 't', 'h')$$, '23514', NULL, 'other kinds have no template');
SELECT throws_ok(format($$INSERT INTO djust_auth.mail_template VALUES (%L, 'de', 's', 'no link', '<p>{link}</p>')$$, k), '23514', NULL, k || ': no text without a link')
	FROM unnest('{reset,invitation,sign_up,email_change,email_changed}'::text[]) k;
SELECT throws_ok(format($$INSERT INTO djust_auth.mail_template VALUES (%L, 'de', 's', '{link}', '<p>no link</p>')$$, k), '23514', NULL, k || ': no HTML without a link')
	FROM unnest('{reset,invitation,sign_up,email_change,email_changed}'::text[]) k;
SELECT lives_ok($$INSERT INTO djust_auth.mail_template SELECT k, 'de', 's', 'no link', 'none' FROM unnest('{password_changed,sign_up_known,account_suspended,new_device}'::text[]) k$$, 'others need none');
SELECT throws_ok($$UPDATE djust_auth.mail_template SET body_text = 'no link' WHERE kind = 'sign_up'$$, '23514', NULL, 'nor is a link taken out');
SELECT djust_sign_up('text@life.example', 'Gooseberry-7-pie', 'de') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is((SELECT subject FROM mail WHERE recipient = 'text@life.example'), 'sign_up text@life.example', 'an own template comes before the built-in texts');

-- read-only transactions
SET TRANSACTION READ ONLY;
SELECT throws_ok($$SELECT djust_sign_up('x@life.example', 'Gooseberry-7-pie')$$, '25006', NULL, 'sign-up writes');
SELECT throws_ok($$SELECT djust_confirm_email('x')$$, '25006', NULL, 'so does confirming');
SELECT throws_ok($$SELECT djust_change_email('x', 'x', 'x')$$, '25006', NULL, 'and changing');
SELECT throws_ok($$SELECT djust_revert_email('x')$$, '25006', NULL, 'and putting back');
SELECT * FROM finish();
ROLLBACK;
