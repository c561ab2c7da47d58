-- 04_login: what a login answers, what it must not tell, and the hashes of others

BEGIN;
\pset fieldsep '\n'
SELECT plan(102);

CREATE FUNCTION pg_temp.hashes() RETURNS bigint LANGUAGE sql AS $$ SELECT (djust_auth.stats() ->> 'hashes')::bigint $$;
CREATE FUNCTION pg_temp.hash_of(email text) RETURNS text LANGUAGE sql AS $$ SELECT password_hash FROM djust_auth.customer_user u WHERE u.email = $1 $$;

SELECT djust_auth.create_profile('login_buyer');
SELECT djust_auth.create_user('ann@login.example', 'Tulips-4-Ann', '{login_buyer}') AS ann \gset
SELECT djust_auth.create_user('bob@login.example', 'Daisies-4-Bob') AS bob \gset
SELECT djust_auth.create_user('nopass@login.example') AS nopass \gset
SELECT djust_auth.disable_user(:'bob');

-- the tokens object

SELECT djust_login('ann@login.example', 'Tulips-4-Ann') AS answer \gset
SELECT set_eq(format('SELECT json_object_keys(%L::json)', :'answer'),
	'{access_token,token_type,expires_in,refresh_token,refresh_expires_in}'::text[], 'members of the tokens object');
SELECT is(:'answer'::jsonb -> 'token_type', '"Bearer"'::jsonb, 'token_type');
SELECT is(:'answer'::jsonb -> 'expires_in', '600'::jsonb, 'expires_in');
SELECT is(:'answer'::jsonb -> 'refresh_expires_in', '7200'::jsonb, 'refresh_expires_in');
SELECT matches(:'answer'::json ->> 'access_token', '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$', 'access_token is a compact JWS');
SELECT matches(:'answer'::json ->> 'refresh_token', '^djr_[A-Za-z0-9_-]{43,}$', 'refresh_token has its prefix and at least 256 bits');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 1::bigint, 'there is one session');
SELECT djust_login('ann@login.example', 'Tulips-4-Ann') AS again \gset
SELECT isnt(:'again'::json ->> 'access_token', :'answer'::json ->> 'access_token', 'another login, another access token');
SELECT isnt(:'again'::json ->> 'refresh_token', :'answer'::json ->> 'refresh_token', 'and another refresh token');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 2::bigint, 'and another session');

-- one answer for all that fails, at one cost

SELECT djust_auth.stats() AS stats \gset
SELECT pg_temp.hashes() AS h0 \gset
SELECT djust_login('ann@login.example', 'Tulips-4-Anna') AS wrong \gset
SELECT pg_temp.hashes() AS h1 \gset
SELECT djust_login('nobody@login.example', 'Tulips-4-Ann') AS unknown \gset
SELECT pg_temp.hashes() AS h2 \gset
SELECT djust_login('bob@login.example', 'Daisies-4-Bob') AS disabled \gset
SELECT pg_temp.hashes() AS h3 \gset
SELECT djust_login('bob@login.example', 'Daisies-4-Bobby') AS disabled_wrong \gset
SELECT djust_login('nopass@login.example', 'Tulips-4-Ann') AS nopassword \gset
SELECT djust_login('nopass@login.example', '') AS empty \gset
SELECT djust_login('', '') AS nothing \gset
SELECT djust_login('not an address', 'x') AS no_address \gset
SELECT djust_login('ann@login.example', repeat('x', 2000)) AS long \gset
SELECT is(:'wrong'::json ->> 'error', 'invalid_grant', 'wrong password: invalid_grant');
SELECT ok(length(:'wrong'::json ->> 'error_description') > 0, 'with a description');
SELECT is(:'unknown'::text, :'wrong', 'unknown address: the same bytes');
SELECT is(:'disabled'::text, :'wrong', 'disabled user: the same bytes');
SELECT is(:'disabled_wrong'::text, :'wrong', 'disabled user, wrong password: the same bytes');
SELECT is(:'nopassword'::text, :'wrong', 'user without a password: the same bytes');
SELECT is(:'empty'::text, :'wrong', 'user without a password, none given: the same bytes');
SELECT is(:'nothing'::text, :'wrong', 'empty strings: the same bytes');
SELECT is(:'no_address'::text, :'wrong', 'what is no address: the same bytes');
SELECT is(:'long'::text, :'wrong', 'a password of 2000 bytes: the same bytes');
SELECT is(:h2 - :h1, :h1 - :h0, 'an unknown address costs as many hashes as a wrong password');
SELECT is(:h3 - :h2, :h1 - :h0, 'so does a disabled user');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id IN (:'bob', :'nopass')), 0::bigint, 'no session comes of it');

SELECT djust_login(repeat('x', 1000000), repeat('x', 1000000)) AS huge \gset
SELECT is(:'huge'::text, :'wrong', 'a megabyte of each: the same bytes');
SELECT ok((djust_auth.stats() ->> 'login_failures')::bigint - (:'stats'::json ->> 'login_failures')::bigint >= 10, 'failures are counted');

-- the address

SELECT is(djust_login(e, 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'login as ' || quote_literal(e))
	FROM unnest(ARRAY['ANN@login.example', 'Ann@Login.EXAMPLE', '  ann@login.example', 'ann@login.example  ', E'\tann@login.example\n']) e;
SELECT is(djust_login('ann @login.example', 'Tulips-4-Ann') ->> 'error', 'invalid_grant', 'a blank within is another address');
SELECT is(djust_login('ann@login.example', p) ->> 'error', 'invalid_grant', 'not the password: ' || quote_literal(p))
	FROM unnest(ARRAY['tulips-4-ann', ' Tulips-4-Ann', 'Tulips-4-Ann ', E'Tulips-4-Ann\n', 'Tulips-4-An']) p;

-- errors of the caller

SELECT throws_ok($$SELECT djust_login(NULL, 'x')$$, '22004', NULL, 'email NULL');
SELECT throws_ok($$SELECT djust_login('ann@login.example', NULL)$$, '22004', NULL, 'password NULL');

-- read-only transactions: refused before anything else, also what would be good (messages.sql has what would not)

SELECT pg_temp.hashes() AS h0 \gset
SELECT throws_ok(format('DO $d$ BEGIN SET LOCAL transaction_read_only = on; PERFORM djust_%s; END $d$', call), '25006', NULL, 'read-only: djust_' || call)
FROM unnest(ARRAY[
	'login(''ann@login.example'', ''Tulips-4-Ann'')',
	'refresh(' || quote_literal(:'answer'::json ->> 'refresh_token') || ')',
	'logout(' || quote_literal(:'answer'::json ->> 'access_token') || ')',
	'reset_request(''ann@login.example'')',
	'token(''password'', ''ann@login.example'', ''Tulips-4-Ann'')',
	'change_password(' || quote_literal(:'answer'::json ->> 'access_token') || ', ''Tulips-4-Ann'', ''Tulips-5-Ann'')',
	'end_session(' || quote_literal(:'answer'::json ->> 'access_token') || ')']) call;
SELECT is(pg_temp.hashes(), :h0::bigint, 'and nothing was hashed for them');
SELECT is((SELECT count(*) FROM djust_auth.session WHERE user_id = :'ann'), 7::bigint, 'the sessions are as they were');

-- hashes of others are verified, and replaced at the first good login

CREATE TEMP TABLE foreign_hash (n int GENERATED ALWAYS AS IDENTITY, scheme text, hash text);
INSERT INTO foreign_hash (scheme, hash) VALUES
	('argon2d', '$argon2d$v=19$m=512,t=2,p=1$8PHy8/T19vf4+fr7/P3+/w$3PJLnuLYQ6xaSl/uK8xWomCTBAMazFaO7jWZLy8SNpc'),
	('argon2i', '$argon2i$v=19$m=512,t=2,p=1$8PHy8/T19vf4+fr7/P3+/w$0mgbRlMD+di4n18gn55vFYkhYh7Olci1GyrorF9dZuI'),
	('argon2id, weak', '$argon2id$v=19$m=512,t=2,p=1$8PHy8/T19vf4+fr7/P3+/w$3SzS1nLo5SCwVur0DU0LqxMayrV+FNuD32lhzD4g+ps'),
	('scrypt', '$scrypt$ln=10,r=8,p=1$8PHy8/T19vf4+fr7/P3+/w$RLd9VIssIAVZmgB3l+iYt+x5xsTwxHKz+Gevb6PGdsw'),
	('pbkdf2-sha256, PHC', '$pbkdf2-sha256$i=1000,l=32$8PHy8/T19vf4+fr7/P3+/w$H48D6u9Hh6w8BnfByj62jc9mYHquNx3FGZ0vCf9AWt0'),
	('pbkdf2-sha256, Django', 'pbkdf2_sha256$1000$seasalt$RdY0uHNTufyJafkVaePrFVlXSfKufmwVr1ck5eJzLpE='),
	('bcrypt 2b', '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K'),
	('sha256-crypt', '$5$saltstring$EFHGXZeYa0YMq8TdBMEuh4T/qeBJ8R6xynPuIOlSGjB'),
	('sha512-crypt', '$6$saltstring$0uuyYUmngveKb2RQPDl3trJxP65h/F9tsYz0KHtsU1w23GCcHYAB6WTuhgOVLVq9kwUR.tjLw3PFCRYdQCZlp1');

SELECT djust_auth.import_user('import' || n || '@login.example', hash, '{login_buyer}') IS NOT NULL AS imported FROM foreign_hash ORDER BY n \g /dev/null
SELECT is(djust_login('import' || n || '@login.example', 'Tulips-4-Anna') ->> 'error', 'invalid_grant', scheme || ': a wrong password')
	FROM foreign_hash ORDER BY n;
SELECT is(pg_temp.hash_of('import' || n || '@login.example'), hash, scheme || ': a wrong password leaves the hash')
	FROM foreign_hash ORDER BY n;
SELECT is(djust_login('import' || n || '@login.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', scheme || ': the right password')
	FROM foreign_hash ORDER BY n;
SELECT matches(pg_temp.hash_of('import' || n || '@login.example'), '^\$argon2id\$v=19\$m=19456,t=2,p=1\$', scheme || ': replaced')
	FROM foreign_hash ORDER BY n;
SELECT is(djust_login('import' || n || '@login.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', scheme || ': and again')
	FROM foreign_hash ORDER BY n;
SELECT is(djust_login('import' || n || '@login.example', 'Tulips-4-Anna') ->> 'error', 'invalid_grant', scheme || ': still not a wrong one')
	FROM foreign_hash WHERE n % 6 = 1 ORDER BY n;

-- a hash of today's cost is left; a higher cost replaces it; neither ends a session

SELECT djust_auth.import_user('today@login.example', '$argon2id$v=19$m=19456,t=2,p=1$8PHy8/T19vf4+fr7/P3+/w$HuMWz0si4swInJaeBi+ezkecsSXsxvlr/+NUvcfPRN0', '{}') AS today \gset
SELECT djust_login('today@login.example', 'Tulips-4-Ann') ->> 'access_token' AS at \gset
SELECT is(pg_temp.hash_of('today@login.example'), '$argon2id$v=19$m=19456,t=2,p=1$8PHy8/T19vf4+fr7/P3+/w$HuMWz0si4swInJaeBi+ezkecsSXsxvlr/+NUvcfPRN0', 'a hash of today''s cost is left');
SET LOCAL djust_auth.argon2_iterations = 3;
SELECT djust_login('today@login.example', 'Tulips-4-Ann') ->> 'access_token' AS at2 \gset
SELECT matches(pg_temp.hash_of('today@login.example'), '^\$argon2id\$v=19\$m=19456,t=3,p=1\$', 'a higher cost replaces it');
SELECT is(json_array_length(djust_sessions(:'at')), 2, 'and the session of before lives');
SET LOCAL djust_auth.argon2_iterations = 2;

-- users by plain INSERT

INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('  Plain@Login.Example ', '$2b$04$CCCCCCCCCCCCCCCCCCCCC.3p6ptMm/lE/VRA3/zVfWZ7bokZYso4K');
SELECT is((SELECT count(*) FROM djust_auth.customer_user WHERE email = 'plain@login.example'), 1::bigint, 'a plain INSERT is brought into the form addresses are compared in');
SELECT is(djust_login('plain@login.example', 'Tulips-4-Ann') ->> 'token_type', 'Bearer', 'and the user logs in');
SELECT throws_ok($$INSERT INTO djust_auth.customer_user (email) VALUES ('PLAIN@login.example')$$, '23505', NULL, 'another spelling is a duplicate');

-- audit of what succeeded, with the session

SELECT is((SELECT count(*) FROM djust_auth.audit_event WHERE event = 'login' AND user_id = :'ann'), 7::bigint, 'every login is on record');
SELECT ok(bool_and(EXISTS (SELECT FROM djust_auth.session s WHERE s.sid = a.sid)), 'with its session')
	FROM djust_auth.audit_event a WHERE event = 'login' AND user_id = :'ann';

SELECT * FROM finish();
ROLLBACK;
