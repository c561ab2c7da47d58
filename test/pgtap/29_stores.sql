-- 29_stores: store views have their own links, senders and texts of mails

BEGIN;
\pset fieldsep '\n'
SELECT plan(59);

CREATE TEMP TABLE mail (id bigint, recipient text, subject text, body_text text, body_html text, sender text);
-- the mails that are due, claimed and sent
CREATE FUNCTION pg_temp.deliver() RETURNS bigint LANGUAGE sql AS $$
	WITH claimed AS MATERIALIZED (SELECT * FROM djust_auth.claim_mail(1000)),
	kept AS (INSERT INTO mail SELECT c.*, djust_auth.mail_sender(c.id) FROM claimed c)
	SELECT count(djust_auth.mail_sent(id)) FROM claimed
$$;
CREATE FUNCTION pg_temp.newest(of text) RETURNS mail LANGUAGE sql AS $$ SELECT m FROM mail m WHERE recipient = of ORDER BY id DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.as_store(name text) RETURNS text LANGUAGE sql AS $$
	SELECT set_config('request.headers', CASE WHEN name IS NULL THEN '' ELSE json_build_object('x-store', name)::text END, true)
$$;
-- one hour later, for the pace of mails
CREATE FUNCTION pg_temp.an_hour_later() RETURNS void LANGUAGE sql AS $$
	UPDATE djust_auth.pending_email SET mailed_at = mailed_at - interval '2 hours'
$$;

-- what a store may be

SELECT throws_ok(format($$INSERT INTO djust_auth.store (name, %I) VALUES ('bad', %L)$$, field, value), '23514', message, field || ' = ' || value)
	FROM (VALUES ('reset_url', 'http://fr.shop.example/reset?token={token}', 'invalid reset_url of a store'), ('reset_url', 'https://fr.shop.example/reset', 'invalid reset_url of a store'),
		('reset_url', '', 'invalid reset_url of a store'), ('confirm_url', 'javascript:alert({token})', 'invalid confirm_url of a store'), ('confirm_url', 'https://fr.shop.example/{token}/{token}', 'invalid confirm_url of a store'),
		('mail_from', E'shop@fr.shop.example\nBcc: eve@evil.example', 'invalid mail_from of a store'), ('mail_from', 'La Boutique', 'invalid mail_from of a store'), ('mail_from', '', 'invalid mail_from of a store'),
		('locale', 'french!', NULL)) bad(field, value, message);
SELECT throws_ok(format('INSERT INTO djust_auth.store (name) VALUES (%L)', name), '23514', NULL, format('name = %L', name))
	FROM unnest(ARRAY['', ' fr', 'fr ', E'f\tr', repeat('x', 64)]) name;
SELECT lives_ok($$INSERT INTO djust_auth.store VALUES
	('fr', 'https://fr.shop.example/mot-de-passe?token={token}', 'https://fr.shop.example/adresse?token={token}', 'La Boutique <bonjour@fr.shop.example>', 'fr'),
	('outlet', NULL, NULL, NULL, NULL), ('de.shop.example', 'https://de.shop.example/r/{token}', NULL, NULL, 'de')$$, 'three stores');
SELECT throws_ok($$INSERT INTO djust_auth.store (name) VALUES ('fr')$$, '23505', NULL, 'a name belongs to one');

SELECT djust_auth.create_user('ann@stores.example', 'Tulips-4-Ann') AS ann \gset
SELECT djust_auth.create_user('bea@stores.example', 'Tulips-4-Bea') AS bea \gset
SELECT throws_ok(format($$INSERT INTO djust_auth.user_store VALUES (%L, 'it')$$, :'ann'), '23503', NULL, 'a user''s store is one that is there');
INSERT INTO djust_auth.user_store VALUES (:'bea', 'fr');
SELECT is((SELECT detail -> 'new' ->> 'store' FROM djust_auth.audit_event WHERE detail ->> 'table' = 'user_store' AND user_id = :'bea' ORDER BY id DESC LIMIT 1), 'fr', 'the audit tells the store');

-- without the setting no header counts

SELECT pg_temp.as_store('fr') \g /dev/null
SELECT djust_reset_request('ann@stores.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is(m.subject, 'Reset your password', 'no djust_auth.store_header: the texts of all'), matches(m.body_text, 'https://shop.example/reset\?token=djp_', 'the link of the setting'), is(m.sender, NULL, 'and its sender')
	FROM pg_temp.newest('ann@stores.example') m;

-- a request names a store

SET djust_auth.store_header = 'X-Store';
SELECT djust_auth.create_user('cee@stores.example', 'Tulips-4-Cee') AS cee \gset
SELECT djust_reset_request('cee@stores.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is(m.subject, 'Choisissez un nouveau mot de passe', 'the store''s language'), matches(m.body_text, 'https://fr\.shop\.example/mot-de-passe\?token=djp_', 'its link'),
		is(m.sender, 'La Boutique <bonjour@fr.shop.example>', 'its sender')
	FROM pg_temp.newest('cee@stores.example') m;
SELECT is(djust_reset_confirm(substring(body_text FROM 'djp_[A-Za-z0-9_-]+'), 'Roses-4-Cee!') ->> 'status', 'password_updated', 'the link works')
	FROM pg_temp.newest('cee@stores.example');
SELECT pg_temp.deliver() \g /dev/null
SELECT is((m.subject, m.sender)::text, '("Votre mot de passe a été modifié","La Boutique <bonjour@fr.shop.example>")', 'the notice is the store''s, too') FROM pg_temp.newest('cee@stores.example') m;
SELECT is((SELECT store FROM djust_auth.user_store WHERE user_id = :'cee'), NULL, 'a request gives nobody a store');

SELECT pg_temp.as_store('no such store') \g /dev/null
SELECT djust_auth.create_user('dea@stores.example', 'Tulips-4-Dea') AS dea \gset
SELECT djust_reset_request('dea@stores.example') \g /dev/null
SELECT is((SELECT array_agg(DISTINCT store) FROM djust_auth.mail_queue WHERE done_at IS NULL), '{NULL}', 'an unknown name is none, and is not kept');
SELECT pg_temp.deliver() \g /dev/null
SELECT matches(body_text, 'https://shop.example/reset', 'the settings hold') FROM pg_temp.newest('dea@stores.example');

-- the same for every address

SELECT pg_temp.as_store('fr') \g /dev/null
SELECT djust_auth.create_user('eva@stores.example', 'Tulips-4-Eva') AS eva \gset
SELECT djust_reset_request(address) FROM unnest('{eva@stores.example,nobody@stores.example}'::text[]) address \g /dev/null
SELECT is((SELECT count(DISTINCT (kind, user_id, length(address), store, attempts)) FROM djust_auth.mail_queue WHERE done_at IS NULL), 1::bigint, 'known and unknown addresses: equal rows');
SELECT is(pg_temp.deliver(), 1::bigint, 'one gets a mail');

-- a user has a store; the request's comes first

SELECT pg_temp.as_store(NULL) \g /dev/null
SELECT djust_reset_request('bea@stores.example') \g /dev/null
SELECT is((SELECT array_agg(DISTINCT store) FROM djust_auth.mail_queue WHERE done_at IS NULL), '{NULL}', 'before the claim the queue does not tell a user''s store');
SELECT pg_temp.deliver() \g /dev/null
SELECT is(m.sender, 'La Boutique <bonjour@fr.shop.example>', 'the user''s store'), matches(m.body_text, 'fr\.shop\.example/mot-de-passe', 'and its link') FROM pg_temp.newest('bea@stores.example') m;
SELECT pg_temp.as_store('outlet') \g /dev/null
SELECT djust_auth.create_user('fay@stores.example', 'Tulips-4-Fay') AS fay \gset
UPDATE djust_auth.customer_user SET locale = 'de' WHERE id = :'fay';
INSERT INTO djust_auth.user_store VALUES (:'fay', 'fr');
SELECT djust_reset_request('fay@stores.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is(m.sender, NULL, 'the request''s store comes first'), matches(m.body_text, 'https://shop.example/reset', 'what it leaves open is as in the settings'), is(m.subject, 'Neues Passwort festlegen', 'the user''s language is theirs')
	FROM pg_temp.newest('fay@stores.example') m;

-- texts: the store's before those of all, then the language that fits best

INSERT INTO djust_auth.mail_template (kind, locale, store, subject, body_text, body_html) VALUES
	('reset', '', '', 'all', '{link}', '{link}'), ('reset', 'fr', '', 'all in French', '{link}', '{link}'),
	('reset', '', 'fr', 'fr', '{link}', '{link}'), ('reset', 'fr-CA', 'fr', 'fr in Canada', '{link}', '{link}'), ('reset', 'de', 'outlet', 'outlet in German', '{link}', '{link}');
SELECT throws_ok($$INSERT INTO djust_auth.mail_template VALUES ('reset', 'FR_ca', 'x', '{link}', '{link}', 'fr')$$, '23505', NULL, 'two spellings of one locale in one store');
SELECT djust_auth.create_user(format('t%s@stores.example', n)) FROM generate_series(1, 7) n \g /dev/null
CREATE TEMP TABLE wish AS SELECT format('t%s@stores.example', n) AS email, locale, store
	FROM (VALUES (1, NULL, NULL), (2, 'fr-CA', NULL), (3, NULL, 'fr'), (4, 'fr-CA', 'fr'), (5, 'de', 'fr'), (6, 'de-AT', 'outlet'), (7, 'it', 'outlet')) v(n, locale, store);
UPDATE djust_auth.customer_user u SET locale = w.locale FROM wish w WHERE u.email = w.email;
INSERT INTO djust_auth.user_store SELECT u.id, w.store FROM djust_auth.customer_user u JOIN wish w USING (email) WHERE w.store IS NOT NULL;
SELECT pg_temp.as_store(NULL) \g /dev/null
SELECT djust_reset_request(format('t%s@stores.example', n)) FROM generate_series(1, 7) n \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is((SELECT subject FROM mail WHERE recipient = format('t%s@stores.example', n)), wanted, 'locale and store: ' || wanted)
	FROM (VALUES (1, 'all'), (2, 'all in French'), (3, 'fr'), (4, 'fr in Canada'), (5, 'fr'), (6, 'outlet in German'), (7, 'all')) v(n, wanted);

-- sign-up, and changes of address

SET djust_auth.sign_up = on;
SELECT pg_temp.as_store('fr') \g /dev/null
SELECT djust_sign_up('gus@stores.example', 'Gooseberry-7-pie', 'fr') \g /dev/null
SELECT pg_temp.as_store(NULL) \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT matches(m.body_text, 'https://fr\.shop\.example/adresse\?token=djc_', 'a sign-up''s link'), is(djust_confirm_email(substring(m.body_text FROM 'djc_[A-Za-z0-9_-]+')) ->> 'status', 'email_confirmed', 'makes the account')
	FROM pg_temp.newest('gus@stores.example') m;
SELECT is((SELECT (s.store, u.locale)::text FROM djust_auth.customer_user u JOIN djust_auth.user_store s ON s.user_id = u.id WHERE u.email = 'gus@stores.example'), '(fr,fr)', 'which belongs to the store');
SELECT djust_change_email(djust_login('gus@stores.example', 'Gooseberry-7-pie') ->> 'access_token', 'Gooseberry-7-pie', 'gus.new@stores.example') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
SELECT is(m.sender, 'La Boutique <bonjour@fr.shop.example>', 'the new address hears from it'), is(djust_confirm_email(substring(m.body_text FROM 'https://fr.shop.example/adresse\?token=(djc_[A-Za-z0-9_-]+)')) ->> 'status', 'email_confirmed', 'with a link')
	FROM pg_temp.newest('gus.new@stores.example') m;
SELECT pg_temp.deliver() \g /dev/null
SELECT matches(body_text, 'https://fr\.shop\.example/adresse\?token=djv_', 'and so does the former one') FROM pg_temp.newest('gus@stores.example');
SELECT pg_temp.as_store('fr') \g /dev/null
SELECT djust_sign_up('hal@stores.example', 'Gooseberry-7-pie') \g /dev/null
SELECT pg_temp.deliver() \g /dev/null
DELETE FROM djust_auth.store WHERE name = 'fr';
SELECT is((SELECT count(*) FROM djust_auth.user_store WHERE store <> 'outlet'), 0::bigint, 'a store that is deleted is nobody''s any more');
SELECT is(djust_confirm_email(substring(body_text FROM 'djc_[A-Za-z0-9_-]+')) ->> 'status', 'email_confirmed', 'links that it mailed go on') FROM pg_temp.newest('hal@stores.example');
SELECT is((SELECT s.store FROM djust_auth.customer_user u JOIN djust_auth.user_store s ON s.user_id = u.id WHERE u.email = 'hal@stores.example'), NULL, 'without a store');
SELECT pg_temp.as_store('outlet') \g /dev/null
SELECT djust_auth.create_user('ian@stores.example', 'Tulips-4-Ian') AS ian \gset
UPDATE djust_auth.customer_user SET locale = 'de' WHERE id = :'ian';
SELECT djust_reset_request('ian@stores.example'), djust_sign_up('joe@stores.example', 'Gooseberry-7-pie') \g /dev/null
UPDATE djust_auth.store SET name = 'outlets' WHERE name = 'outlet';
SELECT is((SELECT array_agg(DISTINCT store) FROM djust_auth.mail_queue WHERE done_at IS NULL), '{outlets}', 'mails that wait follow a new name');
SELECT is((SELECT store FROM djust_auth.pending_email WHERE kind = 'sign_up'), 'outlets', 'so do sign-ups');
SELECT pg_temp.deliver() \g /dev/null
SELECT is(subject, 'outlet in German', 'and texts') FROM pg_temp.newest('ian@stores.example');
INSERT INTO djust_auth.store (name) VALUES ('short');
SELECT pg_temp.as_store('short') \g /dev/null
SELECT djust_reset_request('kim@stores.example') \g /dev/null
DELETE FROM djust_auth.store WHERE name = 'short';
SELECT is((SELECT array_agg(DISTINCT store) FROM djust_auth.mail_queue WHERE done_at IS NULL), '{NULL}', 'mails of a store that is deleted have none');
SELECT is((SELECT array_agg(DISTINCT store) FROM djust_auth.user_store), '{outlets}', 'users follow a new name');

SELECT * FROM finish();
ROLLBACK;
