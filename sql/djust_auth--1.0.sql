/* djust_auth 1.0: tables and administration in schema djust_auth, the public API in the schema CREATE EXTENSION names */

\echo Use "CREATE EXTENSION djust_auth" to load this file. \quit

-- schema and types

CREATE SCHEMA djust_auth;

CREATE TYPE djust_auth.access_right AS ENUM ('none', 'read', 'write');

-- functions that constraints need: pure, so that a dump restores whatever is preloaded

CREATE FUNCTION djust_auth.email_is_valid(email text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_email_is_valid';

CREATE FUNCTION djust_auth.password_hash_is_valid(password_hash text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_password_hash_is_valid';

CREATE FUNCTION djust_auth.route_is_valid(route text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_route_is_valid';

CREATE FUNCTION djust_auth.route_key(route text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_route_key';

-- tables; the order of columns is mirrored in src/catalog.h

CREATE TABLE djust_auth.customer_user (
	id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid() CONSTRAINT customer_user_pkey PRIMARY KEY,
	email text COLLATE "C" NOT NULL
		CONSTRAINT customer_user_email_key UNIQUE
		CONSTRAINT customer_user_email_valid CHECK (djust_auth.email_is_valid(email)),
	password_hash text COLLATE "C"
		CONSTRAINT customer_user_password_hash_valid CHECK (djust_auth.password_hash_is_valid(password_hash)),
	disabled_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	hash_replaced_at timestamptz,
	locale text COLLATE "C"
		CONSTRAINT customer_user_locale_valid CHECK (locale OPERATOR(pg_catalog.~) '^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$')
);

CREATE TABLE djust_auth.profile (
	name text COLLATE "C" NOT NULL CONSTRAINT profile_pkey PRIMARY KEY
		CONSTRAINT profile_name_valid CHECK (name OPERATOR(pg_catalog.~) '^[^[:cntrl:][:space:]]([^[:cntrl:]]{0,61}[^[:cntrl:][:space:]])?$'),
	description text
);

CREATE TABLE djust_auth.user_profile (
	user_id uuid NOT NULL REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	profile text COLLATE "C" NOT NULL REFERENCES djust_auth.profile ON UPDATE CASCADE ON DELETE CASCADE,
	CONSTRAINT user_profile_pkey PRIMARY KEY (user_id, profile)
);
CREATE INDEX user_profile_profile_idx ON djust_auth.user_profile (profile);

CREATE TABLE djust_auth.profile_right (
	profile text COLLATE "C" NOT NULL REFERENCES djust_auth.profile ON UPDATE CASCADE ON DELETE CASCADE,
	route text COLLATE "C" NOT NULL
		CONSTRAINT profile_right_route_valid CHECK (djust_auth.route_is_valid(route)),
	access djust_auth.access_right NOT NULL,
	CONSTRAINT profile_right_pkey PRIMARY KEY (profile, route)
);
-- two spellings of one pattern (/a/{x} and /a/{y}) would leave the right to chance
CREATE UNIQUE INDEX profile_right_route_key ON djust_auth.profile_right (profile, (djust_auth.route_key(route)));

CREATE TABLE djust_auth.session (
	sid uuid NOT NULL CONSTRAINT session_pkey PRIMARY KEY,
	user_id uuid NOT NULL REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	created_at timestamptz NOT NULL,
	refreshed_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	access_expires_at timestamptz NOT NULL,
	generation integer NOT NULL,
	access_hash bytea NOT NULL,
	profiles text[] COLLATE "C" NOT NULL,
	client_address inet,
	user_agent text
) WITH (fillfactor = 70);
CREATE INDEX session_user_id_idx ON djust_auth.session (user_id, sid);

CREATE TABLE djust_auth.reset_token (
	token_hash bytea NOT NULL CONSTRAINT reset_token_pkey PRIMARY KEY,
	user_id uuid NOT NULL REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX reset_token_user_id_idx ON djust_auth.reset_token (user_id);

CREATE TABLE djust_auth.mail_queue (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT mail_queue_pkey PRIMARY KEY,
	kind text COLLATE "C" NOT NULL
		CONSTRAINT mail_queue_kind_valid CHECK (kind OPERATOR(pg_catalog.~) '^(reset|password_changed)$'),
	user_id uuid REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	address bytea,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz NOT NULL,
	done_at timestamptz,
	last_error text
);
CREATE INDEX mail_queue_waiting_idx ON djust_auth.mail_queue (next_attempt_at) WHERE done_at IS NULL;
CREATE INDEX mail_queue_user_id_idx ON djust_auth.mail_queue (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE djust_auth.mail_template (
	kind text COLLATE "C" NOT NULL
		CONSTRAINT mail_template_kind_valid CHECK (kind OPERATOR(pg_catalog.~) '^(reset|password_changed)$'),
	locale text COLLATE "C" NOT NULL DEFAULT '',
	subject text NOT NULL
		CONSTRAINT mail_template_subject_valid CHECK (subject OPERATOR(pg_catalog.!~) '[[:cntrl:]]'),
	body_text text NOT NULL,
	body_html text NOT NULL,
	CONSTRAINT mail_template_pkey PRIMARY KEY (kind, locale)
);

CREATE TABLE djust_auth.signing_key (
	kid text COLLATE "C" NOT NULL CONSTRAINT signing_key_pkey PRIMARY KEY,
	algorithm text COLLATE "C" NOT NULL
		CONSTRAINT signing_key_algorithm_valid CHECK (algorithm OPERATOR(pg_catalog.~) '^(ES256|HS256|RS256|EdDSA)$'),
	private_key bytea NOT NULL,
	public_key bytea NOT NULL,
	created_at timestamptz NOT NULL,
	verify_until timestamptz
);
CREATE UNIQUE INDEX signing_key_active_idx ON djust_auth.signing_key ((verify_until IS NULL)) WHERE verify_until IS NULL;

CREATE TABLE djust_auth.password_blocklist (
	password text COLLATE "C" NOT NULL CONSTRAINT password_blocklist_pkey PRIMARY KEY
);

CREATE TABLE djust_auth.audit_event (
	id uuid NOT NULL CONSTRAINT audit_event_pkey PRIMARY KEY,
	at timestamptz NOT NULL,
	event text COLLATE "C" NOT NULL
		CONSTRAINT audit_event_event_valid CHECK (event OPERATOR(pg_catalog.~)
			'^(login|login_failed|throttled|refresh|refresh_reuse|logout|reset_requested|mail_sent|mail_failed|reset_confirmed|password_changed|administration)$'),
	user_id uuid,
	sid uuid,
	actor text,
	client_address inet,
	detail jsonb
);
CREATE INDEX audit_event_at_idx ON djust_auth.audit_event (at);
CREATE INDEX audit_event_user_id_idx ON djust_auth.audit_event (user_id, at) WHERE user_id IS NOT NULL;

-- never holds a row: its relcache invalidation tells every backend to forget compiled rights and parsed keys
CREATE TABLE djust_auth.policy_epoch ();

INSERT INTO djust_auth.profile (name, description) VALUES ('anonymous', 'Rights of everyone, logged in or not.');

-- public API

CREATE FUNCTION @extschema@.djust_login(email text, password text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_login';

CREATE FUNCTION @extschema@.djust_token(grant_type text, username text DEFAULT NULL, password text DEFAULT NULL,
		refresh_token text DEFAULT NULL, scope text DEFAULT NULL, client_id text DEFAULT NULL, client_secret text DEFAULT NULL)
	RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_token';

CREATE FUNCTION @extschema@.djust_refresh(refresh_token text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_refresh';

CREATE FUNCTION @extschema@.djust_logout(token text, token_type_hint text DEFAULT NULL, client_id text DEFAULT NULL,
		client_secret text DEFAULT NULL)
	RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_logout';

CREATE FUNCTION @extschema@.djust_can(access_token text, route text, access text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_can';

CREATE FUNCTION @extschema@.djust_reset_request(email text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_reset_request';

CREATE FUNCTION @extschema@.djust_reset_confirm(reset_token text, new_password text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_reset_confirm';

CREATE FUNCTION @extschema@.djust_introspect(token text, token_type_hint text DEFAULT NULL, client_id text DEFAULT NULL,
		client_secret text DEFAULT NULL)
	RETURNS json
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_introspect';

CREATE FUNCTION @extschema@.djust_change_password(access_token text, current_password text, new_password text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_change_password';

CREATE FUNCTION @extschema@.djust_sessions(access_token text) RETURNS json
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_sessions';

CREATE FUNCTION @extschema@.djust_end_session(access_token text, sid uuid DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_end_session';

CREATE FUNCTION @extschema@.djust_jwks() RETURNS json
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_jwks';

CREATE FUNCTION @extschema@.djust_request_user() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_request_user';

CREATE FUNCTION @extschema@.djust_request_can(route text, access text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_request_can';

CREATE FUNCTION @extschema@.djust_pre_request() RETURNS void
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_pre_request';

-- administration: users

CREATE FUNCTION djust_auth.create_user(email text, password text DEFAULT NULL, profiles text[] DEFAULT '{}') RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_create_user';

CREATE FUNCTION djust_auth.import_user(email text, password_hash text, profiles text[] DEFAULT '{}') RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_import_user';

CREATE FUNCTION djust_auth.set_password(user_id uuid, password text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_set_password';

CREATE FUNCTION djust_auth.disable_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_disable_user';

CREATE FUNCTION djust_auth.enable_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_enable_user';

CREATE FUNCTION djust_auth.delete_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_delete_user';

CREATE FUNCTION djust_auth.change_email(user_id uuid, email text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_change_email';

CREATE FUNCTION djust_auth.unlock_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_unlock_user';

CREATE FUNCTION djust_auth.end_sessions(user_id uuid) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_end_sessions';

CREATE FUNCTION djust_auth.open_session(user_id uuid) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_open_session';

CREATE FUNCTION djust_auth.check_password(password text) RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_check_password';

-- administration: profiles and rights

CREATE FUNCTION djust_auth.create_profile(name text, description text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_create_profile';

CREATE FUNCTION djust_auth.drop_profile(name text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_drop_profile';

CREATE FUNCTION djust_auth.add_profile(user_id uuid, profile text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_add_profile';

CREATE FUNCTION djust_auth.remove_profile(user_id uuid, profile text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_remove_profile';

CREATE FUNCTION djust_auth.set_right(profile text, route text, access djust_auth.access_right) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_set_right';

CREATE FUNCTION djust_auth.explain(user_id uuid, route text, access text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_explain';

CREATE FUNCTION djust_auth.profile_access(profile text, route text) RETURNS djust_auth.access_right
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_profile_access';

-- administration: keys, mail, operations

CREATE FUNCTION djust_auth.rotate_signing_key(algorithm text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_rotate_signing_key';

CREATE FUNCTION djust_auth.hs256_key() RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_hs256_key';

CREATE FUNCTION djust_auth.claim_mail(max integer DEFAULT 10)
	RETURNS TABLE (id bigint, recipient text, subject text, body_text text, body_html text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_claim_mail';

CREATE FUNCTION djust_auth.mail_sent(id bigint) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_mail_sent';

CREATE FUNCTION djust_auth.mail_failed(id bigint, reason text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_mail_failed';

CREATE FUNCTION djust_auth.purge() RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_purge';

CREATE FUNCTION djust_auth.grant_api(role regrole, kind text DEFAULT 'backend') RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_grant_api';

CREATE FUNCTION djust_auth.postgrest_config() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'djust_auth_postgrest_config';

CREATE FUNCTION djust_auth.stats() RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_stats';

-- triggers

CREATE FUNCTION djust_auth.user_normalise() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_user_normalise';

CREATE FUNCTION djust_auth.user_changed() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_user_changed';

CREATE FUNCTION djust_auth.user_profile_changed() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_user_profile_changed';

CREATE FUNCTION djust_auth.policy_changed() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_policy_changed';

CREATE FUNCTION djust_auth.audit_change() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_audit_change';

CREATE FUNCTION djust_auth.keep_anonymous() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_keep_anonymous';

CREATE TRIGGER normalise BEFORE INSERT OR UPDATE ON djust_auth.customer_user
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_normalise();

-- a change that sets hash_replaced_at is the library's own (rehash at login, change or reset of a password): it ends
-- the sessions it must end by itself
CREATE TRIGGER changed AFTER UPDATE ON djust_auth.customer_user
	FOR EACH ROW WHEN (
		OLD.email IS DISTINCT FROM NEW.email
		OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at
		OR (OLD.password_hash IS DISTINCT FROM NEW.password_hash
			AND OLD.hash_replaced_at IS NOT DISTINCT FROM NEW.hash_replaced_at))
	EXECUTE FUNCTION djust_auth.user_changed();
CREATE TRIGGER removed AFTER DELETE ON djust_auth.customer_user
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_changed();

CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON djust_auth.user_profile
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_profile_changed();
CREATE TRIGGER truncated AFTER TRUNCATE ON djust_auth.user_profile
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_profile_changed();

CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON djust_auth.profile_right
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON djust_auth.signing_key
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.policy_changed();

CREATE TRIGGER keep_anonymous_update BEFORE UPDATE ON djust_auth.profile
	FOR EACH ROW WHEN (OLD.name OPERATOR(pg_catalog.=) 'anonymous' AND NEW.name OPERATOR(pg_catalog.<>) 'anonymous')
	EXECUTE FUNCTION djust_auth.keep_anonymous();
CREATE TRIGGER keep_anonymous_delete BEFORE DELETE ON djust_auth.profile
	FOR EACH ROW WHEN (OLD.name OPERATOR(pg_catalog.=) 'anonymous')
	EXECUTE FUNCTION djust_auth.keep_anonymous();
CREATE TRIGGER keep_anonymous_truncate BEFORE TRUNCATE ON djust_auth.profile
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.keep_anonymous();

CREATE TRIGGER audit_insert AFTER INSERT ON djust_auth.customer_user REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_delete AFTER DELETE ON djust_auth.customer_user REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON djust_auth.customer_user
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_insert AFTER INSERT ON djust_auth.profile REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_update AFTER UPDATE ON djust_auth.profile REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_delete AFTER DELETE ON djust_auth.profile REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_insert AFTER INSERT ON djust_auth.user_profile REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_update AFTER UPDATE ON djust_auth.user_profile REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_delete AFTER DELETE ON djust_auth.user_profile REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON djust_auth.user_profile
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_insert AFTER INSERT ON djust_auth.profile_right REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_update AFTER UPDATE ON djust_auth.profile_right REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_delete AFTER DELETE ON djust_auth.profile_right REFERENCING OLD TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON djust_auth.profile_right
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change();

-- views

CREATE VIEW djust_auth.active_session AS
	SELECT s.sid, s.user_id, u.email, s.created_at, s.refreshed_at, s.expires_at, s.client_address, s.user_agent, s.profiles
	FROM djust_auth.session s
	JOIN djust_auth.customer_user u ON u.id OPERATOR(pg_catalog.=) s.user_id
	WHERE s.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp();

CREATE VIEW djust_auth.effective_right AS
	SELECT DISTINCT ON (u.id, r.key) u.id AS user_id, u.email, r.route, a.access, p.profile
	FROM djust_auth.customer_user u
	CROSS JOIN LATERAL (
		SELECT up.profile FROM djust_auth.user_profile up WHERE up.user_id OPERATOR(pg_catalog.=) u.id
		UNION SELECT 'anonymous'::text) p
	CROSS JOIN LATERAL (
		SELECT djust_auth.route_key(pr.route) AS key, pg_catalog.min(pr.route) AS route
		FROM djust_auth.profile_right pr
		WHERE pr.profile OPERATOR(pg_catalog.=) 'anonymous'
			OR EXISTS (SELECT FROM djust_auth.user_profile up
				WHERE up.user_id OPERATOR(pg_catalog.=) u.id AND up.profile OPERATOR(pg_catalog.=) pr.profile)
		GROUP BY 1) r
	CROSS JOIN LATERAL (SELECT djust_auth.profile_access(p.profile, r.route) AS access) a
	WHERE a.access IS NOT NULL
	ORDER BY u.id, r.key, a.access DESC, p.profile;

-- privileges: nothing for PUBLIC

REVOKE ALL ON ALL TABLES IN SCHEMA djust_auth FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA djust_auth FROM PUBLIC;
REVOKE ALL ON TYPE djust_auth.access_right FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_login(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_token(text, text, text, text, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_refresh(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_logout(text, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_can(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_reset_request(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_reset_confirm(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_introspect(text, text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_change_password(text, text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_sessions(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_end_session(text, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_jwks() FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_request_user() FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_request_can(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION @extschema@.djust_pre_request() FROM PUBLIC;

-- what pg_dump takes along: everything about users, profiles and rights, and the audit.  Not: sessions, reset links and
-- mail (a restore must not revive what was ended since), signing keys (sealed under a key file the dump does not hold)

SELECT pg_catalog.pg_extension_config_dump('djust_auth.customer_user', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.profile', 'WHERE name OPERATOR(pg_catalog.<>) ''anonymous''');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.user_profile', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.profile_right', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.password_blocklist', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.mail_template', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.audit_event', '');

-- the first signing key; without the preloaded library it is made at the first login instead

SELECT djust_auth.rotate_signing_key() WHERE pg_catalog.current_setting('djust_auth.key_file', true) IS NOT NULL;

-- comments

