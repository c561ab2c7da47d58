-- One mailbox, one account: spellings that a person takes for one address have one normal form, and it stays as it is.

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
	(U&'J\030C@ad2.example', U&'j\030c@AD2.example', 'decomposed, in either case'),
	('user@münchen.example', 'user@xn--mnchen-3ya.example', 'a domain in Unicode, then in A-labels'),
	('user@xn--kln-sna.example', U&'USER@KO\0308LN\FF0Eexample', 'a decomposed domain with a wide dot'),
	('user@XN--BCHER-KVA.example', U&'user@B\00DCCHER\3002Example', 'A-labels in capitals, then Unicode in capitals with an ideographic dot'),
	('ann@ad3.example', U&'ann@ad3.example\200B', 'zero width space behind'),
	('ann@ad4.example', U&'\00A0ann@ad4.example\00A0', 'no-break spaces around'),
	('ann@ad5.example', U&'\FEFFann@ad5.example', 'byte order mark before'),
	('ann@ad6.example', U&'\202Eann@ad6.example\202C', 'bidirectional controls around'),
	('ann@ad7.example', U&'ann@ad7.example\0085', 'next line behind'),
	('ann@ad8.example', U&'\3000ann@ad8.example\2060\00AD', 'ideographic space before, word joiner and soft hyphen behind'),
	(U&'\0130nfo@ad9.example', U&'I\0307nfo@ad9.example', 'capital i with a dot'),
	('νίκος@ad10.example', 'ΝΊΚΟΣ@ad10.example', 'final sigma'),
	('straße@ad11.example', 'STRAẞE@ad11.example', 'capital sharp s'),
	('ann@straße.ad13.example', 'ann@STRAẞE.ad13.example', 'capital sharp s in the domain'),
	(U&'\212Aim@ad12.example', 'kim@ad12.example', 'Kelvin sign');

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
	(U&'ann@ad\200B.example', 'invisible', 'zero width space in the domain'),
	(U&'ann@ex\00ADample.example', 'invisible', 'soft hyphen in the domain'),
	(U&'ann\202E@ad.example', 'direction', 'bidirectional control inside'),
	(U&'ann\2066@ad.example', 'direction', 'isolate inside'),
	(U&'an\FEFFn@ad.example', 'invisible', 'byte order mark inside'),
	(U&'an\00A0n@ad.example', 'spaces', 'no-break space inside'),
	(U&'an\0085n@ad.example', 'control', 'next line inside'),
	(U&'an\3164n@ad.example', 'invisible', 'Hangul filler inside'),
	(U&'ann\037Ex@ad.example', 'semicolons', 'Greek question mark, a semicolon in NFC'),
	('ann@ad..example', 'two dots', 'an empty label'),
	('ann@ad.example.', 'at its ends', 'a final dot'),
	('ann@ad.example。', 'at its ends', 'a final ideographic dot'),
	('ann@.ad.example', 'at its ends', 'a dot first'),
	('ann@-ad.example', 'hyphen', 'a label that begins with a hyphen'),
	('ann@ad-.example', 'hyphen', 'a label that ends with one'),
	('ann@ä-.example', 'hyphen', 'a label beyond ASCII that ends with one'),
	('ann@a_d.example', 'letters, digits, hyphens', 'an underscore'),
	('ann@a_ä.example', 'letters, digits, hyphens', 'an underscore beside a letter beyond ASCII'),
	('ann@a*d.example', 'letters, digits, hyphens', 'an asterisk'),
	('ann@' || repeat('a', 64) || '.example', '63 bytes', 'a long label'),
	('ann@' || repeat('ü', 60) || '.example', '63 bytes', 'a label that is long in A-labels'),
	('ann@💩.la', 'UTS 46', 'a sign that no domain has'),
	('ann@[192.0.2.1]', 'brackets', 'an address literal'),
	('"ann"@ad.example', 'quotes', 'a quoted local part')) v (e, r, w);

SELECT * FROM finish();
ROLLBACK;
