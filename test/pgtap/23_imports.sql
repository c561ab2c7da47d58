-- Users of other systems log in with the passwords they have; what cannot be imported says so beforehand.

\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.logs_in(email text, password text) RETURNS boolean LANGUAGE sql AS $$
	SELECT djust_login(email, password)::jsonb ? 'access_token'
$$;

-- one hash of each family; test/unit/pwhash_test.c has all of them, and says which library made each
CREATE TEMP TABLE imported (scheme text, password text, hash text);
INSERT INTO imported VALUES
	('salted-sha1', 'lètmein', 'sha1$ALbELUneVYLqE7LvveFYTN$e00c7ae871a506bf260b4ee4fbd94c4eb88ea263'),
	('phpass', 'password', '$P$B5R2NphIR4PoLDJtRpyO9ri8SiIcDw0'),
	('wordpress-bcrypt', 'lètmein', '$wp$2y$05$6DqJGje6yZ2ScWGEPldY9OOIvvNL/LIS5YEdz4v82c8Q4nFCmD7Qq'),
	('drupal-sha512', 'lètmein', '$S$DJYLlGxskC.p9V/1ZyHVLde4NqPmAcWzcjlPTS145eHSshB7BxwD'),
	('yescrypt', 'lètmein', '$y$j75$4/ENzaVdBe6YyGMjJAfHO/$Z6VKkYCXFYieFL86yhs0DZ3d2UG2/Ihp8ajidtx20Q3'),
	('aspnet-identity', 'lètmein', 'AQAAAAEAACcQAAAAENw5vOPmQiZv0Ov8Gx9wfMLjjOlOd5Kt1ip5yVIRF6NGKIzdrqOj9qeng5UyZ/hGLQ=='),
	('salted-sha1', 'lètmein', '{SSHA}6HVRgD2RlwXJfvPvpWj7aDLZ7vOHcM45'),
	('pbkdf2', 'lètmein', 'pbkdf2:sha256:1000$PR25tWN6m9VViU14$5e9e640235ff4abb0c61f01b86185da975739e77f6a85a05d9f057c798048f86'),
	('pbkdf2', 'lètmein', '{"id": "5e5d5c5b", "type": "password", "createdDate": 1700000000000, "secretData": "{\"value\": \"zaLEUNXhE/2XyfXdvVl0NVYawKiq3EKKq8pz7qDqzoQ8WlCb/JYvGHE9WQkd7vp/7djjEBzlV7h9hKU8ZGg7og==\", \"salt\": \"c2l4dGVlbiBieXRlcyBvaw==\", \"additionalParameters\": {}}", "credentialData": "{\"hashIterations\": 27500, \"algorithm\": \"pbkdf2-sha256\", \"additionalParameters\": {}}"}'),
	('argon2id', 'lètmein', '{"type": "password", "secretData": "{\"value\":\"5QwchzjI8Bag3d1EHWF8cA==\",\"salt\":\"8PHy8/T19vf4+fr7/P3+/w==\",\"additionalParameters\":{}}", "credentialData": "{\"hashIterations\":3,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"16\"],\"memory\":[\"512\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"4\"]}}"}'),
	('better-auth-scrypt', 'lètmein', '9722f373149295c5c5f5988a97145cda:5ec4f965d5a14da4644d4664dd3c19debfcd4c3b6ce87d7c8ae195bac1a953e61b1c4425c6a72a2f7b39ce2b450bed39ccfbd8d583cf18d4dd17891d28dd2b91'),
	('firebase-scrypt', 'user1password', '$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==');
ALTER TABLE imported ADD id bigint GENERATED ALWAYS AS IDENTITY;

SELECT is(djust_auth.check_hash(hash), scheme, 'told: ' || scheme) FROM imported ORDER BY id;
SELECT djust_auth.import_user('i' || id || '@imports.example', hash) FROM imported;
SELECT is(pg_temp.logs_in('i' || id || '@imports.example', password || 'x'), false, scheme || ', another password') FROM imported ORDER BY id;
SELECT is(pg_temp.logs_in('i' || id || '@imports.example', password), true, scheme || ', the password') FROM imported ORDER BY id;
SELECT is(count(*), 0::bigint, 'every hash is replaced by one of today''s cost') FROM djust_auth.customer_user
	WHERE email LIKE 'i%@imports.example' AND password_hash NOT LIKE '$argon2id$v=19$m=19456,t=2,p=1$%';
SELECT is(pg_temp.logs_in('i' || id || '@imports.example', password), true, scheme || ', and again') FROM imported ORDER BY id;

-- Django's users without a password
SELECT djust_auth.import_user('none@imports.example', '!6cpWuvZZ3rV55XF4Xw0KQM7NxudAiH0z9257r1zH');
INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('none2@imports.example', '!');
SELECT is(count(*), 2::bigint, 'a mark of no password is stored as none') FROM djust_auth.customer_user
	WHERE email LIKE 'none%@imports.example' AND password_hash IS NULL;
SELECT is(djust_auth.check_hash('!'), 'no password', 'and told');
SELECT is(djust_auth.check_hash(NULL), NULL, 'nothing of nothing');

-- a row that is refused says what it looks like, and why
CREATE FUNCTION pg_temp.refused(hash text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ('refused@imports.example', hash);
	RETURN 'taken';
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN 'refused: ' || detail;
END $$;
CREATE TEMP TABLE bad (hash text, told text);
INSERT INTO bad VALUES
	('Summer2024!', 'refused: It does not begin like any password hash, so it may be a password in clear.'),
	('{noop}Summer2024!', 'refused: It has the form of a hash of a scheme that cannot be checked here (noop).'),
	('$P$short', 'refused: It begins like a hash of the scheme phpass, but is cut off, altered, or not in that scheme''s canonical spelling.'),
	('$y$jHT$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7', 'refused: It is a hash of the scheme yescrypt, but its cost is higher than what is accepted: checking it could stop the server.'),
	('$6$rounds=999$salt$hash', 'refused: It is a hash of the scheme sha512-crypt, but its cost is lower than what that scheme allows.'),
	('xxtHrOGVa3182', 'refused: It has the form of a hash of a scheme that cannot be checked here (des-crypt).'),
	('{"type":"otp","secretData":"{}","credentialData":"{}"}', 'refused: It does not begin like any password hash, so it may be a password in clear.');
SELECT is(pg_temp.refused(hash), told, 'refused: ' || left(hash, 9)) FROM bad;
SELECT is(djust_auth.check_hash(hash), told, 'told beforehand: ' || left(hash, 9)) FROM bad;

SELECT alike(djust_auth.check_hash('{"type":"password","secretData":' || repeat('[', 50000)), 'refused: %', 'JSON that is nested deep is refused like any other');

SELECT * FROM finish();
ROLLBACK;
