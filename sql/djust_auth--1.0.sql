/* djust_auth 1.0: tables and administration in schema djust_auth, the public API in the schema CREATE EXTENSION names */

\echo Use "CREATE EXTENSION djust_auth" to load this file. \quit

-- schema and types

CREATE SCHEMA djust_auth;

CREATE TYPE djust_auth.access_right AS ENUM ('none', 'read', 'write');

-- PostgREST serves a function's result as the media type named by its domain
CREATE DOMAIN djust_auth."text/html" AS text;

-- functions for constraints: pure, so that a dump restores without the preloaded library

CREATE FUNCTION djust_auth.email_is_valid(email text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_email_is_valid';

CREATE FUNCTION djust_auth.password_hash_is_valid(password_hash text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_password_hash_is_valid';

CREATE FUNCTION djust_auth.route_is_valid(route text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_route_is_valid';

CREATE FUNCTION djust_auth.route_key(route text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_route_key';

-- a constraint's expression is parsed at every execution: a list of words would take an eighth of a refresh, a call does not
CREATE FUNCTION djust_auth.event_is_valid(event text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_event_is_valid';

CREATE FUNCTION djust_auth.mail_template_is_valid(subject text, body_text text, body_html text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_mail_template_is_valid';

-- tables; the order of columns is mirrored in src/tables/catalog.h

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
-- with two spellings of one pattern (/a/{x} and /a/{y}) it would be undefined which right applies
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
	user_agent text,
	purge_at timestamptz NOT NULL DEFAULT 'infinity'
) WITH (fillfactor = 70);
CREATE INDEX session_user_id_idx ON djust_auth.session (user_id, sid);
-- not on expires_at: each refresh would have to update the index
CREATE INDEX session_purge_idx ON djust_auth.session (purge_at, sid);

-- rows are written frozen, outside of transactions, so there is no index; session.expires_at is overwritten in place, so no
-- index may contain it
CREATE TABLE djust_auth.session_ended (
	sid uuid NOT NULL,
	ended_at timestamptz NOT NULL
);
-- allows deleting rows if all tables are published
ALTER TABLE djust_auth.session_ended REPLICA IDENTITY FULL;

CREATE TABLE djust_auth.reset_token (
	token_hash bytea NOT NULL CONSTRAINT reset_token_pkey PRIMARY KEY,
	user_id uuid NOT NULL REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX reset_token_user_id_idx ON djust_auth.reset_token (user_id);
CREATE INDEX reset_token_purge_idx ON djust_auth.reset_token (expires_at, token_hash);

CREATE TABLE djust_auth.mail_queue (
	id bigint NOT NULL GENERATED ALWAYS AS IDENTITY CONSTRAINT mail_queue_pkey PRIMARY KEY,
	kind text COLLATE "C" NOT NULL
		CONSTRAINT mail_queue_kind_valid CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['reset', 'password_changed'])),
	user_id uuid REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	address bytea,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	attempts integer NOT NULL DEFAULT 0,
	next_attempt_at timestamptz NOT NULL,
	done_at timestamptz,
	last_error text,
	with_worker boolean NOT NULL DEFAULT false
);
CREATE INDEX mail_queue_waiting_idx ON djust_auth.mail_queue (next_attempt_at, id) WHERE done_at IS NULL;
CREATE INDEX mail_queue_purge_idx ON djust_auth.mail_queue ((LEAST(done_at, expires_at)), id);
CREATE INDEX mail_queue_user_id_idx ON djust_auth.mail_queue (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE djust_auth.mail_template (
	kind text COLLATE "C" NOT NULL
		CONSTRAINT mail_template_kind_valid CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['reset', 'password_changed'])),
	locale text COLLATE "C" NOT NULL DEFAULT ''
		CONSTRAINT mail_template_locale_valid CHECK (locale OPERATOR(pg_catalog.~) '^([A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$'),
	subject text NOT NULL,
	body_text text NOT NULL,
	body_html text NOT NULL,
	CONSTRAINT mail_template_pkey PRIMARY KEY (kind, locale),
	CONSTRAINT mail_template_valid CHECK (djust_auth.mail_template_is_valid(subject, body_text, body_html))
);
CREATE UNIQUE INDEX mail_template_locale_idx ON djust_auth.mail_template (kind, pg_catalog.lower(pg_catalog.replace(locale, '_', '-')));

CREATE TABLE djust_auth.signing_key (
	kid text COLLATE "C" NOT NULL CONSTRAINT signing_key_pkey PRIMARY KEY,
	algorithm text COLLATE "C" NOT NULL
		CONSTRAINT signing_key_algorithm_valid CHECK (algorithm OPERATOR(pg_catalog.=) ANY (ARRAY['ES256', 'HS256', 'RS256', 'EdDSA'])),
	private_key bytea NOT NULL,
	public_key bytea NOT NULL,
	created_at timestamptz NOT NULL,
	verify_until timestamptz,
	longest_token integer NOT NULL DEFAULT 86400
);
CREATE UNIQUE INDEX signing_key_active_idx ON djust_auth.signing_key ((verify_until IS NULL)) WHERE verify_until IS NULL;

CREATE TABLE djust_auth.password_blocklist (
	password text COLLATE "C" NOT NULL CONSTRAINT password_blocklist_pkey PRIMARY KEY
);

CREATE TABLE djust_auth.audit_event (
	id uuid NOT NULL,
	at timestamptz NOT NULL,
	event text COLLATE "C" NOT NULL
		CONSTRAINT audit_event_event_valid CHECK (djust_auth.event_is_valid(event)),
	user_id uuid,
	sid uuid,
	actor text,
	client_address inet,
	detail jsonb,
	-- by time, so that one index serves as key, for purges and for queries by time
	CONSTRAINT audit_event_pkey PRIMARY KEY (at, id)
);
-- not partial: writing an event of an unknown address must cost as much as of a known one
CREATE INDEX audit_event_user_id_idx ON djust_auth.audit_event (user_id, at);

-- seals over the audit; members holds 56 random-looking bytes an event
CREATE TABLE djust_auth.audit_chain (
	chain uuid NOT NULL CONSTRAINT audit_chain_pkey PRIMARY KEY,
	key_id bytea NOT NULL,
	first_seal bigint NOT NULL,
	last_seal bigint NOT NULL,
	started_at timestamptz NOT NULL,
	started_id uuid NOT NULL,
	sealed_at timestamptz NOT NULL,
	sealed_id uuid NOT NULL,
	after_loss boolean NOT NULL,
	last_mac bytea NOT NULL,
	mac bytea NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE djust_auth.audit_seal (
	chain uuid NOT NULL,
	number bigint NOT NULL,
	from_at timestamptz NOT NULL,
	from_id uuid NOT NULL,
	to_at timestamptz NOT NULL,
	to_id uuid NOT NULL,
	made_at timestamptz NOT NULL,
	events integer NOT NULL,
	previous bytea NOT NULL,
	mac bytea NOT NULL,
	members bytea NOT NULL,
	CONSTRAINT audit_seal_pkey PRIMARY KEY (chain, number)
);
ALTER TABLE djust_auth.audit_seal ALTER COLUMN members SET STORAGE EXTERNAL;

CREATE TABLE djust_auth.throttle_lock (
	tag bytea NOT NULL CONSTRAINT throttle_lock_pkey PRIMARY KEY,
	failures integer NOT NULL,
	allowed_at timestamptz NOT NULL,
	saved_at timestamptz NOT NULL,
	user_id uuid NOT NULL
);

-- one row: identifies the key file and the database it is used with
CREATE TABLE djust_auth.key_file (
	one boolean NOT NULL DEFAULT true CONSTRAINT key_file_pkey PRIMARY KEY CONSTRAINT key_file_one CHECK (one),
	check_value bytea NOT NULL,
	database oid NOT NULL
);
CREATE INDEX throttle_lock_purge_idx ON djust_auth.throttle_lock (saved_at, tag) WHERE failures OPERATOR(pg_catalog.<) 100;

-- always empty: its relcache invalidation makes every backend drop compiled rights and parsed keys
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

CREATE FUNCTION @extschema@.djust_reset_page(token text, new_password text DEFAULT NULL) RETURNS djust_auth."text/html"
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_reset_page';

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

CREATE FUNCTION djust_auth.accept_key_file() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_accept_key_file';

CREATE FUNCTION djust_auth.after_restore() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_after_restore';

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

CREATE FUNCTION djust_auth.mail_rejected(id bigint, reason text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_mail_rejected';

CREATE FUNCTION djust_auth.mail_due() RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_mail_due';

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

CREATE FUNCTION djust_auth.audit_verify() RETURNS TABLE (at timestamptz, id uuid, finding text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_audit_verify';

-- functions for the background worker

CREATE FUNCTION djust_auth.worker_seal() RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_worker_seal';

CREATE FUNCTION djust_auth.worker_start() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_worker_start';

CREATE FUNCTION djust_auth.worker_write() RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_worker_write';

CREATE FUNCTION djust_auth.worker_purge() RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_worker_purge';

-- triggers

CREATE FUNCTION djust_auth.user_normalise() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_user_normalise';

CREATE FUNCTION djust_auth.blocklist_normalise() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_blocklist_normalise';

CREATE FUNCTION djust_auth.user_changed() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_user_changed';

CREATE FUNCTION djust_auth.user_profile_changed() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_user_profile_changed';

CREATE FUNCTION djust_auth.session_updated() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_session_updated';

CREATE FUNCTION djust_auth.policy_changed() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_policy_changed';

CREATE FUNCTION djust_auth.audit_change() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_audit_change';

CREATE FUNCTION djust_auth.session_purge_at() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_session_purge_at';

CREATE FUNCTION djust_auth.keep_anonymous() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_keep_anonymous';

CREATE TRIGGER djust_normalise BEFORE INSERT OR UPDATE ON djust_auth.customer_user
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_normalise();

CREATE TRIGGER djust_normalise BEFORE INSERT OR UPDATE ON djust_auth.password_blocklist
	FOR EACH ROW EXECUTE FUNCTION djust_auth.blocklist_normalise();

-- effects of changes: by statement, and by row for logical replication, which fires only row-level triggers

CREATE TRIGGER djust_changed AFTER UPDATE ON djust_auth.customer_user
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_changed();
CREATE TRIGGER djust_changed_replica AFTER UPDATE ON djust_auth.customer_user
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_changed();
CREATE TRIGGER djust_removed AFTER DELETE ON djust_auth.customer_user REFERENCING OLD TABLE AS old_rows
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_changed();
CREATE TRIGGER djust_removed_replica AFTER DELETE ON djust_auth.customer_user
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_changed();

CREATE TRIGGER djust_given AFTER INSERT ON djust_auth.user_profile REFERENCING NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_profile_changed();
CREATE TRIGGER djust_changed AFTER UPDATE ON djust_auth.user_profile
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_profile_changed();
CREATE TRIGGER djust_taken AFTER DELETE ON djust_auth.user_profile REFERENCING OLD TABLE AS old_rows
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_profile_changed();
CREATE TRIGGER djust_changed_replica AFTER INSERT OR UPDATE OR DELETE ON djust_auth.user_profile
	FOR EACH ROW EXECUTE FUNCTION djust_auth.user_profile_changed();
CREATE TRIGGER djust_truncated AFTER TRUNCATE ON djust_auth.user_profile
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.user_profile_changed();

CREATE TRIGGER djust_keep_ended AFTER UPDATE ON djust_auth.session
	FOR EACH ROW EXECUTE FUNCTION djust_auth.session_updated();

CREATE TRIGGER djust_policy_changed AFTER INSERT OR UPDATE OR DELETE ON djust_auth.profile_right
	FOR EACH ROW EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER djust_policy_truncated AFTER TRUNCATE ON djust_auth.profile_right
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER djust_policy_changed AFTER INSERT OR UPDATE OR DELETE ON djust_auth.signing_key
	FOR EACH ROW EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER djust_policy_truncated AFTER TRUNCATE ON djust_auth.signing_key
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER djust_policy_changed AFTER INSERT OR UPDATE OR DELETE ON djust_auth.key_file
	FOR EACH ROW EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER djust_policy_truncated AFTER TRUNCATE ON djust_auth.key_file
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.policy_changed();

ALTER TABLE djust_auth.customer_user ENABLE REPLICA TRIGGER djust_changed_replica, ENABLE REPLICA TRIGGER djust_removed_replica;
ALTER TABLE djust_auth.user_profile ENABLE REPLICA TRIGGER djust_changed_replica, ENABLE ALWAYS TRIGGER djust_truncated;
ALTER TABLE djust_auth.session ENABLE ALWAYS TRIGGER djust_keep_ended;
ALTER TABLE djust_auth.password_blocklist ENABLE ALWAYS TRIGGER djust_normalise;
ALTER TABLE djust_auth.profile_right ENABLE ALWAYS TRIGGER djust_policy_changed, ENABLE ALWAYS TRIGGER djust_policy_truncated;
ALTER TABLE djust_auth.signing_key ENABLE ALWAYS TRIGGER djust_policy_changed, ENABLE ALWAYS TRIGGER djust_policy_truncated;
ALTER TABLE djust_auth.key_file ENABLE ALWAYS TRIGGER djust_policy_changed, ENABLE ALWAYS TRIGGER djust_policy_truncated;

-- logins and refreshes keep the rule themselves (store_session_insert, store_session_refresh)
CREATE TRIGGER djust_purge_at BEFORE INSERT OR UPDATE OF expires_at, purge_at ON djust_auth.session
	FOR EACH ROW WHEN (NEW.purge_at OPERATOR(pg_catalog.>) NEW.expires_at) EXECUTE FUNCTION djust_auth.session_purge_at();
ALTER TABLE djust_auth.session ENABLE ALWAYS TRIGGER djust_purge_at;

CREATE TRIGGER djust_keep_anonymous_update BEFORE UPDATE ON djust_auth.profile
	FOR EACH ROW WHEN (OLD.name OPERATOR(pg_catalog.=) 'anonymous' AND NEW.name OPERATOR(pg_catalog.<>) 'anonymous')
	EXECUTE FUNCTION djust_auth.keep_anonymous();
CREATE TRIGGER djust_keep_anonymous_delete BEFORE DELETE ON djust_auth.profile
	FOR EACH ROW WHEN (OLD.name OPERATOR(pg_catalog.=) 'anonymous')
	EXECUTE FUNCTION djust_auth.keep_anonymous();
CREATE TRIGGER djust_keep_anonymous_truncate BEFORE TRUNCATE ON djust_auth.profile
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.keep_anonymous();

-- administrators' changes of every table are audited; a TRUNCATE before it, while the rows exist, but that of the audit itself
-- after it, so that its event stays

DO $do$
DECLARE
	relation name;
	operation record;
BEGIN
	FOR relation IN
		SELECT c.relname FROM pg_catalog.pg_class c
		WHERE c.relnamespace OPERATOR(pg_catalog.=) 'djust_auth'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'r'
	LOOP
		FOR operation IN
			SELECT * FROM (VALUES
				('insert', 'AFTER', 'REFERENCING NEW TABLE AS new_rows', 'rows that administrators add'),
				('update', 'AFTER', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'rows that administrators change'),
				('delete', 'AFTER', 'REFERENCING OLD TABLE AS old_rows', 'rows that administrators remove'),
				('truncate', CASE WHEN relation OPERATOR(pg_catalog.=) 'audit_event' THEN 'AFTER' ELSE 'BEFORE' END, '', 'rows that administrators remove all at once')
			) o(name, timing, tables, comment)
		LOOP
			EXECUTE pg_catalog.format('CREATE TRIGGER djust_audit_%s %s %s ON djust_auth.%I %s'
				' FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change()',
				operation.name, operation.timing, operation.name, relation, operation.tables);
			EXECUTE pg_catalog.format('COMMENT ON TRIGGER djust_audit_%s ON djust_auth.%I IS %L',
				operation.name, relation, pg_catalog.format('Events administration: %s.', operation.comment));
		END LOOP;
	END LOOP;
END
$do$;

-- views

CREATE VIEW djust_auth.active_session AS
	SELECT s.sid, s.user_id, u.email, s.created_at, s.refreshed_at, s.expires_at, s.client_address, s.user_agent, s.profiles
	FROM djust_auth.session s
	JOIN djust_auth.customer_user u ON u.id OPERATOR(pg_catalog.=) s.user_id
	WHERE s.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()
		-- excludes the original's sessions in a copied database; evaluated once per query
		AND NOT EXISTS (SELECT FROM djust_auth.key_file k WHERE k.database OPERATOR(pg_catalog.<>)
			(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()));

-- users are the outer table, so that conditions and joins on their columns can use indexes
CREATE VIEW djust_auth.effective_right AS
	SELECT u.id AS user_id, u.email, e.route, e.access, e.profile
	FROM djust_auth.customer_user u
	CROSS JOIN LATERAL (
		SELECT DISTINCT ON (r.key) r.route, a.access, p.profile
		FROM (
			SELECT up.profile FROM djust_auth.user_profile up WHERE up.user_id OPERATOR(pg_catalog.=) u.id
			UNION SELECT 'anonymous'::text) p
		CROSS JOIN (
			SELECT djust_auth.route_key(pr.route) AS key, pg_catalog.min(pr.route) AS route
			FROM djust_auth.profile_right pr
			WHERE pr.profile OPERATOR(pg_catalog.=) 'anonymous'
				OR EXISTS (SELECT FROM djust_auth.user_profile up
					WHERE up.user_id OPERATOR(pg_catalog.=) u.id AND up.profile OPERATOR(pg_catalog.=) pr.profile)
			GROUP BY 1) r
		CROSS JOIN LATERAL (SELECT djust_auth.profile_access(p.profile, r.route) AS access) a
		WHERE a.access IS NOT NULL
		ORDER BY r.key, a.access DESC, p.profile) e;

-- privileges: revokes everything but the owner's, including what default privileges granted on the objects above.  Must follow
-- the last CREATE; update scripts repeat it after theirs.  pg_dump takes the result for the initial privileges
-- (pg_init_privs), so a restored extension has nothing granted either.

DO $$
DECLARE
	statement text;
BEGIN
	FOR statement IN
		WITH member AS (
			SELECT d.classid, d.objid
			FROM pg_catalog.pg_depend d
			JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
			WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
				AND d.deptype OPERATOR(pg_catalog.=) 'e' AND e.extname OPERATOR(pg_catalog.=) 'djust_auth'),
		object AS (
			SELECT m.classid, n.oid, 'SCHEMA' AS kind, n.nspowner AS owner, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) AS acl
			FROM member m
			JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) m.objid
			WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
			UNION ALL SELECT m.classid, c.oid, 'TABLE', c.relowner, coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))
			FROM member m
			JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) m.objid AND c.relkind OPERATOR(pg_catalog.<>) 'S'
			WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
			UNION ALL SELECT m.classid, c.oid, 'SEQUENCE', c.relowner, coalesce(c.relacl, pg_catalog.acldefault('s', c.relowner))
			FROM member m
			JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) m.objid AND c.relkind OPERATOR(pg_catalog.=) 'S'
			WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
			UNION ALL SELECT m.classid, p.oid, 'ROUTINE', p.proowner, coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
			FROM member m
			JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) m.objid
			WHERE m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
			-- row types, too, which are members only since PostgreSQL 17; arrays have no privileges of their own
			UNION SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 'TYPE', t.typowner, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
			FROM member m
			JOIN pg_catalog.pg_type t ON t.typtype OPERATOR(pg_catalog.<>) 'b' AND m.objid OPERATOR(pg_catalog.=)
				CASE WHEN m.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass THEN t.oid ELSE t.typrelid END
			WHERE m.classid OPERATOR(pg_catalog.=) ANY (ARRAY['pg_catalog.pg_type', 'pg_catalog.pg_class']::pg_catalog.regclass[]))
		SELECT pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, (pg_catalog.pg_identify_object(o.classid, o.oid, 0)).identity,
			pg_catalog.string_agg(DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
				ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', '))
		FROM object o
		CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
		WHERE a.grantee OPERATOR(pg_catalog.<>) o.owner
		GROUP BY o.classid, o.oid, o.kind
	LOOP
		EXECUTE statement;
	END LOOP;

	-- not of row types: pg_dump does not dump their privileges, and warns of each such entry
	DELETE FROM pg_catalog.pg_init_privs i USING pg_catalog.pg_type t, pg_catalog.pg_depend d, pg_catalog.pg_extension e
	WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid OPERATOR(pg_catalog.=) i.objoid
		AND t.typtype OPERATOR(pg_catalog.=) 'c' AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
		AND d.objid OPERATOR(pg_catalog.=) t.typrelid AND d.deptype OPERATOR(pg_catalog.=) 'e'
		AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
		AND d.refobjid OPERATOR(pg_catalog.=) e.oid AND e.extname OPERATOR(pg_catalog.=) 'djust_auth';
END
$$;

-- data in pg_dump: users, profiles, rights, and the audit.  Not: sessions, reset links and mail (a restore must not revive
-- ended ones), signing keys (sealed under a key file the dump does not contain), throttle locks (their tags are valid only in
-- this database and under this key file), and the row of key_file

SELECT pg_catalog.pg_extension_config_dump('djust_auth.customer_user', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.profile', 'WHERE name OPERATOR(pg_catalog.<>) ''anonymous''');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.user_profile', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.profile_right', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.password_blocklist', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.mail_template', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.audit_event', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.audit_chain', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.audit_seal', '');

-- the first signing key; without the preloaded library it is made at the first login

SELECT djust_auth.rotate_signing_key() WHERE pg_catalog.current_setting('djust_auth.key_file', true) IS NOT NULL;

-- comments

COMMENT ON SCHEMA djust_auth IS
	'Customers of a shop, what they may do, their sessions, and the functions that administer them. The public API lies in the schema CREATE EXTENSION named.';
COMMENT ON TYPE djust_auth.access_right IS
	'Right of a profile on a route: none < read < write. write includes read; none excludes paths from a wider pattern.';
COMMENT ON DOMAIN djust_auth."text/html" IS
	'HTML; PostgREST serves a function that returns this as a page to clients that accept text/html.';

COMMENT ON TABLE djust_auth.customer_user IS
	'Customers. Plain INSERT, UPDATE, DELETE and COPY are supported; a new password, disabling and deleting end the sessions at commit.';
COMMENT ON COLUMN djust_auth.customer_user.id IS
	'Stays the same for life; claim sub of the access tokens.';
COMMENT ON COLUMN djust_auth.customer_user.email IS
	'Login name, unique, at most 254 bytes. Stored in its normal form: trimmed, NFC, folded, the domain in A-labels. It may change.';
COMMENT ON COLUMN djust_auth.customer_user.password_hash IS
	'Argon2id as PHC string, or an imported hash until the next login (see djust_auth.import_user). NULL: no password, so no login by password. Clear text is refused.';
COMMENT ON COLUMN djust_auth.customer_user.disabled_at IS
	'When the account was disabled; NULL: enabled. Setting it ends all sessions at commit; clearing it revives none.';
COMMENT ON COLUMN djust_auth.customer_user.created_at IS
	'When the row was created.';
COMMENT ON COLUMN djust_auth.customer_user.hash_replaced_at IS
	'When the library itself last replaced password_hash (rehash at login, change or reset of the password); NULL: never. For information.';
COMMENT ON COLUMN djust_auth.customer_user.locale IS
	'Language of mails, such as de or fr-CA; chooses among djust_auth.mail_template. NULL: the default.';

COMMENT ON TABLE djust_auth.profile IS
	'Named sets of rights. The profile anonymous is there from the start, cannot be dropped or renamed, and belongs to everyone, logged in or not.';
COMMENT ON COLUMN djust_auth.profile.name IS
	'At most 63 characters, no control characters, no white space at either end. Case-sensitive; renaming a profile updates its assignments and rights.';
COMMENT ON COLUMN djust_auth.profile.description IS
	'For information.';

COMMENT ON TABLE djust_auth.user_profile IS
	'Profiles of users. A change counts at the next check, in live sessions too.';
COMMENT ON COLUMN djust_auth.user_profile.user_id IS
	'The user.';
COMMENT ON COLUMN djust_auth.user_profile.profile IS
	'The profile.';

COMMENT ON TABLE djust_auth.profile_right IS
	'Rights of profiles on routes. Within a profile the most specific matching pattern decides; across profiles the highest right does; no match means none.';
COMMENT ON COLUMN djust_auth.profile_right.profile IS
	'The profile.';
COMMENT ON COLUMN djust_auth.profile_right.route IS
	'Pattern: literal segments, {name} for one segment, /** at the end for the rest, which may be empty; or a code such as ORDER-200. At most 1024 bytes and 128 segments. Case-sensitive.';
COMMENT ON COLUMN djust_auth.profile_right.access IS
	'none, read or write.';

COMMENT ON TABLE djust_auth.session IS
	'Sessions, one row each from login to logout. Deleting a row ends the session at commit: both its tokens are dead. Holds no token. Not in pg_dump.';
COMMENT ON COLUMN djust_auth.session.sid IS
	'Claim sid of the access tokens; time-ordered (RFC 9562 version 7).';
COMMENT ON COLUMN djust_auth.session.user_id IS
	'User of the session.';
COMMENT ON COLUMN djust_auth.session.created_at IS
	'Login. The session ends at the latest djust_auth.session_max_lifetime after it.';
COMMENT ON COLUMN djust_auth.session.refreshed_at IS
	'Last rotation of the refresh token; at first the login.';
COMMENT ON COLUMN djust_auth.session.expires_at IS
	'End of the current refresh token and of the session; slides at each refresh. -infinity: ended by the reuse of a refresh token; the row is purged soon.';
COMMENT ON COLUMN djust_auth.session.access_expires_at IS
	'End of the newest access token.';
COMMENT ON COLUMN djust_auth.session.generation IS
	'How often the refresh token was rotated; the token is derived from sid, generation and the key file.';
COMMENT ON COLUMN djust_auth.session.access_hash IS
	'SHA-256 of the newest access token: a token that hashes to it needs no signature check. The token cannot be made from it.';
COMMENT ON COLUMN djust_auth.session.profiles IS
	'Copy of the user''s profiles, kept up to date by triggers. The profile anonymous is not listed.';
COMMENT ON COLUMN djust_auth.session.client_address IS
	'Client''s address at login: from the header named by djust_auth.client_address_header, else the connection''s; NULL if unknown.';
COMMENT ON COLUMN djust_auth.session.user_agent IS
	'HTTP header User-Agent at login, at most 256 bytes; NULL if unknown.';
COMMENT ON COLUMN djust_auth.session.purge_at IS
	'When a purge checks the row next: never later than expires_at, and often earlier, because a refresh changes only expires_at.';

COMMENT ON TABLE djust_auth.session_ended IS
	'Sessions ended by the reuse of a refresh token, even if its transaction was rolled back; the next purge removes them from both tables. Not in pg_dump.';
COMMENT ON COLUMN djust_auth.session_ended.sid IS
	'The session.';
COMMENT ON COLUMN djust_auth.session_ended.ended_at IS
	'When it was ended.';

COMMENT ON TABLE djust_auth.reset_token IS
	'Live reset links, one row each, made when the mail is claimed. Using one removes all links of its user. Not in pg_dump.';
COMMENT ON COLUMN djust_auth.reset_token.token_hash IS
	'SHA-256 of the secret in the link; the link cannot be made from it.';
COMMENT ON COLUMN djust_auth.reset_token.user_id IS
	'User whose password the link resets.';
COMMENT ON COLUMN djust_auth.reset_token.created_at IS
	'When the mail was claimed.';
COMMENT ON COLUMN djust_auth.reset_token.expires_at IS
	'When the link expires: djust_auth.reset_link_lifetime after the request.';

COMMENT ON TABLE djust_auth.mail_queue IS
	'Mails that wait, are claimed, or are done. A reset request adds the same row for known and unknown addresses. Holds no link. Not in pg_dump.';
COMMENT ON COLUMN djust_auth.mail_queue.id IS
	'Returned by claim_mail; argument of mail_sent and mail_failed.';
COMMENT ON COLUMN djust_auth.mail_queue.kind IS
	'reset or password_changed.';
COMMENT ON COLUMN djust_auth.mail_queue.user_id IS
	'Recipient of a notice; NULL in a reset request, whose address is looked up when the mail is claimed.';
COMMENT ON COLUMN djust_auth.mail_queue.address IS
	'Address of a reset request, padded and sealed under the key file; NULL in a notice.';
COMMENT ON COLUMN djust_auth.mail_queue.created_at IS
	'When the mail was requested.';
COMMENT ON COLUMN djust_auth.mail_queue.expires_at IS
	'When it is no longer worth sending.';
COMMENT ON COLUMN djust_auth.mail_queue.attempts IS
	'How often it was claimed.';
COMMENT ON COLUMN djust_auth.mail_queue.next_attempt_at IS
	'When it may be claimed (again).';
COMMENT ON COLUMN djust_auth.mail_queue.done_at IS
	'When it was sent or given up; NULL while it waits.';
COMMENT ON COLUMN djust_auth.mail_queue.last_error IS
	'Why the last attempt failed; NULL if it did not.';
COMMENT ON COLUMN djust_auth.mail_queue.with_worker IS
	'Claimed by the background worker, which releases it when it restarts.';

COMMENT ON SEQUENCE djust_auth.mail_queue_id_seq IS
	'Source of djust_auth.mail_queue.id.';

COMMENT ON TABLE djust_auth.mail_template IS
	'Texts of mails by kind and language, instead of the built-in ones: the row whose locale is the longest prefix of the user''s; the empty locale for all others.';
COMMENT ON COLUMN djust_auth.mail_template.kind IS
	'reset or password_changed.';
COMMENT ON COLUMN djust_auth.mail_template.locale IS
	'Such as de or fr-CA, for users with that locale or a narrower one; case-insensitive, - equals _; empty for all others.';
COMMENT ON COLUMN djust_auth.mail_template.subject IS
	'Subject line, no control characters.';
COMMENT ON COLUMN djust_auth.mail_template.body_text IS
	'Plain text; {email} stands for the address, {link} for the reset link.';
COMMENT ON COLUMN djust_auth.mail_template.body_html IS
	'The same in HTML; the values of {email} and {link} are escaped.';

COMMENT ON TABLE djust_auth.signing_key IS
	'Keys that sign and verify access tokens. Change them with djust_auth.rotate_signing_key. Not in pg_dump: they are sealed under a key file the dump does not contain.';
COMMENT ON COLUMN djust_auth.signing_key.kid IS
	'Header kid of the tokens (RFC 7515 section 4.1.4).';
COMMENT ON COLUMN djust_auth.signing_key.algorithm IS
	'ES256, HS256, RS256 or EdDSA; a key is used with no other.';
COMMENT ON COLUMN djust_auth.signing_key.private_key IS
	'Sealed under the key file; useless without it.';
COMMENT ON COLUMN djust_auth.signing_key.public_key IS
	'Published by djust_jwks; empty for HS256.';
COMMENT ON COLUMN djust_auth.signing_key.created_at IS
	'When the key was made.';
COMMENT ON COLUMN djust_auth.signing_key.verify_until IS
	'When a retired key stops verifying: when its last token expires. NULL: the only active key.';
COMMENT ON COLUMN djust_auth.signing_key.longest_token IS
	'Longest life, in seconds, of access tokens it signed: determines verify_until.';

COMMENT ON TABLE djust_auth.password_blocklist IS
	'Passwords that are refused as too_common. Empty at first; fill it with COPY.';
COMMENT ON COLUMN djust_auth.password_blocklist.password IS
	'The whole password, stored in NFC. An entry in lower case also matches every spelling with capitals.';

COMMENT ON TABLE djust_auth.audit_event IS
	'Events with their true causes. Contains no password, token or plain unknown address. Purged after djust_auth.audit_retention.';
COMMENT ON COLUMN djust_auth.audit_event.id IS
	'Time-ordered (RFC 9562 version 7).';
COMMENT ON COLUMN djust_auth.audit_event.at IS
	'Clock time of the event, not of its transaction.';
COMMENT ON COLUMN djust_auth.audit_event.event IS
	'login, login_failed, throttled, refresh, refresh_reuse, logout, reset_requested, mail_sent, mail_failed, reset_confirmed, password_changed or administration.';
COMMENT ON COLUMN djust_auth.audit_event.user_id IS
	'User concerned; NULL if none. Not a foreign key: events survive the user.';
COMMENT ON COLUMN djust_auth.audit_event.sid IS
	'Session concerned; NULL if none.';
COMMENT ON COLUMN djust_auth.audit_event.actor IS
	'session_user of the connection: the administrator, or the backend that called.';
COMMENT ON COLUMN djust_auth.audit_event.client_address IS
	'Client''s address, if known; removed with the user by djust_auth.delete_user.';
COMMENT ON COLUMN djust_auth.audit_event.detail IS
	'Details as a JSON object: the cause of a failure, an administrator''s change. pad has no meaning: it makes every refused password write the same amount of WAL.';

COMMENT ON TABLE djust_auth.audit_chain IS
	'Chains of seals over the audit, one row each; written and authenticated by the background worker. In pg_dump: seals verify under the same key file.';
COMMENT ON COLUMN djust_auth.audit_chain.chain IS
	'Identifier of the chain; a restored database keeps the chains it was restored with and begins its own.';
COMMENT ON COLUMN djust_auth.audit_chain.key_id IS
	'Identifies the key file of the chain; reveals nothing about the key.';
COMMENT ON COLUMN djust_auth.audit_chain.first_seal IS
	'Number of the oldest stored seal.';
COMMENT ON COLUMN djust_auth.audit_chain.last_seal IS
	'Number of the newest seal; 0 if there was none yet.';
COMMENT ON COLUMN djust_auth.audit_chain.started_at IS
	'With started_id: events before this position in the order (at, id) are not covered, or not any more: djust_auth.audit_retention.';
COMMENT ON COLUMN djust_auth.audit_chain.started_id IS
	'See started_at.';
COMMENT ON COLUMN djust_auth.audit_chain.sealed_at IS
	'With sealed_id: events before this position are covered.';
COMMENT ON COLUMN djust_auth.audit_chain.sealed_id IS
	'See sealed_at.';
COMMENT ON COLUMN djust_auth.audit_chain.after_loss IS
	'The chain was started because seals had been removed or altered.';
COMMENT ON COLUMN djust_auth.audit_chain.last_mac IS
	'mac of the newest seal.';
COMMENT ON COLUMN djust_auth.audit_chain.mac IS
	'HMAC-SHA-256 of this row under a key derived from the key file.';

COMMENT ON TABLE djust_auth.audit_seal IS
	'Seals over the audit, of at most 1000 events each; see djust_auth.audit_verify. Written by the background worker, purged with their events. In pg_dump.';
COMMENT ON COLUMN djust_auth.audit_seal.chain IS
	'Chain that the seal belongs to.';
COMMENT ON COLUMN djust_auth.audit_seal.number IS
	'Position in the chain, from 1.';
COMMENT ON COLUMN djust_auth.audit_seal.from_at IS
	'With from_id: the seal covers events from this position in the order (at, id) on.';
COMMENT ON COLUMN djust_auth.audit_seal.from_id IS
	'See from_at.';
COMMENT ON COLUMN djust_auth.audit_seal.to_at IS
	'With to_id: the seal covers events before this position in the order (at, id).';
COMMENT ON COLUMN djust_auth.audit_seal.to_id IS
	'See to_at.';
COMMENT ON COLUMN djust_auth.audit_seal.made_at IS
	'When the seal was made.';
COMMENT ON COLUMN djust_auth.audit_seal.events IS
	'How many events the seal covers.';
COMMENT ON COLUMN djust_auth.audit_seal.previous IS
	'mac of the previous seal; zeroes in the first one.';
COMMENT ON COLUMN djust_auth.audit_seal.mac IS
	'HMAC-SHA-256 of this row under a key derived from the key file.';
COMMENT ON COLUMN djust_auth.audit_seal.members IS
	'56 bytes per event, in order: at, id, half a SHA-256 of the event, half an HMAC of its personal data, which is deleted with the user (zeroes if there is none).';

COMMENT ON TABLE djust_auth.throttle_lock IS
	'Accounts, of known and unknown addresses, that are suspended or whose next attempt must wait, so that a restart does not unlock them. Written by the background worker, purged a day after the last failure unless suspended. Use djust_auth.unlock_user. Not in pg_dump: the tags are valid only in this database and under this key file.';
COMMENT ON COLUMN djust_auth.throttle_lock.tag IS
	'Keyed hash of the address; account in djust_auth.audit_event.detail.';
COMMENT ON COLUMN djust_auth.throttle_lock.failures IS
	'Consecutive failures; 100: suspended.';
COMMENT ON COLUMN djust_auth.throttle_lock.allowed_at IS
	'When the next attempt is allowed.';
COMMENT ON COLUMN djust_auth.throttle_lock.saved_at IS
	'When it was last locked.';
COMMENT ON COLUMN djust_auth.throttle_lock.user_id IS
	'User of the address, by which djust_auth.accept_key_file keeps the lock; the tag itself for unknown addresses.';

COMMENT ON TABLE djust_auth.key_file IS
	'One row: identifies the key file this database was used with, and the database, so that a copy is recognised. Written by the library. Not in pg_dump.';
COMMENT ON COLUMN djust_auth.key_file.one IS
	'Always true: there is at most one row.';
COMMENT ON COLUMN djust_auth.key_file.check_value IS
	'Derived from the key file (HKDF, RFC 5869): another file gives another value. The file cannot be made from it.';
COMMENT ON COLUMN djust_auth.key_file.database IS
	'pg_database.oid of the database the row was written in. If different, this is a copy (CREATE DATABASE ... TEMPLATE), and copied sessions, links and mails end.';

COMMENT ON TABLE djust_auth.policy_epoch IS
	'Always empty. A change of rights or keys invalidates its cache entry, which makes every backend drop compiled rights and parsed keys.';

COMMENT ON VIEW djust_auth.active_session IS
	'Live sessions, with the user''s email.';
COMMENT ON COLUMN djust_auth.active_session.sid IS
	'Session; claim sid of its access tokens.';
COMMENT ON COLUMN djust_auth.active_session.user_id IS
	'User of the session.';
COMMENT ON COLUMN djust_auth.active_session.email IS
	'The user''s present email.';
COMMENT ON COLUMN djust_auth.active_session.created_at IS
	'Login.';
COMMENT ON COLUMN djust_auth.active_session.refreshed_at IS
	'Last rotation of the refresh token; at first the login.';
COMMENT ON COLUMN djust_auth.active_session.expires_at IS
	'When it ends unless refreshed.';
COMMENT ON COLUMN djust_auth.active_session.client_address IS
	'Client''s address at login; NULL if unknown.';
COMMENT ON COLUMN djust_auth.active_session.user_agent IS
	'HTTP header User-Agent at login; NULL if unknown.';
COMMENT ON COLUMN djust_auth.active_session.profiles IS
	'The user''s profiles, without anonymous.';

COMMENT ON VIEW djust_auth.effective_right IS
	'Rights of every user: one row for each pattern of the user''s profiles and of anonymous, with the highest right on it and the profile that gives it. Includes disabled users.';
COMMENT ON COLUMN djust_auth.effective_right.user_id IS
	'The user.';
COMMENT ON COLUMN djust_auth.effective_right.email IS
	'The user''s email.';
COMMENT ON COLUMN djust_auth.effective_right.route IS
	'The pattern.';
COMMENT ON COLUMN djust_auth.effective_right.access IS
	'The right on paths that match no more specific pattern.';
COMMENT ON COLUMN djust_auth.effective_right.profile IS
	'The profile that gives this right.';

COMMENT ON FUNCTION @extschema@.djust_login(text, text) IS
	'AUTH-100. Checks email and password and opens a session: tokens object (RFC 6749 section 5.1), or error object invalid_grant, too_many_attempts, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_token(text, text, text, text, text, text, text) IS
	'Token endpoint (RFC 6749 sections 4.3 and 6) for OAuth2 clients: grant_type password or refresh_token. Tokens object, or an error object of djust_login or djust_refresh, or invalid_request, unsupported_grant_type. scope, client_id and client_secret are accepted and not checked. 22004 for NULL as grant_type, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_refresh(text) IS
	'AUTH-102. Rotates a refresh token (RFC 6749 section 6): tokens object, or error object invalid_grant. The same token again within djust_auth.refresh_reuse_grace gets the same successor; later it ends the session. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_logout(text, text, text, text) IS
	'AUTH-103. Ends the session of an access or refresh token (RFC 7009): true if a live session ended, false for any other token. The other arguments are accepted and not checked. 22004 for NULL as token, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_can(text, text, text) IS
	'AUTH-101. True if the bearer of this access token (NULL: anonymous) now has this access to this route. access is read, write or an HTTP method. False for a dead token or an unsafe path. 22023 for any other access, 22004 for NULL as route or access.';
COMMENT ON FUNCTION @extschema@.djust_reset_request(text) IS
	'PWD-101. Queues a reset mail; works and answers the same for known and unknown addresses; per address at most one mail a minute and five an hour. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_reset_confirm(text, text) IS
	'PWD-102. Sets a new password by the secret of a reset link and ends all sessions: {"status":"password_updated"}, or error object weak_password (the link stays good), invalid_grant, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_reset_page(text, text) IS
	'The page behind a reset link, for PostgREST (GET, and POST of its form): without a password it shows the form and does not check the token; with one it works like djust_reset_confirm and shows the result. 22004 for NULL as token, 25006 for a password in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_introspect(text, text, text, text) IS
	'TOK-200. Introspects a token (RFC 7662 section 2.2): {"active":false}, or active, sub, username, sid, iat, exp, iss, token_type, profiles. A refresh token is active only with token_type_hint refresh_token. client_id and client_secret are not checked. 22004 for NULL as token.';
COMMENT ON FUNCTION @extschema@.djust_change_password(text, text, text) IS
	'Sets a new password for the bearer, who gives the current one, and ends all other sessions: {"status":"password_updated"}, or error object invalid_grant, weak_password, too_many_attempts, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_sessions(text) IS
	'Live sessions of the bearer: JSON array of sid, created_at, refreshed_at, expires_at, client_address, user_agent, current; empty for a dead token. 22004 for NULL.';
COMMENT ON FUNCTION @extschema@.djust_end_session(text, uuid) IS
	'Ends that session of the bearer, or with NULL all the others; returns how many ended, 0 for a dead token. 22004 for NULL as access_token, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_jwks() IS
	'JWK set (RFC 7517 section 5) of the currently valid public keys, without HS256 keys.';
COMMENT ON FUNCTION @extschema@.djust_request_user() IS
	'The user behind the bearer token in request.headers, as PostgREST or a backend sets it, verified now; NULL for none or a dead one. For row level security.';
COMMENT ON FUNCTION @extschema@.djust_request_can(text, text) IS
	'djust_can for the bearer token in request.headers, as PostgREST or a backend sets it; without one, anonymous. For row level security. 22023 unless access is read, write or an HTTP method, 22004 for NULL.';
COMMENT ON FUNCTION @extschema@.djust_pre_request() IS
	'For db-pre-request of PostgREST: refuses a dead bearer token with 401, except at login, refresh and reset; a token in the URL of djust_can, djust_introspect or djust_sessions with 405; and with djust_auth.enforce_routes requests that the profiles do not allow with 403, or 401 if anonymous (RFC 6750 section 3).';

COMMENT ON FUNCTION djust_auth.create_user(text, text, text[]) IS
	'Creates a user; without a password, login needs a reset first. Returns the id. 22023 for a weak password, codes in DETAIL; 23505 for a taken email, 23514 for a malformed one, P0002 for an unknown profile.';
COMMENT ON FUNCTION djust_auth.import_user(text, text, text[]) IS
	'Creates a user with another system''s hash: Argon2, scrypt, PBKDF2 (PHC, passlib, Django), bcrypt, sha-crypt; replaced by Argon2id at the first login. Returns the id. 23514 for an unknown hash or a malformed email, 23505 for a taken email, P0002 for an unknown profile.';
COMMENT ON FUNCTION djust_auth.set_password(uuid, text) IS
	'Sets a password and ends all sessions of the user. P0002 for an unknown user, 22023 for a weak password, codes in DETAIL.';
COMMENT ON FUNCTION djust_auth.disable_user(uuid) IS
	'Disables an account and ends all its sessions at commit. P0002 for an unknown user.';
COMMENT ON FUNCTION djust_auth.enable_user(uuid) IS
	'Enables a disabled account; revives no session. P0002 for an unknown user.';
COMMENT ON FUNCTION djust_auth.delete_user(uuid) IS
	'Deletes a user and all personal data: sessions, links, mails, assignments, client addresses in the audit. P0002 for an unknown user.';
COMMENT ON FUNCTION djust_auth.change_email(uuid, text) IS
	'Changes the login name; the id and the sessions stay, reset links end. P0002 for an unknown user, 23505 for a taken email, 23514 for a malformed one.';
COMMENT ON FUNCTION djust_auth.unlock_user(uuid) IS
	'Clears the count of failed attempts, so that the next attempt is checked at once. P0002 for an unknown user.';
COMMENT ON FUNCTION djust_auth.end_sessions(uuid) IS
	'Ends all sessions of the user at commit; returns how many. P0002 for an unknown user.';
COMMENT ON FUNCTION djust_auth.open_session(uuid) IS
	'Opens a session without a password, for single sign-on or support; audited. Tokens object (RFC 6749 section 5.1). P0002 for an unknown user, 55000 for a disabled one.';
COMMENT ON FUNCTION djust_auth.check_password(text) IS
	'Violations of the password policy: too_short, too_long, missing_uppercase, missing_lowercase, missing_digit, missing_special, too_common; empty if nothing. 22004 for NULL.';

COMMENT ON FUNCTION djust_auth.create_profile(text, text) IS
	'Creates a profile, at first without rights. 23505 if it exists, 23514 for a malformed name.';
COMMENT ON FUNCTION djust_auth.drop_profile(text) IS
	'Drops a profile with its rights and assignments; counts at the next check. P0002 for an unknown profile, 55000 for anonymous.';
COMMENT ON FUNCTION djust_auth.add_profile(uuid, text) IS
	'Gives a user a profile, effective at the next check; does nothing if the user has it. P0002 for an unknown user or profile.';
COMMENT ON FUNCTION djust_auth.remove_profile(uuid, text) IS
	'Takes a profile from a user, effective at the next check; does nothing if the user does not have it. P0002 for an unknown user or profile.';
COMMENT ON FUNCTION djust_auth.set_right(text, text, djust_auth.access_right) IS
	'Sets a profile''s right on a route pattern, replacing the one on an equal pattern. 23514 with the reason for a malformed pattern, P0002 for an unknown profile.';
COMMENT ON FUNCTION djust_auth.explain(uuid, text, text) IS
	'Explains why a user (NULL: anonymous) may or may not: the deciding profile and pattern, in a sentence. P0002 for an unknown user, 22023 unless access is read, write or an HTTP method.';
COMMENT ON FUNCTION djust_auth.profile_access(text, text) IS
	'A profile''s own right on a pattern or path; NULL if none of its patterns matches.';

COMMENT ON FUNCTION djust_auth.rotate_signing_key(text) IS
	'Makes a new active key, of ES256, HS256, RS256 or EdDSA (NULL: the present algorithm); the old one verifies until its last token has expired. Returns the new kid (RFC 7515 section 4.1.4). 22023 for another algorithm.';
COMMENT ON FUNCTION djust_auth.hs256_key() IS
	'The active HS256 key as a JWK (RFC 7517, RFC 7518 section 6.4), for another verifier, which can then also sign; audited. 55000 if the active key has another algorithm.';
COMMENT ON FUNCTION djust_auth.accept_key_file() IS
	'Makes this database use the present key file, or a new one if there is none: ends all sessions and links, gives up waiting reset mails, makes a signing key; keeps locks and suspensions of existing accounts. Does nothing under the right file. Audited. 55000 if the file cannot be read, or is missing while the server has its key in memory.';
COMMENT ON FUNCTION djust_auth.after_restore() IS
	'Call once in a database restored from a base backup, or to a point in time: ends all sessions, links and waiting mails and rotates the signing key, so that nothing that was ended or sent since then is revived. Audited. 55000 under another key file.';
COMMENT ON FUNCTION djust_auth.claim_mail(integer) IS
	'Claims at most max mails for djust_auth.mail_lease and makes the secrets of their reset links. Confirm each with mail_sent or mail_failed, or it is claimed again. Commit before sending. 22023 unless max is from 1 to 10000.';
COMMENT ON FUNCTION djust_auth.mail_sent(bigint) IS
	'Records that a claimed mail was sent; it is not claimed again. P0002 unless it was claimed and is not done.';
COMMENT ON FUNCTION djust_auth.mail_failed(bigint, text) IS
	'Records why a claimed mail could not be sent; it is retried after 10 s, then doubling up to 15 min, until its link would have expired. P0002 unless it was claimed and is not done.';
COMMENT ON FUNCTION djust_auth.mail_rejected(bigint, text) IS
	'Records why a claimed mail will never be accepted; it is given up. P0002 unless it was claimed and is not done.';
COMMENT ON FUNCTION djust_auth.mail_due() IS
	'When the next mail can be claimed; in the past if now, NULL if none waits.';
COMMENT ON FUNCTION djust_auth.purge() IS
	'Deletes expired sessions, links, mails, keys and locks, and audit events older than djust_auth.audit_retention; returns the numbers of deleted rows by table as a JSON object. Locked rows are skipped.';
COMMENT ON FUNCTION djust_auth.grant_api(regrole, text) IS
	'Grants a role its part of the API: kind is anonymous, customer, backend (the whole public API), authenticator, worker, dba (administers, without keys and open_session) or monitor (counters). Revoke with REVOKE. 22023 for another kind or PUBLIC.';
COMMENT ON FUNCTION djust_auth.postgrest_config() IS
	'For db-pre-config of PostgREST: sets the public keys and the pre-request function for the transaction.';
COMMENT ON FUNCTION djust_auth.stats() IS
	'Counters since server start, for all databases; and of this database mails_waiting and events_waiting (events and locks the worker has not written), as a JSON object.';
COMMENT ON FUNCTION djust_auth.audit_verify() IS
	'Compares the audit with its seals: one row for each event that was altered, removed, added or moved in time since it was sealed, and for each seal that is missing or forged (id is NULL); no rows if nothing is wrong. A NOTICE reports the extent. 55000 without the key file that the audit is sealed under.';
COMMENT ON FUNCTION djust_auth.worker_seal() IS
	'For the background worker: seals events; returns when to call it again. 55000 for other callers.';
COMMENT ON FUNCTION djust_auth.worker_start() IS
	'For the background worker: releases the mails it had claimed. 55000 for other callers.';
COMMENT ON FUNCTION djust_auth.worker_write() IS
	'For the background worker: writes events and locks from shared memory; returns how many. 55000 for other callers.';
COMMENT ON FUNCTION djust_auth.worker_purge() IS
	'For the background worker: deletes a batch of expired rows; true if there are more. 55000 for other callers.';

COMMENT ON FUNCTION djust_auth.email_is_valid(text) IS
	'True for a well-formed, normalised email address, otherwise 23514. For the constraint on djust_auth.customer_user.';
COMMENT ON FUNCTION djust_auth.password_hash_is_valid(text) IS
	'True if this password hash can be verified at an acceptable cost, otherwise 23514. For the constraint on djust_auth.customer_user.';
COMMENT ON FUNCTION djust_auth.route_is_valid(text) IS
	'True for a well-formed route pattern, otherwise 23514. For the constraint on djust_auth.profile_right.';
COMMENT ON FUNCTION djust_auth.mail_template_is_valid(text, text, text) IS
	'True, or 23514 with the reason if no mail can be made of these texts: not UTF-8, a control character in the subject, a subject over 500 bytes, a body over 256 kB.';
COMMENT ON FUNCTION djust_auth.route_key(text) IS
	'Canonical spelling, equal for patterns that match the same paths; for the unique index on djust_auth.profile_right.';
COMMENT ON FUNCTION djust_auth.event_is_valid(text) IS
	'True for the name of a documented event. For the constraint on djust_auth.audit_event.';

COMMENT ON FUNCTION djust_auth.user_normalise() IS
	'Trigger: stores email addresses normalised. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.blocklist_normalise() IS
	'Trigger: stores entries of djust_auth.password_blocklist in NFC. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.user_changed() IS
	'Trigger: ends the sessions of users who are disabled or get another password, and reset links then and at a new email. For deleted users, removes client addresses and other personal data from the audit. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.user_profile_changed() IS
	'Trigger: keeps the profiles in live sessions equal to the assignments. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.session_updated() IS
	'Trigger: a session that was ended while it was being changed stays ended. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.policy_changed() IS
	'Trigger: invalidates rights and keys cached in every backend, at commit. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.audit_change() IS
	'Trigger: audits administrators'' changes. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.session_purge_at() IS
	'Trigger: keeps purge_at from being later than expires_at. 39P01 on any other table or event.';
COMMENT ON FUNCTION djust_auth.keep_anonymous() IS
	'Trigger: refuses to drop or rename the profile anonymous. 39P01 on any other table or event.';

-- triggers, constraints and indexes
COMMENT ON TRIGGER djust_normalise ON djust_auth.customer_user IS
	'Normalises the address before constraints are checked.';
COMMENT ON TRIGGER djust_normalise ON djust_auth.password_blocklist IS
	'Normalises an entry to NFC, in which passwords are looked up.';
COMMENT ON TRIGGER djust_changed ON djust_auth.customer_user IS
	'Ends the sessions and links that a change of address, password hash or disabled_at must end.';
COMMENT ON TRIGGER djust_changed_replica ON djust_auth.customer_user IS
	'The same for changes by logical replication.';
COMMENT ON TRIGGER djust_removed ON djust_auth.customer_user IS
	'Removes a deleted user''s personal data from the audit.';
COMMENT ON TRIGGER djust_removed_replica ON djust_auth.customer_user IS
	'The same for deletions by logical replication.';
COMMENT ON TRIGGER djust_given ON djust_auth.user_profile IS
	'Copies the profiles of users who got one into their sessions.';
COMMENT ON TRIGGER djust_changed ON djust_auth.user_profile IS
	'Copies the profiles of users whose assignments were changed into their sessions.';
COMMENT ON TRIGGER djust_taken ON djust_auth.user_profile IS
	'Copies the profiles of users who lost one into their sessions.';
COMMENT ON TRIGGER djust_changed_replica ON djust_auth.user_profile IS
	'The same for changes by logical replication.';
COMMENT ON TRIGGER djust_truncated ON djust_auth.user_profile IS
	'Removes all profiles from all sessions; fires for replicated changes, too.';
COMMENT ON TRIGGER djust_keep_ended ON djust_auth.session IS
	'Keeps a session ended that was ended by reuse while a statement changed its row; fires for replicated changes, too.';
COMMENT ON TRIGGER djust_policy_changed ON djust_auth.profile_right IS
	'Makes every backend drop its compiled rights; fires for replicated changes, too.';
COMMENT ON TRIGGER djust_policy_truncated ON djust_auth.profile_right IS
	'Makes every backend drop its compiled rights after a TRUNCATE.';
COMMENT ON TRIGGER djust_policy_changed ON djust_auth.key_file IS
	'Makes every backend compare the key file again.';
COMMENT ON TRIGGER djust_policy_truncated ON djust_auth.key_file IS
	'Makes every backend compare the key file again.';
COMMENT ON TRIGGER djust_policy_changed ON djust_auth.signing_key IS
	'Makes every backend drop its parsed keys; fires for replicated changes, too.';
COMMENT ON TRIGGER djust_policy_truncated ON djust_auth.signing_key IS
	'Makes every backend drop its parsed keys after a TRUNCATE.';
COMMENT ON TRIGGER djust_keep_anonymous_update ON djust_auth.profile IS
	'The profile anonymous cannot be renamed: 55000.';
COMMENT ON TRIGGER djust_keep_anonymous_delete ON djust_auth.profile IS
	'The profile anonymous cannot be dropped: 55000.';
COMMENT ON TRIGGER djust_keep_anonymous_truncate ON djust_auth.profile IS
	'The profile anonymous cannot be removed with all others: 55000.';
COMMENT ON TRIGGER djust_purge_at ON djust_auth.session IS
	'Keeps purge_at from being later than expires_at, so that a purge finds every expired row; fires for replicated changes, too.';
COMMENT ON CONSTRAINT audit_event_event_valid ON djust_auth.audit_event IS
	'Only documented events.';
COMMENT ON CONSTRAINT audit_chain_pkey ON djust_auth.audit_chain IS
	'One row per chain of seals.';
COMMENT ON CONSTRAINT audit_seal_pkey ON djust_auth.audit_seal IS
	'Seals are numbered in their chain.';
COMMENT ON CONSTRAINT audit_event_pkey ON djust_auth.audit_event IS
	'By time, and then by id.';
COMMENT ON CONSTRAINT customer_user_email_key ON djust_auth.customer_user IS
	'One user per address, in its normal form.';
COMMENT ON CONSTRAINT customer_user_email_valid ON djust_auth.customer_user IS
	'An address that mail can be sent to (RFC 5321); the error has the reason.';
COMMENT ON CONSTRAINT customer_user_locale_valid ON djust_auth.customer_user IS
	'A language, or a language and a country, such as de or fr-CA.';
COMMENT ON CONSTRAINT customer_user_password_hash_valid ON djust_auth.customer_user IS
	'A hash that can be verified at an acceptable cost; never clear text.';
COMMENT ON CONSTRAINT customer_user_pkey ON djust_auth.customer_user IS
	'The id of a user is the claim sub of their tokens.';
COMMENT ON CONSTRAINT key_file_one ON djust_auth.key_file IS
	'With the primary key: one row.';
COMMENT ON CONSTRAINT key_file_pkey ON djust_auth.key_file IS
	'One row.';
COMMENT ON CONSTRAINT mail_queue_kind_valid ON djust_auth.mail_queue IS
	'The kinds of mail: reset and password_changed.';
COMMENT ON CONSTRAINT mail_queue_pkey ON djust_auth.mail_queue IS
	'Identifies a mail in claim_mail, mail_sent and mail_failed.';
COMMENT ON CONSTRAINT mail_queue_user_id_fkey ON djust_auth.mail_queue IS
	'Notices are deleted with their user.';
COMMENT ON CONSTRAINT mail_template_kind_valid ON djust_auth.mail_template IS
	'The kinds of mail: reset and password_changed.';
COMMENT ON CONSTRAINT mail_template_pkey ON djust_auth.mail_template IS
	'One template per kind and language.';
COMMENT ON CONSTRAINT mail_template_locale_valid ON djust_auth.mail_template IS
	'A locale as in customer_user, or empty.';
COMMENT ON CONSTRAINT mail_template_valid ON djust_auth.mail_template IS
	'A mail can be made of the texts; the error has the reason.';
COMMENT ON CONSTRAINT password_blocklist_pkey ON djust_auth.password_blocklist IS
	'Each password once.';
COMMENT ON CONSTRAINT profile_name_valid ON djust_auth.profile IS
	'1 to 63 characters, none of them a control character, no space at either end.';
COMMENT ON CONSTRAINT profile_pkey ON djust_auth.profile IS
	'Profiles are identified by name.';
COMMENT ON CONSTRAINT profile_right_pkey ON djust_auth.profile_right IS
	'One right per profile and pattern.';
COMMENT ON CONSTRAINT profile_right_profile_fkey ON djust_auth.profile_right IS
	'Rights are renamed and removed with their profile.';
COMMENT ON CONSTRAINT profile_right_route_valid ON djust_auth.profile_right IS
	'A pattern that can match; the error has the reason.';
COMMENT ON CONSTRAINT reset_token_pkey ON djust_auth.reset_token IS
	'Links are found by the SHA-256 of their secret.';
COMMENT ON CONSTRAINT reset_token_user_id_fkey ON djust_auth.reset_token IS
	'Links are deleted with their user.';
COMMENT ON CONSTRAINT session_pkey ON djust_auth.session IS
	'Claim sid of tokens.';
COMMENT ON CONSTRAINT session_user_id_fkey ON djust_auth.session IS
	'Sessions are deleted with their user.';
COMMENT ON CONSTRAINT signing_key_algorithm_valid ON djust_auth.signing_key IS
	'The algorithms of signatures (RFC 7518, RFC 8037).';
COMMENT ON CONSTRAINT signing_key_pkey ON djust_auth.signing_key IS
	'Header kid of tokens.';
COMMENT ON CONSTRAINT throttle_lock_pkey ON djust_auth.throttle_lock IS
	'One lock per account, by its keyed tag.';
COMMENT ON CONSTRAINT user_profile_pkey ON djust_auth.user_profile IS
	'A user has a profile at most once.';
COMMENT ON CONSTRAINT user_profile_profile_fkey ON djust_auth.user_profile IS
	'Assignments are renamed and removed with their profile.';
COMMENT ON CONSTRAINT user_profile_user_id_fkey ON djust_auth.user_profile IS
	'Assignments are deleted with their user.';
COMMENT ON INDEX djust_auth.audit_chain_pkey IS
	'Chains of seals by identifier.';
COMMENT ON INDEX djust_auth.audit_seal_pkey IS
	'Seals in order.';
COMMENT ON INDEX djust_auth.audit_event_pkey IS
	'Events by time: for purges and queries by time.';
COMMENT ON INDEX djust_auth.customer_user_email_key IS
	'Users by address: for login.';
COMMENT ON INDEX djust_auth.customer_user_pkey IS
	'Users by id.';
COMMENT ON INDEX djust_auth.key_file_pkey IS
	'One row.';
COMMENT ON INDEX djust_auth.mail_queue_pkey IS
	'Mails by id.';
COMMENT ON INDEX djust_auth.mail_template_locale_idx IS
	'Locales that differ only in case or in - and _ are equal.';
COMMENT ON INDEX djust_auth.mail_template_pkey IS
	'Templates by kind and language.';
COMMENT ON INDEX djust_auth.password_blocklist_pkey IS
	'Refused passwords.';
COMMENT ON INDEX djust_auth.profile_pkey IS
	'Profiles by name.';
COMMENT ON INDEX djust_auth.profile_right_pkey IS
	'Rights by profile and pattern: for compiling a profile.';
COMMENT ON INDEX djust_auth.reset_token_pkey IS
	'Links by the hash of their secret.';
COMMENT ON INDEX djust_auth.session_pkey IS
	'Sessions by sid.';
COMMENT ON INDEX djust_auth.signing_key_pkey IS
	'Keys by kid.';
COMMENT ON INDEX djust_auth.throttle_lock_pkey IS
	'Locks by tag.';
COMMENT ON INDEX djust_auth.user_profile_pkey IS
	'Profiles of a user: for login.';
COMMENT ON INDEX djust_auth.audit_event_user_id_idx IS
	'Events of a user by time; includes those of unknown addresses, so that writing one costs the same.';
COMMENT ON INDEX djust_auth.mail_queue_user_id_idx IS
	'Notices of a user: for deleting them with the user.';
COMMENT ON INDEX djust_auth.mail_queue_waiting_idx IS
	'Waiting mails by due time.';
COMMENT ON INDEX djust_auth.profile_right_route_key IS
	'One right per profile and canonical pattern.';
COMMENT ON INDEX djust_auth.reset_token_user_id_idx IS
	'Links of a user: using one ends all.';
COMMENT ON INDEX djust_auth.session_user_id_idx IS
	'Sessions of a user: for listing and ending them.';
COMMENT ON INDEX djust_auth.session_purge_idx IS
	'Sessions by the time of their next check by a purge.';
COMMENT ON INDEX djust_auth.reset_token_purge_idx IS
	'Links by expiry: for purges.';
COMMENT ON INDEX djust_auth.mail_queue_purge_idx IS
	'Mails by the time they expired, were sent or given up: for purges.';
COMMENT ON INDEX djust_auth.throttle_lock_purge_idx IS
	'Locks, except suspensions, by age: for purges.';
COMMENT ON INDEX djust_auth.signing_key_active_idx IS
	'Only one key is active.';
COMMENT ON INDEX djust_auth.user_profile_profile_idx IS
	'Users of a profile: for renaming and dropping it.';
