/* hidden */ SET client_min_messages = warning;
/* hidden */ CREATE FUNCTION pg_temp.expect(good boolean) RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF good IS NOT TRUE THEN RAISE 'this is not the answer the story tells'; END IF; END $$;

-- ==== 1. The DBA sets up the shop ====================================================================================

CREATE EXTENSION djust_auth;

-- Two profiles ...

INSERT INTO djust_auth.profile (name, description) VALUES
	('buyer',    'Orders for the company'),
	('approver', 'Approves what buyers order');

-- ... and what each may do. {id} stands for one segment, /** for all the rest; the most specific pattern of a profile
-- wins, so that "none" carves out. Codes such as ORDER-200 are routes too. The profile anonymous is there from the start.

INSERT INTO djust_auth.profile_right (profile, route, access) VALUES
	('anonymous', '/products/**',                'read'),
	('anonymous', '/products/{id}/cost-price',   'none'),
	('buyer',     '/cart/**',                    'write'),
	('buyer',     '/orders',                     'write'),
	('buyer',     '/orders/{id}',                'read'),
	('buyer',     '/orders/{id}/approval',       'none'),
	('buyer',     '/invoices/**',                'read'),
	('buyer',     '/invoices/drafts/**',         'none'),
	('buyer',     '/account',                    'write'),
	('buyer',     'ORDER-200',                   'write'),
	('approver',  '/orders/**',                  'read'),
	('approver',  '/orders/{id}/approval',       'write'),
	('approver',  '/budgets/{year}/{department}', 'write'),
	('approver',  'ORDER-201',                   'write');

-- Customers: by function or by plain INSERT; a weak password is refused with all the reasons at once.

SELECT djust_auth.create_user('ann@example.com', 'Tulips-4-Ann', '{buyer}') AS ann \gset
\echo '    =>' :ann
SELECT djust_auth.create_user('bob@example.com', 'Daisies-4-Bob', '{buyer,approver}') AS bob \gset
\echo '    =>' :bob
SELECT djust_auth.check_password('tulips') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::text[] @> '{too_short,missing_uppercase,missing_digit,missing_special}') \g /dev/null

-- The web shop connects as a role of its own, which may call the API and touch nothing else.

CREATE ROLE shop_backend LOGIN;
SELECT djust_auth.grant_api('shop_backend');

-- ==== 2. Ann logs in =================================================================================================

SET ROLE shop_backend;

SELECT djust_login('ann@example.com', 'Tulips-4-Anna') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'error' = 'invalid_grant') \g /dev/null

-- An address nobody has gets the very same answer.

SELECT djust_login('nobody@example.com', 'Tulips-4-Ann') AS unknown \gset
\echo '    =>' :unknown
/* hidden */ SELECT pg_temp.expect(:'unknown' = :'answer') \g /dev/null

SELECT djust_login('Ann@Example.com', 'Tulips-4-Ann') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT :'answer'::json ->> 'access_token' AS access_token, :'answer'::json ->> 'refresh_token' AS refresh_token \gset
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'token_type' = 'Bearer' AND (:'answer'::json ->> 'expires_in')::int = 600 AND (:'answer'::json ->> 'refresh_expires_in')::int = 7200) \g /dev/null

-- ==== 3. May she? ====================================================================================================

SELECT djust_can(:'access_token', '/orders/4711', 'read') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null
SELECT djust_can(:'access_token', '/orders/4711', 'write') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null
SELECT djust_can(:'access_token', '/orders', 'POST') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null
SELECT djust_can(:'access_token', '/invoices/2026/11?page=2', 'GET') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null
SELECT djust_can(:'access_token', '/invoices/drafts/12', 'GET') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null
SELECT djust_can(:'access_token', 'ORDER-200', 'write') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null

-- Whoever is not logged in has the rights of anonymous, and no others.

SELECT djust_can(NULL, '/products/roses', 'read') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null
SELECT djust_can(NULL, '/products/roses/cost-price', 'read') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null
SELECT djust_can('not.a.token', '/products/roses', 'read') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null

-- ==== 4. Tokens are refreshed ========================================================================================

SELECT djust_refresh(:'refresh_token') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT :'answer'::json ->> 'access_token' AS new_access_token, :'answer'::json ->> 'refresh_token' AS new_refresh_token \gset
/* hidden */ SELECT pg_temp.expect(:'new_refresh_token' LIKE 'djr\_%' AND :'new_refresh_token' <> :'refresh_token') \g /dev/null

-- A second browser tab sends the same old token a moment later: the same successor, nobody is thrown out.

SELECT djust_refresh(:'refresh_token')::json ->> 'refresh_token' = :'new_refresh_token' AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null

-- After the grace time (10 s; here the DBA sets it to nothing) an old token means that it was stolen: the session dies,
-- the access token with it.

RESET ROLE;
SET djust_auth.refresh_reuse_grace = 0;
SET ROLE shop_backend;

SELECT djust_refresh(:'refresh_token') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'error' = 'invalid_grant') \g /dev/null
SELECT djust_can(:'new_access_token', '/orders/4711', 'read') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null

-- ==== 5. Logout ======================================================================================================

SELECT djust_login('ann@example.com', 'Tulips-4-Ann')::json ->> 'access_token' AS access_token \gset
SELECT djust_can(:'access_token', '/account', 'write') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null
SELECT djust_logout(:'access_token') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null
SELECT djust_can(:'access_token', '/account', 'write') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null
SELECT djust_introspect(:'access_token') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::jsonb = '{"active": false}') \g /dev/null

-- ==== 6. Ann forgot her password =====================================================================================

SELECT djust_reset_request('ann@example.com');

-- The background worker makes the link, which no table ever holds, and sends the mail. This is what the mail server gets:

RESET ROLE;
/* hidden */ \set mail `eval "$RELAY_READ 1"`
\echo '    =>' :mail
/* hidden */ SELECT substring(:'mail' FROM 'token=(djp_[A-Za-z0-9_-]+)') AS reset_token \gset
/* hidden */ SELECT pg_temp.expect(:'mail' LIKE '%To: ann@example.com%' AND length(:'reset_token') > 40) \g /dev/null

-- She follows the link. A weak password does not use it up.

SET ROLE shop_backend;
SELECT djust_reset_confirm(:'reset_token', 'roses') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'error' = 'weak_password') \g /dev/null
SELECT djust_reset_confirm(:'reset_token', 'Roses-4-Ann!') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'status' = 'password_updated') \g /dev/null
SELECT djust_reset_confirm(:'reset_token', 'Violets-4-Eve!') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'error' = 'invalid_grant') \g /dev/null

-- Another mail tells her that her password was changed.

/* hidden */ \set mail `eval "$RELAY_READ 2"`
\echo '    =>' :mail
/* hidden */ SELECT pg_temp.expect(:'mail' LIKE '%Your password was changed%' AND :'mail' NOT LIKE '%djp\_%') \g /dev/null

SELECT djust_login('ann@example.com', 'Tulips-4-Ann') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'error' = 'invalid_grant') \g /dev/null
SELECT djust_login('ann@example.com', 'Roses-4-Ann!')::json ->> 'access_token' AS access_token \gset
\echo '    =>' :access_token
/* hidden */ SELECT pg_temp.expect(:'access_token' LIKE 'eyJ%.%.%') \g /dev/null

-- ==== 7. The DBA changes a right, and it counts at once ==============================================================

SELECT djust_can(:'access_token', '/orders/4711', 'write') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null

RESET ROLE;
UPDATE djust_auth.profile_right SET access = 'write' WHERE profile = 'buyer' AND route = '/orders/{id}';

SET ROLE shop_backend;
SELECT djust_can(:'access_token', '/orders/4711', 'write') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer') \g /dev/null

RESET ROLE;
SELECT djust_auth.explain(:'ann', '/orders/4711', 'write') AS answer \gset
\echo '    =>' :answer

-- ==== 8. The pages ===================================================================================================

-- PostgREST serves the API over HTTP, and the pages behind the links of mails. It connects as a role of its own.

CREATE ROLE shop_web LOGIN NOINHERIT;
CREATE ROLE shop_visitor;
GRANT shop_visitor TO shop_web;
SELECT djust_auth.grant_api('shop_web', 'authenticator');
SELECT djust_auth.grant_api('shop_visitor', 'anonymous');
ALTER DATABASE shop SET djust_auth.sign_up = on;
ALTER DATABASE shop SET djust_auth.sign_up_profiles = 'buyer';
/* hidden */ \getenv server HTTP_SERVER
/* hidden */ \getenv pages PAGES
/* hidden */ \! eval "$HTTP_START"
\echo '    =>' :server

-- Carla is invited, in German. A program that looks for malware opens the link of her mail first: that uses nothing up.

SELECT djust_auth.invite_user('carla@example.com', '{buyer}', 'de') AS answer \gset
\echo '    =>' :answer
/* hidden */ \set mail `eval "$RELAY_READ 3"`
\echo '    =>' :mail
/* hidden */ SELECT substring(:'mail' FROM 'http://\S+djust_reset_page\?token=djp_\S+') AS link \gset
/* hidden */ SELECT pg_temp.expect(:'mail' LIKE '%To: carla@example.com%' AND :'link' LIKE :'pages' || '/%') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" open :'link'`
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%| Choose a new password%') \g /dev/null

-- Carla opens it, in a German browser, and chooses a weak password first.

/* hidden */ \set page `python3 "$BROWSER" open :'link' de`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Neues Passwort wählen%| Neues Passwort: \_\_%| [ Neues Passwort speichern ]') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" press new_password=zinnias`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%| Dieses Passwort wurde nicht angenommen.%| Ein Großbuchstabe%| [ Neues Passwort speichern ]') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" press new_password=Zinnias-4-Carla`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Passwort geändert%' AND :'page' NOT LIKE '%[ %') \g /dev/null
/* hidden */ \set mail `eval "$RELAY_READ 4"`
/* hidden */ SELECT pg_temp.expect(djust_login('carla@example.com', 'Zinnias-4-Carla') ->> 'token_type' = 'Bearer') \g /dev/null

-- Dan signs up by himself. The page says the same of every address; to Bob, who has an account, a mail would say so.

/* hidden */ \set page `python3 "$BROWSER" open "$PAGES/djust_sign_up_page"`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Create an account%| Email address: \_\_%| Password: \_\_%| [ Create account ]') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" press email=dan@example.com password=Begonias-4-Dan`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Check your mail%' AND :'page' NOT LIKE '%[ %') \g /dev/null
/* hidden */ \set mail `eval "$RELAY_READ 5"`
\echo '    =>' :mail
/* hidden */ SELECT substring(:'mail' FROM 'http://\S+djust_confirm_page\?token=djc_\S+') AS link \gset
/* hidden */ SELECT pg_temp.expect(:'mail' LIKE '%To: dan@example.com%' AND :'link' LIKE :'pages' || '/%') \g /dev/null

-- He follows the link. Looking makes no account: its button does.

/* hidden */ \set page `python3 "$BROWSER" open :'link'`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Confirm your email address%| [ Confirm this address ]') \g /dev/null
SELECT count(*) AS answer FROM djust_auth.customer_user WHERE email = 'dan@example.com' \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer' = '0') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" press`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Address confirmed%' AND :'page' NOT LIKE '%[ %') \g /dev/null

-- And logs in by HTTP, as a script or an app does: POST /rpc/djust_login

/* hidden */ \set answer `python3 "$BROWSER" post "$PAGES/djust_login" email=dan@example.com password=Begonias-4-Dan`
\echo '    =>' :answer
/* hidden */ SELECT :'answer'::json ->> 'access_token' AS dans_token \gset
/* hidden */ SELECT pg_temp.expect(:'dans_token' LIKE 'eyJ%.%.%') \g /dev/null

-- ==== 9. A stolen account is put back ================================================================================

-- Somebody at Dan's unlocked computer knows his password, changes his address, and confirms the new one ...

SET ROLE shop_backend;
SELECT djust_change_email(:'dans_token', 'Begonias-4-Dan', 'mallory@example.com') AS answer \gset
\echo '    =>' :answer
/* hidden */ \set mail `eval "$RELAY_READ 6"`
/* hidden */ SELECT substring(:'mail' FROM 'token=(djc_[A-Za-z0-9_-]+)') AS token \gset
SELECT djust_confirm_email(:'token') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'status' = 'email_confirmed') \g /dev/null

-- ... but the notice that Dan gets has a link that puts it back, and lets nobody in before he has reset his password.

/* hidden */ \set mail `eval "$RELAY_READ 7"`
\echo '    =>' :mail
/* hidden */ SELECT substring(:'mail' FROM 'http://\S+djust_confirm_page\?token=djv_\S+') AS link \gset
/* hidden */ SELECT pg_temp.expect(:'mail' LIKE '%To: dan@example.com%' AND :'link' LIKE :'pages' || '/%') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" open :'link'`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Put your email address back%| [ Put the address back ]') \g /dev/null
/* hidden */ \set page `python3 "$BROWSER" press`
\echo '    =>' :page
/* hidden */ SELECT pg_temp.expect(:'page' LIKE '%  200%| Address put back%' AND :'page' NOT LIKE '%[ %') \g /dev/null
SELECT djust_login('dan@example.com', 'Begonias-4-Dan') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(:'answer'::json ->> 'error' = 'too_many_attempts') \g /dev/null
SELECT djust_can(:'dans_token', '/orders', 'read') AS answer \gset
\echo '    =>' :answer
/* hidden */ SELECT pg_temp.expect(NOT :'answer') \g /dev/null
RESET ROLE;

-- ==== 10. What the DBA sees of Ann ===================================================================================

/* hidden */ \pset format aligned
/* hidden */ \pset tuples_only off
SELECT event, count(*), min(detail::text) AS for_example FROM djust_auth.audit_event WHERE user_id = :'ann' GROUP BY event ORDER BY min(at);
