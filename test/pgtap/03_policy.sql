-- 03_policy: the password rules where they are asked; every byte of their sets: test/unit/pwpolicy_test.c

BEGIN;
SELECT plan(76);

CREATE FUNCTION pg_temp.refused(password text) RETURNS text LANGUAGE sql AS $$ SELECT djust_auth.check_password($1)::text $$;

-- the four sets and the length

SELECT is(pg_temp.refused('Tulpenb1!'), '{}', 'a good password has no violation');
SELECT is(pg_temp.refused('Tulpen1!'), '{}', 'eight characters are enough');
SELECT is(pg_temp.refused('Tulpe1!'), '{too_short}', 'seven are not');
SELECT is(pg_temp.refused('Tulpenb1'), '{missing_special}', 'Tulpenb1 has no special character');
SELECT is(pg_temp.refused('Tulpenb1'''), '{missing_special}', 'an apostrophe is none');
SELECT is(pg_temp.refused(''), '{too_short,missing_uppercase,missing_lowercase,missing_digit,missing_special}', 'all violations at once, in order');
SELECT is(pg_temp.refused('ab'), '{too_short,missing_uppercase,missing_digit,missing_special}', 'all that are there');
SELECT is(pg_temp.refused(repeat('ü', 600)), '{too_long,missing_uppercase,missing_lowercase,missing_digit,missing_special}', 'too long comes second');
SELECT is(pg_temp.refused('        '), '{missing_uppercase,missing_lowercase,missing_digit,missing_special,too_common}', 'blanks count as characters, not as specials');
SELECT throws_ok('SELECT djust_auth.check_password(NULL)', '22004', NULL, 'NULL is an error');

-- characters after NFC, not bytes

SELECT is(pg_temp.refused('Kbf1!üü'), '{too_short}', 'seven characters in nine bytes');
SELECT is(pg_temp.refused('Kbf1!üüü'), '{}', 'eight characters');
SELECT is(pg_temp.refused('Kbf1!u' || U&'\0308' || 'u' || U&'\0308'), '{too_short}', 'a decomposed umlaut is one character');
SELECT is(pg_temp.refused('Kbf1!u' || U&'\0308' || 'u' || U&'\0308' || 'u' || U&'\0308'), '{}', 'three of them are three');
SELECT is(pg_temp.refused('Kbf1!😀😀'), '{too_short}', 'seven characters in thirteen bytes');
SELECT is(pg_temp.refused('Kbf1!😀😀😀'), '{}', 'eight with emoji');

-- at most 1024 bytes

SELECT is(pg_temp.refused('Kbf1!' || repeat('x', 1019)), '{}', '1024 bytes are allowed');
SELECT is(pg_temp.refused('Kbf1!' || repeat('x', 1020)), '{too_long}', '1025 are not');

-- the setting raises the length

SET LOCAL djust_auth.password_min_length = 12;
SELECT is(pg_temp.refused('Tulpenfe12!'), '{too_short}', 'eleven of twelve');
SELECT is(pg_temp.refused('Tulpenfeg12!'), '{}', 'twelve of twelve');
SET LOCAL djust_auth.password_min_length = 8;

-- the policy of NIST SP 800-63B-4: length alone

SET LOCAL djust_auth.password_policy = nist;
SELECT is(pg_temp.refused('tulips and roses'), '{}', 'nist: sixteen characters of any kind');
SELECT is(pg_temp.refused('tulipsandrosess'), '{}', 'nist: fifteen are enough');
SELECT is(pg_temp.refused('Tulpenfeld 12!'), '{too_short}', 'nist: fourteen are not, whatever they are');
SELECT is(pg_temp.refused('tülpënfëldbräch'), '{}', 'nist: characters, not bytes');
SELECT is(pg_temp.refused(U&'tu\0308lpe\0308nfe\0308ldbra\0308c'), '{too_short}', 'nist: characters after NFC');
SELECT is(pg_temp.refused(''), '{too_short}', 'nist: nothing but the length is missing');
SELECT is(pg_temp.refused(repeat('x', 1025)), '{too_long}', 'nist: 1025 bytes are too many');
SELECT throws_ok($$SELECT djust_auth.create_user('short@policy.example', 'Zoë-Tulip-1')$$, '22023', 'the password does not meet the policy', 'nist: create_user asks it');
SELECT ok(djust_auth.create_user('nist@policy.example', 'tulips and roses') IS NOT NULL, 'nist: and takes a good one');
SELECT ok(page LIKE '%data-min="15"%' AND page LIKE '%>At least 15 characters<%' AND page NOT LIKE '%id="missing_%', 'nist: the reset page lists the length alone')
	FROM CAST(djust_reset_page('x') AS text) page;
SET LOCAL djust_auth.password_min_length = 16;
SELECT is(pg_temp.refused('tulipsandrosess'), '{too_short}', 'nist: a longer minimum counts');
SET LOCAL djust_auth.password_min_length = 8;
SET LOCAL djust_auth.password_policy = djust;
SELECT is(pg_temp.refused('tulips and roses'), '{missing_uppercase,missing_digit,missing_special}', 'djust again: the sets of characters count');
SELECT ok(page LIKE '%data-min="8"%' AND page LIKE '%>At least 8 characters<%' AND page LIKE '%<li id="missing_special">%', 'djust: the reset page lists all rules')
	FROM CAST(djust_reset_page('x') AS text) page;

-- the list of the DBA

SAVEPOINT list;
INSERT INTO djust_auth.password_blocklist VALUES ('Blocked-1'), ('Zoë-Tulpe-1'), ('Ab1!');
SELECT is(pg_temp.refused('Blocked-1'), '{too_common}', 'a listed password is too common');
SELECT is(pg_temp.refused('Blocked-2'), '{}', 'another is not');
SELECT is(pg_temp.refused('Ab1!'), '{too_short,too_common}', 'too_common comes last');
SELECT is(pg_temp.refused('Zoe' || U&'\0308' || '-Tulpe-1'), '{too_common}', 'the list is asked after NFC');
SELECT throws_ok($$SELECT djust_auth.create_user('common@policy.example', 'Blocked-1')$$, '22023', NULL, 'create_user asks the list');
ROLLBACK TO list;
SELECT is(pg_temp.refused('Blocked-1'), '{}', 'a list rolled back is no list');

-- words that are guessed first; which ones, and what is said of them: test/unit/pwcommon_test.c, test/t/common_passwords.py

SET LOCAL client_min_messages = warning;
SELECT is(pg_temp.refused(password), '{too_common}', password || ' is too common')
	FROM (VALUES ('Password1!'), ('P@ssw0rd2026!'), ('Welcome1!'), ('Summer2024!'), ('1qaz@WSX'), ('Qwertz123!'), ('Kz7-Kz7-Kz7-')) x(password);
SELECT is(pg_temp.refused(password), '{}', password || ' is not')
	FROM (VALUES ('Tulips-4-Ann'), ('Correct-Horse-7-Staple'), ('k#9Wq!zR')) x(password);
SELECT is(pg_temp.refused('summer'), '{too_short,missing_uppercase,missing_digit,missing_special,too_common}', 'one of all violations');
SET LOCAL djust_auth.password_policy = nist;
SELECT is(pg_temp.refused('passwordpassword'), '{too_common}', 'nist: too');
SELECT is(pg_temp.refused('correct horse battery staple'), '{}', 'nist: not every phrase is');
SET LOCAL djust_auth.password_policy = djust;

SELECT is(pg_temp.refused('Rosenhof24!x'), '{}', 'a name that nobody told');
SET LOCAL djust_auth.password_context = 'Garten Schulze, Rosenhof';
SELECT is(pg_temp.refused('R0senhof-2024'), '{too_common}', 'a name of the shop and a year');
SELECT is(pg_temp.refused('Rosenhof-Garten-1'), '{too_common}', 'two names count as one');
SELECT is(pg_temp.refused('Rosenhof-kqzw-1'), '{}', 'a name and enough else');
RESET djust_auth.password_context;

SAVEPOINT word;
INSERT INTO djust_auth.password_blocklist VALUES ('geranie'), ('übergröße'), ('Nelken');
SELECT is(pg_temp.refused('Ger@n1e-24'), '{too_common}', 'an entry of the list and a number');
SELECT is(pg_temp.refused('Übergröße-X4'), '{too_common}', 'one with letters beyond ASCII');
SELECT is(pg_temp.refused('Geranie-Tulpe'), '{missing_digit}', 'an entry and enough else');
SELECT is(pg_temp.refused('Geranix-24'), '{}', 'the entry is not found half');
ROLLBACK TO word;

SELECT throws_ok(format('SELECT djust_auth.create_user(%L, %L)', email, 'Ann.Smith1@example.com'), '22023', 'the password does not meet the policy', 'nobody has the address for a password: ' || email)
	FROM (VALUES ('Ann.Smith1@example.com'), (' ANN.SMITH@example.com')) x(email);
SELECT djust_auth.create_user('xaver.quast@blumen.example', 'Tulips-4-Ann') AS xaver \gset
SELECT ok(djust_auth.create_user('other@policy.example', 'Xaver-Quast-7!') IS NOT NULL, 'others have that name');
SELECT throws_ok(format('SELECT djust_auth.set_password(%L, %L)', :'xaver', 'Xaver-Quast-7!'), '22023', NULL, 'set_password knows the address');
SELECT djust_login('xaver.quast@blumen.example', 'Tulips-4-Ann') ->> 'access_token' AS at \gset
SELECT is(djust_change_password(:'at', 'Tulips-4-Ann', 'Xaver-Quast-7!')::jsonb -> 'violations', '["too_common"]', 'so does change_password');
SELECT djust_reset_request('xaver.quast@blumen.example');
SELECT substring(body_text FROM 'djp_[\w-]+') AS link FROM djust_auth.claim_mail() WHERE recipient = 'xaver.quast@blumen.example' \gset
SELECT is(djust_reset_confirm(:'link', 'Blumen-Quast-7')::jsonb -> 'violations', '["too_common"]', 'so does a reset');
SELECT is(djust_reset_confirm(:'link', 'Primeln-7-Quast') ->> 'status', 'password_updated', 'which then takes another password');
SELECT ok(djust_auth.import_user('imported@policy.example', '$2b$10$N9qo8uLOickgx2ZMRZoMyeymi4cj.rctUsUnWoxLVlpXGdcYBG1Dm') IS NOT NULL, 'imported hashes are not judged');
RESET client_min_messages;

-- the verbs ask the policy

SELECT throws_ok($$SELECT djust_auth.create_user('weak@policy.example', 'Tulpenb1')$$, '22023', NULL, 'create_user refuses a weak password');
SELECT is((SELECT count(*) FROM djust_auth.customer_user WHERE email = 'weak@policy.example'), 0::bigint, 'and creates nobody');
SELECT djust_auth.create_user('ann@policy.example', 'Zoë-Tulip-1') AS ann \gset
SELECT throws_ok(format('SELECT djust_auth.set_password(%L, %L)', :'ann', 'Tulpenb1'), '22023', NULL, 'set_password refuses a weak password');
SELECT djust_login('ann@policy.example', 'Zoe' || U&'\0308' || '-Tulip-1') AS answer \gset
SELECT is(:'answer'::json ->> 'token_type', 'Bearer', 'either spelling of the password logs in');
SELECT :'answer'::json ->> 'access_token' AS at \gset
SELECT djust_change_password(:'at', 'Zoë-Tulip-1', 'abc') AS answer \gset
SELECT is(:'answer'::json ->> 'error', 'weak_password', 'change_password answers weak_password');
SELECT is(:'answer'::jsonb -> 'violations', '["too_short", "missing_uppercase", "missing_digit", "missing_special"]'::jsonb, 'with all the codes');
SELECT ok(length(:'answer'::json ->> 'error_description') > 0, 'and a description');
SELECT ok(strpos(:'answer', 'abc') = 0, 'that does not repeat the password');

SELECT * FROM finish();
ROLLBACK;
