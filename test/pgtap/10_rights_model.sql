-- 10_rights_model: djust_can against a model of the rules in plain SQL, over random profiles, patterns and paths

BEGIN;
SELECT plan(8);
SELECT setseed(0.20240607);

-- The model.  A path is its segments; a pattern matches segment by segment, a final ** takes the rest.  How specific a
-- match is: for each segment of the pattern literal 0, {name} 1, ** 2, compared from left to right.

CREATE FUNCTION pg_temp.segments(route text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN route = '/' THEN '{}'::text[] ELSE string_to_array(substr(route, 2), '/') END
$$;
CREATE FUNCTION pg_temp.matches_path(pattern text[], path text[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	n int := cardinality(pattern);
	rest boolean := n > 0 AND pattern[n] = '**';
	i int;
BEGIN
	IF rest THEN n := n - 1; END IF;
	IF cardinality(path) < n OR (NOT rest AND cardinality(path) > n) THEN RETURN false; END IF;
	FOR i IN 1..n LOOP
		IF left(pattern[i], 1) <> '{' AND pattern[i] <> path[i] THEN RETURN false; END IF;
	END LOOP;
	RETURN true;
END $$;
CREATE FUNCTION pg_temp.rank_of(pattern text[]) RETURNS int[] LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(array_agg(CASE WHEN s = '**' THEN 2 WHEN left(s, 1) = '{' THEN 1 ELSE 0 END ORDER BY i), '{}')
	FROM unnest(pattern) WITH ORDINALITY u(s, i)
$$;

-- Random patterns: up to four segments of a, b, {x}, and perhaps ** at the end; some codes.

CREATE FUNCTION pg_temp.random_pattern() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	pattern text := '';
BEGIN
	IF random() < 0.08 THEN RETURN 'CODE-' || 1 + floor(random() * 4)::int; END IF;
	FOR i IN 1..floor(random() * 5)::int LOOP
		pattern := pattern || '/' || (ARRAY['a', 'b', 'c', '{x}', '{y}'])[1 + floor(random() * 5)::int];
	END LOOP;
	IF random() < 0.4 THEN pattern := pattern || '/**'; END IF;
	RETURN CASE pattern WHEN '' THEN '/' ELSE pattern END;
END $$;

INSERT INTO djust_auth.profile (name) SELECT 'model' || i FROM generate_series(1, 80) i;
INSERT INTO djust_auth.profile_right (profile, route, access)
	SELECT p.name, pg_temp.random_pattern(), (ARRAY['none', 'read', 'write'])[1 + floor(random() * 3)::int]::djust_auth.access_right
	FROM (SELECT name, floor(random() * 14)::int AS n FROM djust_auth.profile WHERE name LIKE 'model%' OFFSET 0) p, generate_series(1, p.n)
	ON CONFLICT DO NOTHING;
INSERT INTO djust_auth.profile_right (profile, route, access)
	SELECT 'anonymous', route, access FROM (VALUES ('/c/{x}', 'read'), ('/c/a', 'none'), ('/b/b/**', 'read'), ('CODE-4', 'read')) x(route, a), LATERAL (SELECT a::djust_auth.access_right) y(access);

CREATE TEMP TABLE bearer (n int, id uuid, token text);
INSERT INTO bearer SELECT i, djust_auth.create_user('model' || i || '@model.example') FROM generate_series(1, 60) i;
INSERT INTO bearer VALUES (0, NULL, NULL);
INSERT INTO djust_auth.user_profile (user_id, profile)
	SELECT DISTINCT u.id, 'model' || 1 + floor(random() * 80)::int
	FROM (SELECT id, floor(random() * 4)::int AS n FROM bearer WHERE id IS NOT NULL OFFSET 0) u, generate_series(1, u.n);
UPDATE bearer SET token = djust_auth.open_session(id) ->> 'access_token' WHERE id IS NOT NULL;

-- Every path of up to four segments of a, b, c, d, and the codes.

CREATE TEMP TABLE path AS
	WITH RECURSIVE p(route, depth) AS (
		SELECT '', 0
		UNION ALL SELECT route || '/' || s, depth + 1 FROM p, unnest('{a,b,c,d}'::text[]) s WHERE depth < 4)
	SELECT CASE route WHEN '' THEN '/' ELSE route END AS route FROM p
	UNION ALL SELECT '/a/b/c/d/a' UNION ALL SELECT 'CODE-' || i FROM generate_series(1, 5) i;

CREATE TEMP TABLE profile_answer AS
	SELECT DISTINCT ON (r.profile, p.route) r.profile, p.route, r.access
	FROM djust_auth.profile_right r, path p
	WHERE CASE WHEN p.route LIKE '/%' AND r.route LIKE '/%' THEN pg_temp.matches_path(pg_temp.segments(r.route), pg_temp.segments(p.route)) ELSE r.route = p.route END
	ORDER BY r.profile, p.route, pg_temp.rank_of(pg_temp.segments(r.route));
CREATE TEMP TABLE expected AS
	SELECT b.n, b.token, p.route, coalesce(max(a.access), 'none') AS access
	FROM bearer b CROSS JOIN path p
	LEFT JOIN LATERAL (SELECT profile FROM djust_auth.user_profile u WHERE u.user_id = b.id UNION ALL SELECT 'anonymous') m ON true
	LEFT JOIN profile_answer a ON a.profile = m.profile AND a.route = p.route
	GROUP BY b.n, b.token, p.route;

-- The comparison.

CREATE TEMP TABLE answer AS
	SELECT *, djust_can(token, asked, 'read') AS may_read, djust_can(token, asked, 'write') AS may_write
	FROM (SELECT *, route || CASE WHEN route NOT LIKE '/_%' THEN ''
			ELSE (ARRAY['', '', '/', '?q=/a/../b', '/?q'])[1 + floor(random() * 5)::int] END AS asked FROM expected) x;

SELECT ok((SELECT count(*) FROM djust_auth.profile_right) > 300, 'there are hundreds of rights: ' || (SELECT count(*) FROM djust_auth.profile_right));
SELECT is((SELECT count(*) FROM answer), 61 * 347::bigint, '61 bearers and 347 paths were asked');
SELECT ok(count(*) > 500, count(*) || ' answers should be ' || access) FROM answer GROUP BY access ORDER BY access;
SELECT is((SELECT count(*) FROM answer WHERE may_read IS DISTINCT FROM (access >= 'read')), 0::bigint, 'read: djust_can agrees with the model');
SELECT is((SELECT count(*) FROM answer WHERE may_write IS DISTINCT FROM (access = 'write')), 0::bigint, 'write: djust_can agrees with the model');
SELECT diag(format('%s: model says %s, read is %s, write is %s; profiles: %s', asked, access, may_read, may_write,
		(SELECT string_agg(profile || ' ' || r.route || ' ' || r.access, ', ') FROM djust_auth.user_profile u JOIN djust_auth.profile_right r USING (profile)
			WHERE u.user_id = (SELECT id FROM bearer b WHERE b.n = a.n))))
	FROM answer a WHERE may_read IS DISTINCT FROM (access >= 'read') OR may_write IS DISTINCT FROM (access = 'write') ORDER BY length(asked) LIMIT 10;

-- The same after a thousand changes, with what is remembered from before.

UPDATE djust_auth.profile_right SET access = (ARRAY['none', 'read', 'write'])[1 + floor(random() * 3)::int]::djust_auth.access_right WHERE random() < 0.5;
DELETE FROM djust_auth.profile_right WHERE random() < 0.2;
DELETE FROM djust_auth.user_profile WHERE random() < 0.2;
INSERT INTO djust_auth.user_profile (user_id, profile) SELECT id, 'model' || 1 + floor(random() * 80)::int FROM bearer WHERE id IS NOT NULL ON CONFLICT DO NOTHING;
TRUNCATE profile_answer;
INSERT INTO profile_answer
	SELECT DISTINCT ON (r.profile, p.route) r.profile, p.route, r.access
	FROM djust_auth.profile_right r, path p
	WHERE CASE WHEN p.route LIKE '/%' AND r.route LIKE '/%' THEN pg_temp.matches_path(pg_temp.segments(r.route), pg_temp.segments(p.route)) ELSE r.route = p.route END
	ORDER BY r.profile, p.route, pg_temp.rank_of(pg_temp.segments(r.route));
SELECT is((SELECT count(*) FROM bearer b CROSS JOIN path p
		CROSS JOIN LATERAL (SELECT coalesce(max(a.access), 'none') AS access
			FROM (SELECT profile FROM djust_auth.user_profile u WHERE u.user_id = b.id UNION ALL SELECT 'anonymous') m
			LEFT JOIN profile_answer a ON a.profile = m.profile AND a.route = p.route) e
		WHERE djust_can(b.token, p.route, 'read') IS DISTINCT FROM (e.access >= 'read') OR djust_can(b.token, p.route, 'write') IS DISTINCT FROM (e.access = 'write')),
	0::bigint, 'after many changes djust_can still agrees');

SELECT * FROM finish();
ROLLBACK;
