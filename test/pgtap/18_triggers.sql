-- 18_triggers: a trigger function serves the triggers that the extension made, and refuses all others before it looks at a row

BEGIN;
SELECT plan(23);

CREATE ROLE pgtap_attacher;
GRANT USAGE ON SCHEMA djust_auth TO pgtap_attacher;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA djust_auth TO pgtap_attacher;
GRANT USAGE ON TYPE djust_auth.access_right TO pgtap_attacher;
SELECT count(*) AS events FROM djust_auth.audit_event \gset

-- Every function, on a table (or view) of these columns, in every way a trigger can be made: what it answers.

CREATE TABLE way (timing text, event text, level text, tables text);
INSERT INTO way
	SELECT timing, event, 'ROW', '' FROM unnest('{BEFORE,AFTER}'::text[]) timing, unnest('{INSERT,UPDATE,DELETE}'::text[]) event
	UNION ALL SELECT 'INSTEAD OF', event, 'ROW', '' FROM unnest('{INSERT,UPDATE,DELETE}'::text[]) event
	UNION ALL SELECT timing, event, 'STATEMENT', '' FROM unnest('{BEFORE,AFTER}'::text[]) timing, unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event
	UNION ALL VALUES ('AFTER', 'INSERT', 'STATEMENT', 'REFERENCING NEW TABLE AS n'), ('AFTER', 'DELETE', 'STATEMENT', 'REFERENCING OLD TABLE AS o'),
		('AFTER', 'UPDATE', 'STATEMENT', 'REFERENCING OLD TABLE AS o NEW TABLE AS n');
GRANT SELECT ON way TO pgtap_attacher;

CREATE FUNCTION pg_temp.fire(relation text, event text, row_text text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE CASE event WHEN 'INSERT' THEN format('INSERT INTO %s VALUES (%s)', relation, row_text)
		WHEN 'UPDATE' THEN format('UPDATE %s SET a = a', relation) WHEN 'DELETE' THEN format('DELETE FROM %s', relation)
		ELSE format('TRUNCATE %s', relation) END;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN RETURN sqlstate;
END $$;
CREATE FUNCTION pg_temp.attempts(name text, columns text, row_text text) RETURNS TABLE (how text, answer text) LANGUAGE plpgsql AS $$
DECLARE
	w way; f text;
BEGIN
	FOR f IN SELECT proname FROM pg_proc WHERE pronamespace = 'djust_auth'::regnamespace AND prorettype = 'trigger'::regtype LOOP
		FOR w IN SELECT * FROM way LOOP
			how := concat_ws(' ', f, w.timing, w.event, w.level, w.tables);
			EXECUTE format('CREATE TEMP TABLE %I (%s)', name, columns);
			EXECUTE format('INSERT INTO pg_temp.%I VALUES (%s)', name, row_text);
			IF w.timing = 'INSTEAD OF' THEN EXECUTE format('CREATE TEMP VIEW seen AS SELECT * FROM pg_temp.%I', name); END IF;
			EXECUTE format('CREATE TRIGGER x %s %s ON pg_temp.%I %s FOR EACH %s EXECUTE FUNCTION djust_auth.%I()',
				w.timing, w.event, CASE w.timing WHEN 'INSTEAD OF' THEN 'seen' ELSE name END, w.tables, w.level, f);
			answer := pg_temp.fire(format('pg_temp.%I', CASE w.timing WHEN 'INSTEAD OF' THEN 'seen' ELSE name END), w.event, row_text);
			RETURN NEXT;
			EXECUTE format('DROP TABLE pg_temp.%I CASCADE', name);
		END LOOP;
	END LOOP;
END $$;

SET ROLE pgtap_attacher;
SET client_min_messages = warning;
CREATE TEMP TABLE attempt AS
	SELECT 'int, bigint' AS what, a.* FROM pg_temp.attempts('t', 'a int, b bigint', '1, 65536') a
	UNION ALL SELECT 'uuid', a.* FROM pg_temp.attempts('t', 'a uuid, b uuid, c uuid, d uuid', 'gen_random_uuid(), gen_random_uuid()') a
	UNION ALL SELECT 'box', a.* FROM pg_temp.attempts('t', 'a int, b box, c box', '1, box(point(0,0),point(1,1)), box(point(0,0),point(1,1))') a
	UNION ALL SELECT 'one column', a.* FROM pg_temp.attempts('t', 'a bool', 'true') a
	UNION ALL SELECT 'a twin of a table', a.* FROM pg_temp.attempts('profile_right', 'a text, route text, access djust_auth.access_right', '''buyer'', ''/'', ''write''') a
	UNION ALL SELECT 'a forged name', a.* FROM pg_temp.attempts('x", "forged": "yes', 'a uuid, b text', 'gen_random_uuid(), ''x''') a;
SELECT is_empty($$SELECT what, how, answer FROM attempt WHERE answer <> '39P01' ORDER BY 1, 2$$, 'every function, attached in any way to a table that is not its own: 39P01');
SELECT ok(count(DISTINCT how) >= 120 AND count(*) = 6 * count(DISTINCT how), 'which were ' || count(*) || ' attempts on six tables') FROM attempt;
RESET ROLE;
RESET client_min_messages;
SELECT is((SELECT count(*) FROM djust_auth.audit_event), :events::bigint, 'no event was forged');

-- a table of that name in another schema, and a child of a table of ours

CREATE SCHEMA pgtap_twin;
CREATE TABLE pgtap_twin.customer_user (LIKE djust_auth.customer_user INCLUDING ALL);
CREATE TRIGGER x BEFORE INSERT ON pgtap_twin.customer_user FOR EACH ROW EXECUTE FUNCTION djust_auth.user_normalise();
SELECT throws_ok($$INSERT INTO pgtap_twin.customer_user (email) VALUES ('ann@triggers.example')$$, '39P01', NULL, 'a twin in another schema');
CREATE TABLE pgtap_twin.child () INHERITS (djust_auth.profile);
CREATE TRIGGER x AFTER INSERT ON pgtap_twin.child REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
SELECT throws_ok($$INSERT INTO pgtap_twin.child VALUES ('heir')$$, '39P01', NULL, 'a table that inherits from one');
DROP TABLE pgtap_twin.child;

-- on tables of the extension: other events, timings and levels than a function's own

CREATE TEMP TABLE own (function text, trigger text, statement text);
INSERT INTO own VALUES
	('user_normalise', 'AFTER INSERT ON djust_auth.customer_user FOR EACH ROW', $$INSERT INTO djust_auth.customer_user (email) VALUES ('x1@triggers.example')$$),
	('user_normalise', 'BEFORE INSERT ON djust_auth.customer_user FOR EACH STATEMENT', $$INSERT INTO djust_auth.customer_user (email) VALUES ('x2@triggers.example')$$),
	('user_normalise', 'BEFORE INSERT ON djust_auth.profile FOR EACH ROW', $$INSERT INTO djust_auth.profile VALUES ('x3')$$),
	('user_changed', 'AFTER INSERT ON djust_auth.customer_user FOR EACH ROW', $$INSERT INTO djust_auth.customer_user (email) VALUES ('x4@triggers.example')$$),
	('user_changed', 'BEFORE UPDATE ON djust_auth.customer_user FOR EACH ROW', $$UPDATE djust_auth.customer_user SET locale = 'de'$$),
	('user_changed', 'AFTER UPDATE ON djust_auth.customer_user REFERENCING NEW TABLE AS n FOR EACH STATEMENT', $$UPDATE djust_auth.customer_user SET locale = 'fr'$$),
	('user_changed', 'AFTER DELETE ON djust_auth.user_profile FOR EACH ROW', $$DELETE FROM djust_auth.user_profile$$),
	('user_profile_changed', 'AFTER INSERT ON djust_auth.session FOR EACH ROW', $$SELECT djust_auth.open_session(id) FROM djust_auth.customer_user$$),
	('user_profile_changed', 'AFTER DELETE ON djust_auth.user_profile FOR EACH STATEMENT', $$DELETE FROM djust_auth.user_profile$$),
	('policy_changed', 'AFTER INSERT ON djust_auth.profile FOR EACH ROW', $$INSERT INTO djust_auth.profile VALUES ('x5')$$),
	('policy_changed', 'BEFORE DELETE ON djust_auth.profile_right FOR EACH ROW', $$DELETE FROM djust_auth.profile_right$$),
	('audit_change', 'AFTER INSERT ON djust_auth.profile FOR EACH ROW', $$INSERT INTO djust_auth.profile VALUES ('x6')$$),
	('audit_change', 'AFTER INSERT ON djust_auth.profile FOR EACH STATEMENT', $$INSERT INTO djust_auth.profile VALUES ('x7')$$),
	('audit_change', 'AFTER UPDATE ON djust_auth.profile REFERENCING NEW TABLE AS n FOR EACH STATEMENT', $$UPDATE djust_auth.profile SET description = 'x'$$),
	('audit_change', 'BEFORE DELETE ON djust_auth.profile_right FOR EACH STATEMENT', $$DELETE FROM djust_auth.profile_right$$),
	('keep_anonymous', 'BEFORE INSERT ON djust_auth.profile FOR EACH ROW', $$INSERT INTO djust_auth.profile VALUES ('x8')$$);
SELECT djust_auth.create_profile('buyer');
SELECT djust_auth.set_right('buyer', '/orders', 'read');
SELECT djust_auth.create_user('ann@triggers.example', 'Tulips-4-Ann', '{buyer}') AS ann \gset

CREATE FUNCTION pg_temp.refusal(function text, trigger text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER x %s EXECUTE FUNCTION djust_auth.%I()', trigger, function);
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN RETURN sqlstate;
END $$;
SELECT is(pg_temp.refusal(function, trigger, statement), '39P01', function || ' ' || trigger) FROM own;

-- and the triggers are where they should be

SELECT is_empty(
	$$SELECT c.relname, o FROM pg_class c, unnest('{insert,update,delete,truncate}'::text[]) o
		WHERE c.relnamespace = 'djust_auth'::regnamespace AND c.relkind = 'r'
			AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'djust_audit_' || o AND t.tgenabled = 'O')$$,
	'every table of the extension tells INSERT, UPDATE, DELETE and TRUNCATE to the audit');
SELECT is_empty(
	$$SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'djust_auth'::regnamespace)
		AND NOT tgisinternal AND tgname !~ '^djust_'$$,
	'the extension''s triggers carry its prefix');

SELECT * FROM finish();
ROLLBACK;
