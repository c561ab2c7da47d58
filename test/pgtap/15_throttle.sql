-- 15_throttle: consecutive failures.  Counters live in shared memory, so the addresses of each run are its own.  Failures that
-- are rolled back: t/races.py; what clears a count and is rolled back: t/faults.py, and here logins

SET client_min_messages = warning;
SELECT plan(66);

CREATE FUNCTION pg_temp.stat(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT (djust_auth.stats() ->> name)::bigint $$;
CREATE FUNCTION pg_temp.fail(email text, n int) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT djust_login(email, 'wrong') ->> 'error', ',') FROM generate_series(1, n)
$$;

SELECT 'known-' || gen_random_uuid() || '@throttle.example' AS known, 'unknown-' || gen_random_uuid() || '@throttle.example' AS unknown,
	'third-' || gen_random_uuid() || '@throttle.example' AS third, 'fourth-' || gen_random_uuid() || '@throttle.example' AS fourth \gset
SELECT djust_auth.create_user(:'known', 'Tulips-4-Ann') AS ann \gset
SELECT djust_auth.create_user(:'third', 'Tulips-4-Ann') AS third_id \gset
SELECT djust_auth.create_user(:'fourth', 'Tulips-4-Ann') AS fourth_id \gset

-- ten by default

SELECT is(pg_temp.fail(:'fourth', 10), 'invalid_grant', 'ten failures are answered');
SELECT is(djust_login(:'fourth', 'wrong') ->> 'error', 'too_many_attempts', 'the eleventh must wait');

-- a lower limit, known and unknown alike

SET djust_auth.max_login_failures = 3;
SELECT is(pg_temp.fail(:'known', 3), 'invalid_grant', 'three failures');
SELECT is(pg_temp.fail(:'unknown', 3), 'invalid_grant', 'three failures of an unknown address');
SELECT pg_temp.stat('hashes') AS hashes, pg_temp.stat('throttled') AS throttled \gset
SELECT djust_login(:'known', 'wrong') AS wrong \gset
SELECT djust_login(:'known', 'Tulips-4-Ann') AS good \gset
SELECT djust_login(:'unknown', 'wrong') AS unknown_wrong \gset
SELECT is(:'wrong'::json ->> 'error', 'too_many_attempts', 'the fourth must wait');
SELECT ok(length(:'wrong'::json ->> 'error_description') > 0, 'and is told so');
SELECT is(:'wrong'::json ->> 'retry_after', '1', 'one second');
SELECT is(json_typeof(:'wrong'::json -> 'retry_after'), 'number', 'which is a number');
SELECT is(:'good'::text, :'wrong', 'the right password as well: the same bytes');
SELECT is(:'unknown_wrong'::text, :'wrong', 'the unknown address as well: the same bytes');
SELECT is(djust_login(upper(:'known') || ' ', 'wrong') ->> 'error', 'too_many_attempts', 'another spelling is the same account');
SELECT is(djust_token('password', :'known', 'Tulips-4-Ann') ->> 'error', 'too_many_attempts', 'so is another way in');
SELECT is(pg_temp.stat('hashes'), :hashes::bigint, 'nothing was hashed');
SELECT is(pg_temp.stat('throttled') - :throttled, 5::bigint, 'the attempts are counted as throttled');

-- the delay doubles

SELECT pg_sleep(1.05);
SELECT is(djust_login(:'known', 'wrong') ->> 'error', 'invalid_grant', 'after a second one attempt is answered');
SELECT is(djust_login(:'known', 'wrong') ->> 'retry_after', '2', 'then two seconds');
SELECT pg_sleep(1.05);
SELECT is(djust_login(:'known', 'wrong') ->> 'retry_after', '1', 'which pass');
SELECT pg_sleep(1.05);
SELECT is(djust_login(:'known', 'wrong') ->> 'error', 'invalid_grant', 'another attempt');
SELECT is(djust_login(:'known', 'wrong') ->> 'retry_after', '4', 'then four seconds');
SELECT is(djust_login(:'unknown', 'wrong') ->> 'error', 'invalid_grant', 'the unknown address has waited as well');
SELECT is(djust_login(:'unknown', 'wrong') ->> 'retry_after', '2', 'and must wait two');

-- unlock_user

SELECT djust_auth.unlock_user(:'ann');
SELECT is(djust_login(:'known', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'unlock_user clears the count');

-- success clears

SELECT is(pg_temp.fail(:'known', 2), 'invalid_grant', 'two failures');
SELECT is(djust_login(:'known', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'a success');
SELECT is(pg_temp.fail(:'known', 2), 'invalid_grant', 'two failures again');
SELECT djust_login(:'known', 'Tulips-4-Ann') AS s \gset
SELECT is(:'s'::json ->> 'token_type', 'Bearer', 'are not four');

-- a success clears the count when it commits: rolled back in any way, four of ten are left after six failures

SET djust_auth.max_login_failures = 10;
CREATE FUNCTION pg_temp.left_of(email text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(djust_login(email, 'wrong') ->> 'error', ',') FROM generate_series(1, 5)
$$;
SELECT 'six-' || gen_random_uuid() || '@throttle.example' AS six \gset
SELECT djust_auth.create_user(:'six', 'Tulips-4-Ann') AS six_id \gset
SELECT djust_login(:'six', 'Tulips-4-Ann') ->> 'access_token' AS six_at \gset
SELECT 'invalid_grant,invalid_grant,invalid_grant,invalid_grant,too_many_attempts' AS four_more \gset

SELECT pg_temp.fail(:'six', 6) \g /dev/null
BEGIN;
SELECT is(djust_login(:'six', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'a success after six failures');
ROLLBACK;
SELECT is(pg_temp.left_of(:'six'), :'four_more', 'that is rolled back clears nothing');

SELECT djust_auth.unlock_user(:'six_id'), pg_temp.fail(:'six', 6) \g /dev/null
BEGIN;
SAVEPOINT s;
SELECT is(djust_login(:'six', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'nor does one');
ROLLBACK TO s;
COMMIT;
SELECT is(pg_temp.left_of(:'six'), :'four_more', 'in a savepoint that is rolled back');

SELECT djust_auth.unlock_user(:'six_id'), pg_temp.fail(:'six', 6) \g /dev/null
BEGIN;
SELECT is(djust_change_password(:'six_at', 'Tulips-4-Ann', 'Tulips-5-Ann') ->> 'status', 'password_updated', 'a change of password');
ROLLBACK;
SELECT is(pg_temp.left_of(:'six'), :'four_more', 'that is rolled back does not');

SELECT djust_auth.unlock_user(:'six_id'), pg_temp.fail(:'six', 6) \g /dev/null
BEGIN;
SELECT djust_login(:'six', 'Tulips-4-Ann') ->> 'token_type' AS type \gset
PREPARE TRANSACTION 'throttle';
SELECT is(:'type'::text, 'Bearer', 'a success');
SELECT is(pg_temp.fail(:'six', 1), 'invalid_grant', 'that is prepared has not committed: a seventh failure');
ROLLBACK PREPARED 'throttle';
SELECT is(pg_temp.left_of(:'six'), 'invalid_grant,invalid_grant,invalid_grant,too_many_attempts,too_many_attempts', 'rolled back, it clears nothing');

SELECT djust_auth.unlock_user(:'six_id'), pg_temp.fail(:'six', 6) \g /dev/null
BEGIN;
SELECT djust_login(:'six', 'Tulips-4-Ann') ->> 'token_type' AS type \gset
PREPARE TRANSACTION 'throttle';
SELECT is(:'type'::text, 'Bearer', 'another');
COMMIT PREPARED 'throttle';
SELECT is(pg_temp.fail(:'six', 10), 'invalid_grant', 'that commits clears all');
SELECT is(djust_login(:'six', 'wrong') ->> 'error', 'too_many_attempts', 'which leaves ten');

BEGIN;
SELECT djust_auth.unlock_user(:'six_id');
PREPARE TRANSACTION 'throttle';
SELECT is(djust_login(:'six', 'wrong') ->> 'error', 'too_many_attempts', 'unlock_user that is prepared has unlocked nobody');
COMMIT PREPARED 'throttle';
SELECT is(pg_temp.fail(:'six', 6), 'invalid_grant', 'until it commits');
BEGIN;
SELECT djust_auth.unlock_user(:'six_id');
PREPARE TRANSACTION 'throttle';
ROLLBACK PREPARED 'throttle';
SELECT is(pg_temp.left_of(:'six'), :'four_more', 'and never if it is rolled back');
SELECT djust_auth.unlock_user(:'six_id'), pg_temp.fail(:'six', 6) \g /dev/null
SELECT is(djust_login(:'six', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'a success that commits');
SELECT is(pg_temp.fail(:'six', 10), 'invalid_grant', 'clears the count');
SET djust_auth.max_login_failures = 3;

-- djust_change_password counts too

SELECT djust_auth.open_session(:'third_id') ->> 'access_token' AS at \gset
SELECT is(string_agg(DISTINCT djust_change_password(:'at', 'wrong', 'Tulips-5-Ann') ->> 'error', ','), 'invalid_grant', 'three failures of change_password') FROM generate_series(1, 3);
SELECT pg_temp.stat('hashes') AS hashes \gset
SELECT is(djust_change_password(:'at', 'Tulips-4-Ann', 'Tulips-5-Ann') ->> 'error', 'too_many_attempts', 'the fourth must wait');
SELECT is(djust_login(:'third', 'Tulips-4-Ann') ->> 'error', 'too_many_attempts', 'also at login');
SELECT is(pg_temp.stat('hashes'), :hashes::bigint, 'nothing was hashed');
SELECT is(djust_introspect(:'at') ->> 'active', 'true', 'the session lives');

-- a reset clears

SELECT djust_reset_request(:'third');
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS link FROM djust_auth.claim_mail(100) WHERE recipient = :'third' \gset
SELECT is(djust_reset_confirm(:'link', 'Tulips-6-Ann') ->> 'status', 'password_updated', 'a reset');
SELECT is(djust_login(:'third', 'Tulips-6-Ann') ->> 'token_type', 'Bearer', 'clears the count');

-- suspended at a hundred, whatever the limit

SET djust_auth.max_login_failures = 100;
SELECT djust_auth.unlock_user(:'ann');
SELECT is(pg_temp.fail(:'known', 99), 'invalid_grant', '99 failures below the limit');
SELECT is(djust_login(:'known', 'wrong') ->> 'error', 'invalid_grant', 'the hundredth');
SELECT pg_temp.stat('hashes') AS hashes \gset
SELECT djust_login(:'known', 'Tulips-4-Ann') AS suspended \gset
SELECT is(:'suspended'::json ->> 'error', 'too_many_attempts', 'then the password is suspended');
SELECT ok(NOT :'suspended'::jsonb ? 'retry_after', 'without a time to wait');
SELECT is(pg_temp.stat('hashes'), :hashes::bigint, 'and without a hash');
SELECT pg_sleep(1.1);
SELECT is(djust_login(:'known', 'Tulips-4-Ann')::text, :'suspended', 'waiting does not help');
SELECT is(djust_refresh(:'s'::json ->> 'refresh_token') ->> 'token_type', 'Bearer', 'sessions are not suspended');
SELECT is(pg_temp.fail(:'unknown', 96), 'invalid_grant', 'as many of an unknown address');
SELECT is(djust_login(:'unknown', 'wrong')::text, :'suspended', 'the same bytes');
SELECT djust_reset_request(:'known');
SELECT substring(body_text FROM 'djp_[A-Za-z0-9_-]+') AS link FROM djust_auth.claim_mail(100) WHERE recipient = :'known' \gset
SELECT is(djust_reset_confirm(:'link', 'Tulips-6-Ann') ->> 'status', 'password_updated', 'a reset');
SELECT is(djust_login(:'known', 'Tulips-6-Ann') ->> 'token_type', 'Bearer', 'ends the suspension');

-- failures of three causes

SET djust_auth.max_login_failures = 10;
SELECT djust_auth.create_user('cause-' || gen_random_uuid() || '@throttle.example', 'Tulips-4-Ann') AS cause \gset
SELECT djust_login(email, 'wrong') ->> 'error' AS e FROM djust_auth.customer_user WHERE id = :'cause' \g /dev/null
SELECT djust_auth.set_password(:'cause', 'Tulips-5-Ann');
UPDATE djust_auth.customer_user SET disabled_at = now() WHERE id = :'cause';
SELECT djust_login(email, 'Tulips-5-Ann') ->> 'error' AS e FROM djust_auth.customer_user WHERE id = :'cause' \g /dev/null
UPDATE djust_auth.customer_user SET disabled_at = NULL, password_hash = NULL WHERE id = :'cause';
SELECT djust_login(email, 'Tulips-5-Ann') ->> 'error' AS e FROM djust_auth.customer_user WHERE id = :'cause' \g /dev/null

-- the audit has the true cause; no worker serves this database, so what was rolled back is not on record (event_queue.py)

SELECT ok((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed' AND user_id = :'ann') >= 99, 'failures are on record');
SELECT ok((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'throttled' AND user_id = :'ann') >= 1, 'throttled attempts too');
SELECT ok((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login_failed' AND user_id IS NULL) >= 99, 'of unknown addresses as well');
SELECT is((SELECT count(DISTINCT detail) FROM djust_auth.audit_event WHERE event = 'login_failed' AND user_id = :'cause'), 3::bigint, 'wrong password, disabled, no password: each by its name');
SELECT is((SELECT count(*) FROM djust_auth.audit_event a WHERE strpos(to_jsonb(a)::text, :'unknown') > 0 OR strpos(to_jsonb(a)::text, 'Tulips') > 0), 0::bigint, 'without the unknown address or a password');

SELECT * FROM finish();
