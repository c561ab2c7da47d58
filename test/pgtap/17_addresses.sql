-- One mailbox, one account: spellings that a person takes for one address have one normal form, and it stays as it is.
-- Which they are, test/unit/address_test.c says; here are some of each kind.

\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();

SELECT djust_auth.create_profile('ad_buyer');
CREATE FUNCTION pg_temp.logs_in(email text) RETURNS boolean LANGUAGE sql AS $$
	SELECT djust_login(email, 'Tulips-4-Ann')::jsonb ? 'access_token'
$$;
CREATE FUNCTION pg_temp.stored(id uuid) RETURNS text LANGUAGE sql AS $$
	SELECT email COLLATE "default" FROM djust_auth.customer_user u WHERE u.id = stored.id
$$;

-- an account and every other spelling of its address
CREATE TEMP TABLE spelling (made text, other text, what text);
INSERT INTO spelling VALUES
	(U&'J\030C@ad1.example', U&'\01F0@ad1.example', 'a letter that composes only once it is small'),
	('user@XN--BCHER-KVA.example', U&'user@B\00DCCHER\3002Example', 'A-labels in capitals, then Unicode in capitals with an ideographic dot'),
	('ann@ad3.example', U&'ann@ad3.example\200B', 'zero width space behind'),
	('νίκος@ad10.example', 'ΝΊΚΟΣ@ad10.example', 'final sigma'),
	('straße@ad11.example', 'STRAẞE@ad11.example', 'capital sharp s');

SELECT djust_auth.create_user(made, 'Tulips-4-Ann', '{ad_buyer}') FROM spelling;
SELECT is(pg_temp.logs_in(other), true, 'login: ' || what) FROM spelling;
SELECT throws_ok(format('SELECT djust_auth.create_user(%L)', other), '23505', NULL, 'no second account: ' || what) FROM spelling;

-- apart
SELECT lives_ok(format('SELECT djust_auth.create_user(%L)', e), 'another address: ' || e)
	FROM unnest(ARRAY['strasse@ad11.example', U&'\0131nfo@ad9.example', 'info@ad9.example', 'ann+tag@ad3.example', 'a.nn@ad3.example', 'ann@sub.ad3.example']) e;

-- the normal form is its own
CREATE TEMP TABLE before AS SELECT id, email COLLATE "default" AS email FROM djust_auth.customer_user;
UPDATE djust_auth.customer_user SET locale = 'de';
UPDATE djust_auth.customer_user SET email = email;
SELECT is_empty('SELECT id, email FROM before EXCEPT SELECT id, email FROM djust_auth.customer_user', 'no UPDATE changes an address by itself');
SELECT ok(count(*) = 0, 'nothing was added') FROM (SELECT id FROM djust_auth.customer_user EXCEPT SELECT id FROM before) s;
SELECT ok(pg_temp.logs_in(U&'J\030C@ad1.example'), 'and its owner logs in');

-- refused, with the reason
CREATE FUNCTION pg_temp.reason(email text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
	PERFORM djust_auth.create_user(email);
	RETURN NULL;
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END $$;
SELECT matches(pg_temp.reason(e), r, 'refused: ' || w) FROM (VALUES
	(U&'an\200Bn@ad.example', 'invisible', 'zero width space inside'),
	(U&'ann\202E@ad.example', 'direction', 'bidirectional control inside'),
	(U&'an\00A0n@ad.example', 'spaces', 'no-break space inside'),
	(U&'an\0085n@ad.example', 'control', 'next line inside'),
	('ann@ad..example', 'two dots', 'an empty label'),
	('ann@ä-.example', 'hyphen', 'a label beyond ASCII that ends with one'),
	('ann@a_d.example', 'letters, digits, hyphens', 'an underscore'),
	('ann@' || repeat('ü', 60) || '.example', '63 bytes', 'a label that is long in A-labels'),
	('ann@💩.la', 'UTS 46', 'a sign that no domain has')) v (e, r, w);

SELECT * FROM finish();
ROLLBACK;
