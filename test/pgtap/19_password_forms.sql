-- A password is the same however it is composed, and a hash is replaced only by one of the whole password.

\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();
CREATE EXTENSION pgcrypto;

CREATE FUNCTION pg_temp.logs_in(email text, password text) RETURNS boolean LANGUAGE sql AS $$
	SELECT djust_login(email, password)::jsonb ? 'access_token'
$$;
CREATE FUNCTION pg_temp.hash_of(email text) RETURNS text LANGUAGE sql AS $$
	SELECT password_hash COLLATE "default" FROM djust_auth.customer_user u WHERE u.email = hash_of.email
$$;
-- Django's spelling, of one iteration
CREATE FUNCTION pg_temp.pbkdf2(password text) RETURNS text LANGUAGE sql AS $$
	SELECT 'pbkdf2_sha256$1$salt$' || encode(hmac('salt\000\000\000\001'::bytea, convert_to(password, 'UTF8'), 'sha256'), 'base64')
$$;
CREATE FUNCTION pg_temp.hashes() RETURNS bigint LANGUAGE sql AS $$
	SELECT (djust_auth.stats() ->> 'hashes')::bigint
$$;

-- imported hashes of a password that was typed decomposed, composed, and partly both
SELECT 'Zoë-Tulip-é1' AS nfc, U&'Zoe\0308-Tulip-e\03011' AS nfd, U&'Zo\00eb-Tulip-e\03011' AS mixed \gset
CREATE TEMP TABLE form (name text, password text);
INSERT INTO form VALUES ('nfc', :'nfc'), ('nfd', :'nfd'), ('mixed', :'mixed');
SELECT djust_auth.import_user('p_' || made.name || '_' || typed.name || '@forms.example', pg_temp.pbkdf2(made.password)),
	djust_auth.import_user('b_' || made.name || '_' || typed.name || '@forms.example', crypt(made.password, gen_salt('bf', 4)))
	FROM form made, form typed;
SELECT is(pg_temp.logs_in(kind || '_' || made.name || '_' || typed.name || '@forms.example', typed.password), made.name <> 'mixed' OR typed.name = 'mixed',
	format('%s, made of %s, typed as %s', kind, made.name, typed.name)) FROM form made, form typed, unnest(ARRAY['p', 'b']) kind;
SELECT matches(pg_temp.hash_of('p_nfd_nfc@forms.example'), '^\$argon2id', 'the hash is replaced');
SELECT is(pg_temp.logs_in('p_nfd_nfc@forms.example', password), true, 'and good for every form now: ' || name) FROM form;
SELECT is(pg_temp.logs_in('p_nfd_nfd@forms.example', :'nfc' || 'x'), false, 'another password is another');

-- at the present cost already, of a decomposed password
SELECT djust_auth.import_user('argon2@forms.example', '$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$0YBDJ6vXpM98Sj5G0n2jiXCyjlqvgJOQj6grCLO7I78');
SELECT pg_temp.hash_of('argon2@forms.example') AS before \gset
SELECT ok(pg_temp.logs_in('argon2@forms.example', 'Zoë-Tulip-1'), 'an Argon2id hash of a decomposed password');
SELECT isnt(pg_temp.hash_of('argon2@forms.example'), :'before', 'is replaced by one of the composed');
SELECT pg_temp.hash_of('argon2@forms.example') AS before \gset
SELECT ok(pg_temp.logs_in('argon2@forms.example', U&'Zoe\0308-Tulip-1'), 'which logs in decomposed');
SELECT is(pg_temp.hash_of('argon2@forms.example'), :'before', 'and stays');

-- what it costs: told by the password, not by the account
SELECT djust_auth.create_user('own@forms.example', 'Tulips-4-Own'), djust_auth.create_user('bare@forms.example');
CREATE TEMP TABLE cost (email text, password text, hashes bigint);
DO $$
DECLARE
	address text;
	guess text;
	before bigint;
BEGIN
	FOREACH address IN ARRAY ARRAY['own@forms.example', 'bare@forms.example', 'nobody@forms.example', 'b_nfc_nfc@forms.example'] LOOP
		FOREACH guess IN ARRAY ARRAY['Tulips-4-Ann', 'Tulips-4-Zoë', U&'Tulips-4-Zoe\0308', U&'Tulips-4-Zo\00eb-e\0301'] LOOP
			before := pg_temp.hashes();
			PERFORM djust_login(address, guess);
			INSERT INTO cost VALUES (address, guess, pg_temp.hashes() - before);
		END LOOP;
	END LOOP;
END $$;
SELECT set_eq('SELECT DISTINCT password, hashes FROM cost',
	$$VALUES ('Tulips-4-Ann', 1::bigint), ('Tulips-4-Zoë', 2::bigint), (U&'Tulips-4-Zoe\0308', 2::bigint), (U&'Tulips-4-Zo\00eb-e\0301', 3::bigint)$$,
	'one hash for each form that a password has, for every account');

-- bcrypt reads 72 bytes
SELECT repeat('Tulips-4-', 8) AS first \gset
SELECT djust_auth.import_user('long@forms.example', crypt(:'first' || 'Ann-owns', gen_salt('bf', 4)));
SELECT djust_auth.import_user('exact@forms.example', crypt(left(:'first', 71), gen_salt('bf', 4)));
SELECT pg_temp.hash_of('long@forms.example') AS before \gset
SELECT ok(pg_temp.logs_in('long@forms.example', :'first' || 'Attacker'), 'bcrypt: what follows 72 bytes takes no part');
SELECT is(pg_temp.hash_of('long@forms.example'), :'before', 'the hash is kept');
SELECT ok(pg_temp.logs_in('long@forms.example', :'first' || 'Ann-owns'), 'its owner logs in');
SELECT is(pg_temp.hash_of('long@forms.example'), :'before', 'and it is kept again');
SELECT ok(NOT pg_temp.logs_in('long@forms.example', left(:'first', 71) || 'x'), 'the first 72 do');
SELECT ok(pg_temp.logs_in('long@forms.example', :'first'), 'and they are enough');
SELECT is(pg_temp.hash_of('long@forms.example'), :'before', 'which do not lock out the owner of more');
SELECT ok(pg_temp.logs_in('exact@forms.example', left(:'first', 71)), 'a password of 71 bytes');
SELECT matches(pg_temp.hash_of('exact@forms.example'), '^\$argon2id', 'is read whole, with its end: the hash is replaced');
SELECT ok(NOT pg_temp.logs_in('exact@forms.example', :'first'), 'by one of all its bytes');
-- composed it fits into 72 bytes, decomposed it does not
SELECT repeat('é', 30) || 'Tulips-4' AS composed, repeat(U&'e\0301', 30) || 'Tulips-4' AS decomposed \gset
SELECT djust_auth.import_user('wide@forms.example', crypt(:'decomposed', gen_salt('bf', 4)));
SELECT pg_temp.hash_of('wide@forms.example') AS before \gset
SELECT ok(pg_temp.logs_in('wide@forms.example', :'composed'), 'bcrypt of a decomposed password of 98 bytes');
SELECT is(pg_temp.hash_of('wide@forms.example'), :'before', 'is kept: the form that matched counts, not the one that was typed');

-- the blocklist
INSERT INTO djust_auth.password_blocklist VALUES (U&'cafe\0301-1aA'), ('Größe-1a'), (U&'\00e9\0301-1aAbc');
SELECT is(djust_auth.check_password(p), ARRAY['too_common'], 'listed: ' || w) FROM (VALUES
	('café-1aA', 'composed'), (U&'cafe\0301-1aA', 'decomposed'), (U&'Gro\0308ße-1a', 'listed composed, asked decomposed'),
	(U&'\00e9\0301-1aAbc', 'more marks'), (U&'e\0301\0301-1aAbc', 'more marks, decomposed')) v (p, w);
INSERT INTO djust_auth.password_blocklist VALUES (U&'zoe\0308-1a!!'), ('νίκος-1a');
SELECT ok('too_common' = ANY (djust_auth.check_password(p)), 'an entry in small letters stands for capitals: ' || p) FROM unnest(ARRAY['ZOË-1a!!', U&'ZOE\0308-1A!!', 'Νίκος-1A']) p;
UPDATE djust_auth.password_blocklist SET password = U&'the\0301-1aA' WHERE password = 'Größe-1a';
SELECT is(djust_auth.check_password('thé-1aA!'), '{}', 'not listed');
SELECT is(djust_auth.check_password('thé-1aA'), ARRAY['too_short', 'too_common'], 'an UPDATE is normalised too');
SELECT throws_ok($$INSERT INTO djust_auth.password_blocklist VALUES (U&'caf\00e9-1aA')$$, '23505', NULL, 'two spellings of one entry are one');
SELECT lives_ok($$INSERT INTO djust_auth.password_blocklist VALUES (U&'cafe\0301-1aA') ON CONFLICT DO NOTHING$$, 'as ON CONFLICT knows');

CREATE TEMP TABLE other (a bigint);
CREATE TRIGGER x BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION djust_auth.blocklist_normalise();
SELECT throws_ok('INSERT INTO other VALUES (65536)', '39P01', NULL, 'the trigger function is for that table only');

-- a refused hash: the reason and the hint fit the cause, whatever the way in, and repeat nothing of the value
CREATE FUNCTION pg_temp.refusal(way text, hash text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; detail text; hint text; message text; context text;
BEGIN
	EXECUTE CASE way
		WHEN 'import_user' THEN format('SELECT djust_auth.import_user(%L, %L)', 'fault@forms.example', hash)
		WHEN 'INSERT' THEN format('INSERT INTO djust_auth.customer_user (email, password_hash) VALUES (%L, %L)', 'fault@forms.example', hash)
		WHEN 'COPY' THEN format('COPY djust_auth.customer_user (email, password_hash) FROM PROGRAM %L',
			format($c$printf '%%s\t%%s\n' fault@forms.example '%s'$c$, hash))
	END;
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	IF position(hash IN concat(message, detail, hint)) > 0 THEN
		RETURN 'the value is repeated';
	END IF;
	RETURN state || ': ' || substring(detail FROM 'clear|altered|higher|lower|cannot be checked') ||
		': ' || substring(hint FROM 'set_password|exactly|without a hash');
END $$;
SELECT is(pg_temp.refusal(way, hash), '23514: ' || expected, way || ': ' || substr(hash, 1, 12))
	FROM (VALUES ('Tulips-4-Ann', 'clear: set_password'),
		('$2b$12$CCCCCCCCCCCCCCCCCCCCC', 'altered: exactly'),
		('$ARGON2ID$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4', 'altered: exactly'),
		('$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'higher: without a hash'),
		('$5$rounds=999999999$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5', 'higher: without a hash'),
		('$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4', 'higher: without a hash'),
		('$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'lower: without a hash'),
		('xxtHrOGVa3182', 'cannot be checked: without a hash'),
		('{noop}Tulips-4-Ann', 'cannot be checked: without a hash')) t(hash, expected),
		unnest(ARRAY['import_user', 'INSERT', 'COPY']) way;

SELECT * FROM finish();
ROLLBACK;
