-- 27_pages: the pages of sign-up and of the links about addresses

BEGIN;
\pset fieldsep '\n'
SELECT plan(44);

CREATE FUNCTION pg_temp.page(sql text, language text DEFAULT 'en', OUT status text, OUT html text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('request.method', 'POST', true), set_config('response.status', '200', true),
		set_config('request.headers', json_build_object('accept-language', language)::text, true);
	EXECUTE sql INTO html;
	status := current_setting('response.status');
END $$;
CREATE FUNCTION pg_temp.shown(html text) RETURNS text[] LANGUAGE sql AS $$
	SELECT coalesce(array_agg(m[1] ORDER BY m[1]), '{}') FROM regexp_matches(html, '<p data-code="([a-z_]+)"(?: class="good")?>', 'g') m
$$;
CREATE FUNCTION pg_temp.link(of text, prefix text) RETURNS text LANGUAGE sql AS $$
	SELECT substring(body_text FROM prefix || '[A-Za-z0-9_-]+') FROM djust_auth.claim_mail(1000) WHERE recipient = of AND body_text ~ prefix
$$;

-- sign-up is off

SELECT is(status, '404', 'sign-up is off: 404'), matches(html, says, 'and the page says so'), doesnt_match(html, '<form|<script', 'without a form')
	FROM (VALUES ('en', 'Accounts cannot be created here'), ('fr', 'pas possible de cr&#233;er un compte'), ('de', 'keine Konten')) v(language, says), pg_temp.page('SELECT djust_sign_up_page()', language);
SELECT is(status, '404', 'also for a form that is sent') FROM pg_temp.page($$SELECT djust_sign_up_page('ann@pages.example', 'Tulips-4-Ann')$$);
SELECT is((SELECT count(*) FROM djust_auth.mail_queue), 0::bigint, 'which does nothing');

SET LOCAL djust_auth.sign_up = on;
SELECT is(status, '200', 'sign-up is on'), is(pg_temp.shown(html), '{}', 'nothing is said at first'), matches(html, 'name="email"[^>]* value=""', 'the address is empty')
	FROM pg_temp.page('SELECT djust_sign_up_page()');
SELECT matches(html, 'value="&lt;&quot;&gt;"', 'an address is escaped') FROM pg_temp.page($$SELECT djust_sign_up_page('<">')$$);
SELECT is(status, '422', 'a weak password: 422'), is(pg_temp.shown(html), '{weak_password}', 'and it is said'), matches(html, '<li id="missing_digit" class="unmet">', 'which rule'),
		matches(html, 'value="ann@pages.example"', 'the address stays'), doesnt_match(html, 'tulips', 'the password does not')
	FROM pg_temp.page($$SELECT djust_sign_up_page('ann@pages.example', 'tulips')$$);
SELECT is(status || pg_temp.shown(html)::text, '400{invalid_request}', format('%s is no address', coalesce(email, 'NULL')))
	FROM unnest('{nobody,"",a@b@c,NULL}'::text[]) email, pg_temp.page(format('SELECT djust_sign_up_page(%L, ''Tulips-4-Ann'')', email));
SELECT is(status || pg_temp.shown(html)::text, '200{confirmation_sent}', 'a good one'), matches(html, '<title>Sehen Sie in Ihr Postfach</title>', 'in German'), doesnt_match(html, '<form', 'has no form any more')
	FROM pg_temp.page($$SELECT djust_sign_up_page('ann@pages.example', 'Tulips-4-Ann')$$, 'de');

-- the link of the mail

SELECT pg_temp.link('ann@pages.example', 'djc_') AS link \gset
SELECT is(djust_confirm_page(:'link')::text, replace(djust_confirm_page('djc_x')::text, 'djc_x', :'link'), 'the page does not look at the token');
SELECT is((SELECT count(*) FROM djust_auth.customer_user), 0::bigint, 'opening it makes no account');
SELECT is(status || pg_temp.shown(html)::text, '200{email_confirmed}', 'the button does') FROM pg_temp.page(format('SELECT djust_confirm_page(%L, '''')', :'link'));
SELECT is((SELECT locale FROM djust_auth.customer_user WHERE email = 'ann@pages.example'), 'de', 'in the language of the page');
SELECT is(status || pg_temp.shown(html)::text, '400{invalid_grant}', 'once') FROM pg_temp.page(format('SELECT djust_confirm_page(%L, ''x'')', :'link'));
SELECT matches(djust_confirm_page('djv_x'), '<button>Put the address back</button>', 'a link of a notice has another button');

-- texts of the administrator's

INSERT INTO djust_auth.page_text (key, locale, text) VALUES
	('confirm_title', 'de', 'Grüß <Gott>'), ('confirm_title', 'de_CH', 'Grüezi'), ('confirm_title', 'it', 'Confermi l''indirizzo'), ('rule_length', 'it', '{n} caratteri'),
	('confirm_button', 'en', 'Yes, that is me');
SELECT is(substring(html FROM '<html lang="(.*?)">') || ' ' || substring(html FROM '<h1>(.*?)</h1>'), wanted, format('Accept-Language %s: %s', language, wanted))
	FROM (VALUES ('de', 'de Grüß &lt;Gott&gt;'), ('de-AT', 'de Grüß &lt;Gott&gt;'), ('de-ch', 'de-CH Grüezi'), ('it-IT', 'it Confermi l&#39;indirizzo'), ('fr', 'fr Confirmez votre adresse e-mail'),
		('en', 'en Confirm your email address')) v(language, wanted), pg_temp.page('SELECT djust_confirm_page(''djc_x'')', language);
SELECT matches(html, '<button>Yes, that is me</button>', 'what Italian lacks is in the administrator''s English') FROM pg_temp.page('SELECT djust_confirm_page(''djc_x'')', 'it');
SELECT matches(html, '>8 caratteri<', 'a number is filled in') FROM pg_temp.page('SELECT djust_reset_page(''djp_x'')', 'it');
SELECT throws_ok($$INSERT INTO djust_auth.page_text VALUES ('title', 'de', 'x')$$, '23514', NULL, 'a key that is none');
SELECT throws_ok($$INSERT INTO djust_auth.page_text VALUES ('reset_title', '"', 'x')$$, '23514', NULL, 'a locale that is none');
SELECT throws_ok($$INSERT INTO djust_auth.page_text VALUES ('confirm_title', 'DE-ch', 'x')$$, '23505', NULL, 'one locale in two spellings');

SELECT * FROM finish();
ROLLBACK;
