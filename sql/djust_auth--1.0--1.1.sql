/* djust_auth 1.1: hashes of other systems are judged beforehand; a view and a check for those who watch the server */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION djust_auth UPDATE TO '1.1'" to load this file. \quit

CREATE FUNCTION djust_auth.check_hash(password_hash text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_check_hash';

COMMENT ON FUNCTION djust_auth.check_password(text) IS
	'Violations of the password policy: too_short, too_long, missing_uppercase, missing_lowercase, missing_digit, missing_special, too_common; empty if nothing. For too_common a NOTICE tells the caller, not the log, what was found. 22004 for NULL.';
COMMENT ON TABLE djust_auth.password_blocklist IS
	'Passwords that are refused as too_common, and words that count as common. Empty at first; fill it with COPY.';
COMMENT ON COLUMN djust_auth.password_blocklist.password IS
	'The whole password, or a word, stored in NFC. An entry in lower case also matches every spelling with capitals.';
COMMENT ON FUNCTION djust_auth.check_hash(text) IS
	'What import_user() would do with another system''s password hash: the name of its scheme, "no password", or "refused: " and the reason. Hashes nothing, and quotes nothing of the text.';

-- shards

CREATE FUNCTION djust_auth.token_shard(token text) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_token_shard';

CREATE FUNCTION djust_auth.normal_email(email text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_normal_email';

CREATE FUNCTION djust_auth.email_shard(email text, shards integer) RETURNS integer
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_auth_email_shard';

COMMENT ON FUNCTION djust_auth.token_shard(text) IS
	'The djust_auth.shard of the database that made this access token, refresh token or secret of a link; NULL for garbage. Needs no key and verifies nothing.';
COMMENT ON FUNCTION djust_auth.normal_email(text) IS
	'The form in which addresses are kept and compared; an invalid address as it is. The same on every server.';
COMMENT ON FUNCTION djust_auth.email_shard(text, integer) IS
	'The shard of an address, from 0, of this number of shards (1 to 4096): the first 8 bytes of the SHA-256 of its normal form in UTF-8, modulo that number. 22023 for any other number and for NULL.';

-- moving customers to another shard

CREATE TABLE djust_auth.leaving_user (
	user_id uuid NOT NULL CONSTRAINT leaving_user_pkey PRIMARY KEY,
	move uuid NOT NULL,
	shard integer NOT NULL,
	sealed bytea NOT NULL,
	left_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE TABLE djust_auth.decided_move (
	move uuid NOT NULL CONSTRAINT decided_move_pkey PRIMARY KEY,
	refused boolean NOT NULL,
	decided_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
SELECT pg_catalog.pg_extension_config_dump('djust_auth.leaving_user', '');
SELECT pg_catalog.pg_extension_config_dump('djust_auth.decided_move', '');

CREATE FUNCTION djust_auth.move_state(user_id uuid) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$SELECT 'here' FROM djust_auth.customer_user u WHERE u.id = $1
		UNION ALL SELECT 'leaving' FROM djust_auth.leaving_user l WHERE l.user_id = $1$$;
CREATE FUNCTION djust_auth.move_accepts(email text) RETURNS boolean
	LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$SELECT djust_auth.email_is_valid(djust_auth.normal_email($1))
		AND NOT EXISTS (SELECT FROM djust_auth.customer_user u WHERE u.email = djust_auth.normal_email($1))$$;
CREATE FUNCTION djust_auth.move_out(user_id uuid, email text, shard integer) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_out';
CREATE FUNCTION djust_auth.move_by_link(token text, shard integer) RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_by_link';
CREATE FUNCTION djust_auth.link_target(token text, OUT email text, OUT shard integer)
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_link_target';
CREATE FUNCTION djust_auth.link_followed(puts_back boolean, page boolean) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_link_followed';
CREATE FUNCTION djust_auth.move_offer(user_id uuid, OUT sealed bytea, OUT shard integer, OUT move uuid)
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_offer';
CREATE FUNCTION djust_auth.move_in(user_id uuid, sealed bytea) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_in';
CREATE FUNCTION djust_auth.move_refuse(move uuid) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_refuse';
CREATE FUNCTION djust_auth.move_redirect(user_id uuid, move uuid, email text, shard integer) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_redirect';
CREATE FUNCTION djust_auth.move_done(user_id uuid, move uuid) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_done';
CREATE FUNCTION djust_auth.move_back(user_id uuid, move uuid) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_move_back';
CREATE FUNCTION djust_auth.moves() RETURNS SETOF uuid
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$SELECT l.user_id FROM djust_auth.leaving_user l ORDER BY l.left_at$$;

COMMENT ON TABLE djust_auth.leaving_user IS
	'Customers who have left for another shard, until they have arrived there: normally none for longer than a moment.';
COMMENT ON COLUMN djust_auth.leaving_user.user_id IS 'The customer.';
COMMENT ON COLUMN djust_auth.leaving_user.shard IS 'The shard for which they left.';
COMMENT ON COLUMN djust_auth.leaving_user.sealed IS 'All that goes along, sealed under the key file for that shard.';
COMMENT ON COLUMN djust_auth.leaving_user.move IS 'Identifier of the move.';
COMMENT ON COLUMN djust_auth.leaving_user.left_at IS 'When they left.';
COMMENT ON CONSTRAINT leaving_user_pkey ON djust_auth.leaving_user IS 'A customer leaves for one shard.';
COMMENT ON INDEX djust_auth.leaving_user_pkey IS 'Leaving customers by id.';
COMMENT ON FUNCTION djust_auth.move_state(uuid) IS 'here, leaving, or NULL: where a customer is in a move. For the router.';
COMMENT ON FUNCTION djust_auth.move_accepts(text) IS
	'True if a customer could have this address here, false if another one has it; 23514 for an invalid address. For the router.';
COMMENT ON FUNCTION djust_auth.move_out(uuid, text, integer) IS
	'Takes a customer out of this shard for one of that number, where they will have this address; sessions and links end. P0002 for an unknown user, 22023 for this shard itself. For the router.';
COMMENT ON FUNCTION djust_auth.move_by_link(text, integer) IS
	'move_out() for the customer and the address of a live link that changes an address or puts it back, which is used up: the customer''s id, NULL for any other token. For the router.';
COMMENT ON FUNCTION djust_auth.link_target(text) IS
	'The address that a live link gives which changes an address or puts it back, or the shard to which its customer has taken it; NULL for any other token. Uses nothing up. For the router.';
COMMENT ON FUNCTION djust_auth.link_followed(boolean, boolean) IS
	'What djust_confirm_email() answers, or djust_revert_email(), or the page, when the link was followed; does nothing else. For the router.';
COMMENT ON FUNCTION djust_auth.move_offer(uuid) IS
	'What move_in() there needs of a customer who was taken out, good for five minutes; NULL for any other. For the router.';
COMMENT ON FUNCTION djust_auth.move_in(uuid, bytea) IS
	'Puts a customer into this shard who was offered by another: true if that has happened, now or before, false if the move was refused. 55000 for another shard''s, another key file''s or an old offer, 23505 if the address is taken, 23503 without a profile of theirs. For the router.';
COMMENT ON FUNCTION djust_auth.move_refuse(uuid) IS 'Refuses a move into this shard for good: true, or false if its customer is here already. For the router.';
COMMENT ON FUNCTION djust_auth.move_redirect(uuid, uuid, text, integer) IS
	'Gives a customer who leaves by this move, which the other shard has refused, another address and shard; false if none leaves by it. For the router.';
COMMENT ON FUNCTION djust_auth.move_done(uuid, uuid) IS 'Forgets a customer who has arrived on the other shard by this move; false if none leaves by it. For the router.';
COMMENT ON FUNCTION djust_auth.move_back(uuid, uuid) IS
	'Puts a customer back, with the former address, after the other shard has refused this move; false if none leaves by it. For the router.';
COMMENT ON TABLE djust_auth.decided_move IS 'Moves of customers into this shard, so that none is taken up twice. Rows stay.';
COMMENT ON COLUMN djust_auth.decided_move.move IS 'Identifier of the move.';
COMMENT ON COLUMN djust_auth.decided_move.refused IS 'False: the customer was put in; true: never will be.';
COMMENT ON COLUMN djust_auth.decided_move.decided_at IS 'When.';
COMMENT ON CONSTRAINT decided_move_pkey ON djust_auth.decided_move IS 'A move is decided once.';
COMMENT ON INDEX djust_auth.decided_move_pkey IS 'Moves by identifier.';
COMMENT ON FUNCTION djust_auth.moves() IS 'Customers who are leaving. For the router.';

-- the end of all sessions: one row, which every check compares

CREATE TABLE djust_auth.session_cutoff (
	one boolean NOT NULL DEFAULT true CONSTRAINT session_cutoff_pkey PRIMARY KEY CONSTRAINT session_cutoff_one CHECK (one),
	created_before timestamptz NOT NULL CONSTRAINT session_cutoff_finite CHECK (pg_catalog.isfinite(created_before)),
	purged boolean NOT NULL DEFAULT false
);

CREATE FUNCTION djust_auth.end_all_sessions(before timestamptz DEFAULT pg_catalog.now()) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_end_all_sessions';

CREATE TRIGGER djust_policy_changed AFTER INSERT OR UPDATE OF created_before OR DELETE ON djust_auth.session_cutoff
	FOR EACH ROW EXECUTE FUNCTION djust_auth.policy_changed();
CREATE TRIGGER djust_policy_truncated AFTER TRUNCATE ON djust_auth.session_cutoff
	FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.policy_changed();
ALTER TABLE djust_auth.session_cutoff ENABLE ALWAYS TRIGGER djust_policy_changed, ENABLE ALWAYS TRIGGER djust_policy_truncated;

COMMENT ON TABLE djust_auth.session_cutoff IS 'One row after the first end_all_sessions(); the worker removes the ended sessions.';
COMMENT ON COLUMN djust_auth.session_cutoff.one IS 'Always true: there is one row.';
COMMENT ON COLUMN djust_auth.session_cutoff.created_before IS 'Sessions that were created before it have ended.';
COMMENT ON COLUMN djust_auth.session_cutoff.purged IS 'Whether a purge has removed these sessions.';
COMMENT ON CONSTRAINT session_cutoff_pkey ON djust_auth.session_cutoff IS 'One row.';
COMMENT ON CONSTRAINT session_cutoff_one ON djust_auth.session_cutoff IS 'With the primary key: one row.';
COMMENT ON CONSTRAINT session_cutoff_finite ON djust_auth.session_cutoff IS 'A moment.';
COMMENT ON INDEX djust_auth.session_cutoff_pkey IS 'One row.';
COMMENT ON TRIGGER djust_policy_changed ON djust_auth.session_cutoff IS 'Makes every backend read the row again; fires for replicated changes, too.';
COMMENT ON TRIGGER djust_policy_truncated ON djust_auth.session_cutoff IS 'Makes every backend read the row again.';
COMMENT ON FUNCTION djust_auth.end_all_sessions(timestamptz) IS
	'Ends every session that was opened before this moment, at once in all backends at commit, however many there are; a purge removes their rows. 22023 for a time in the future.';
-- the life of an account: addresses that wait to be confirmed, and mails about them

CREATE TABLE djust_auth.pending_email (
	mail bigint NOT NULL CONSTRAINT pending_email_pkey PRIMARY KEY,
	kind text COLLATE "C" NOT NULL
		CONSTRAINT pending_email_kind_valid CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['sign_up', 'change', 'revert', 'ended'])),
	user_id uuid REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	sid uuid,
	address bytea NOT NULL,
	account bytea NOT NULL,
	password_hash text COLLATE "C",
	locale text COLLATE "C",
	store text COLLATE "C",
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	mailed_at timestamptz
);
CREATE INDEX pending_email_account_idx ON djust_auth.pending_email (account, mail);
CREATE INDEX pending_email_mailed_idx ON djust_auth.pending_email (account, mailed_at) WHERE mailed_at IS NOT NULL;
CREATE INDEX pending_email_user_id_idx ON djust_auth.pending_email (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX pending_email_purge_idx ON djust_auth.pending_email (expires_at, mail);

CREATE TABLE djust_auth.email_link (
	token_hash bytea NOT NULL CONSTRAINT email_link_pkey PRIMARY KEY,
	mail bigint NOT NULL,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	shard integer
);
CREATE INDEX email_link_mail_idx ON djust_auth.email_link (mail);
CREATE INDEX email_link_purge_idx ON djust_auth.email_link (expires_at, token_hash);

CREATE TABLE djust_auth.known_device (
	device bytea NOT NULL CONSTRAINT known_device_pkey PRIMARY KEY,
	user_id uuid NOT NULL REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	seen_at timestamptz NOT NULL
);
CREATE INDEX known_device_user_id_idx ON djust_auth.known_device (user_id);
CREATE INDEX known_device_purge_idx ON djust_auth.known_device (seen_at, device);

COMMENT ON TABLE djust_auth.known_device IS
	'Devices that customers logged in with, while djust_auth.notify_new_device is on; for a year after they were last seen.';
COMMENT ON COLUMN djust_auth.known_device.device IS 'Keyed hash of the user, the user agent, and the network (/24 of IPv4, /48 of IPv6).';
COMMENT ON COLUMN djust_auth.known_device.user_id IS 'The user.';
COMMENT ON COLUMN djust_auth.known_device.seen_at IS 'When it was last seen, to the day.';
COMMENT ON CONSTRAINT known_device_pkey ON djust_auth.known_device IS 'A device is known once.';
COMMENT ON CONSTRAINT known_device_user_id_fkey ON djust_auth.known_device IS 'Goes with the user.';
COMMENT ON INDEX djust_auth.known_device_pkey IS 'Devices by their keyed hash.';
COMMENT ON INDEX djust_auth.known_device_user_id_idx IS 'Devices of a user.';
COMMENT ON INDEX djust_auth.known_device_purge_idx IS 'Devices not seen for long, for the purge.';

COMMENT ON TABLE djust_auth.pending_email IS
	'Addresses that a link in a mail confirms: of a sign-up, of a change of address, and the former one, which its owner may put back.';
COMMENT ON COLUMN djust_auth.pending_email.mail IS 'Id of the mail with the link.';
COMMENT ON COLUMN djust_auth.pending_email.kind IS
	'sign_up: makes a user; change: gives the user this address; revert: gives it back; ended: none of these any more, kept for an hour for the pace of mails.';
COMMENT ON COLUMN djust_auth.pending_email.user_id IS 'The user whose address changes; NULL for a sign-up.';
COMMENT ON COLUMN djust_auth.pending_email.sid IS 'The session that asked for a change; it goes on afterwards.';
COMMENT ON COLUMN djust_auth.pending_email.address IS 'The address, sealed under the key file, of one size.';
COMMENT ON COLUMN djust_auth.pending_email.account IS 'Keyed hash of the address, by which its mails are paced.';
COMMENT ON COLUMN djust_auth.pending_email.password_hash IS 'Of a sign-up.';
COMMENT ON COLUMN djust_auth.pending_email.locale IS 'Language of a sign-up''s mails; NULL: the default.';
COMMENT ON COLUMN djust_auth.pending_email.store IS 'The store view that it was asked for in; NULL: none.';
COMMENT ON COLUMN djust_auth.pending_email.created_at IS 'When it was asked for.';
COMMENT ON COLUMN djust_auth.pending_email.expires_at IS 'When its links end, and the row may be purged.';
COMMENT ON COLUMN djust_auth.pending_email.mailed_at IS 'When its mail was first claimed.';
COMMENT ON CONSTRAINT pending_email_pkey ON djust_auth.pending_email IS 'One address a mail.';
COMMENT ON CONSTRAINT pending_email_kind_valid ON djust_auth.pending_email IS 'The kinds.';
COMMENT ON CONSTRAINT pending_email_user_id_fkey ON djust_auth.pending_email IS 'Goes with the user.';
COMMENT ON INDEX djust_auth.pending_email_pkey IS 'Pending addresses by mail.';
COMMENT ON INDEX djust_auth.pending_email_user_id_idx IS 'Pending addresses of a user.';
COMMENT ON INDEX djust_auth.pending_email_account_idx IS 'Pending addresses by their keyed hash.';
COMMENT ON INDEX djust_auth.pending_email_mailed_idx IS 'Mails to an address, for their pace.';
COMMENT ON INDEX djust_auth.pending_email_purge_idx IS 'Expired ones, for the purge.';
COMMENT ON TABLE djust_auth.email_link IS 'Links that were mailed for pending addresses.';
COMMENT ON COLUMN djust_auth.email_link.token_hash IS 'SHA-256 of the secret; the secret itself is stored nowhere.';
COMMENT ON COLUMN djust_auth.email_link.mail IS 'The pending address; when that is gone, the link is dead.';
COMMENT ON COLUMN djust_auth.email_link.created_at IS 'When its mail was claimed.';
COMMENT ON COLUMN djust_auth.email_link.expires_at IS 'When it ends, and may be purged.';
COMMENT ON COLUMN djust_auth.email_link.shard IS 'The shard to which the customer has taken the pending address; NULL: none.';
COMMENT ON CONSTRAINT email_link_pkey ON djust_auth.email_link IS 'A secret belongs to one link.';
COMMENT ON INDEX djust_auth.email_link_pkey IS 'Links by their secret''s hash.';
COMMENT ON INDEX djust_auth.email_link_mail_idx IS 'Links of a pending address.';
COMMENT ON INDEX djust_auth.email_link_purge_idx IS 'Expired ones, for the purge.';

DO $$
DECLARE
	relation name;
BEGIN
	FOREACH relation IN ARRAY ARRAY['mail_queue', 'mail_template'] LOOP
		EXECUTE pg_catalog.format('ALTER TABLE djust_auth.%1$I DROP CONSTRAINT %1$s_kind_valid, ADD CONSTRAINT %1$s_kind_valid'
			' CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY[''reset'', ''password_changed'', ''invitation'', ''sign_up'', ''sign_up_known'','
			' ''email_change'', ''email_changed'', ''account_suspended'', ''new_device'']))', relation);
		EXECUTE pg_catalog.format('COMMENT ON CONSTRAINT %1$s_kind_valid ON djust_auth.%1$I IS ''The kinds of mail.''', relation);
	END LOOP;
END $$;
-- an upgrade goes on with a template of 1.0 that lacks the link: its text is an administrator's
ALTER TABLE djust_auth.mail_template ADD CONSTRAINT mail_template_link_valid CHECK (
	kind OPERATOR(pg_catalog.<>) ALL (ARRAY['reset', 'invitation', 'sign_up', 'email_change', 'email_changed'])
	OR (pg_catalog.strpos(body_text, '{link}') OPERATOR(pg_catalog.>) 0 AND pg_catalog.strpos(body_html, '{link}') OPERATOR(pg_catalog.>) 0)) NOT VALID;
COMMENT ON CONSTRAINT mail_template_link_valid ON djust_auth.mail_template IS
	'Text and HTML have {link} where the mail is about one.';
DO $$
BEGIN
	ALTER TABLE djust_auth.mail_template VALIDATE CONSTRAINT mail_template_link_valid;
EXCEPTION WHEN check_violation THEN
	RAISE WARNING 'a template of djust_auth.mail_template has no {link} in body_text or body_html'
		USING HINT = 'Write it, then ALTER TABLE djust_auth.mail_template VALIDATE CONSTRAINT mail_template_link_valid: '
			'a dump is restored without the templates until then.';
END $$;
COMMENT ON COLUMN djust_auth.mail_queue.kind IS
	'What it is about: reset, password_changed, invitation, sign_up, email_change, email_changed, account_suspended or new_device.';
COMMENT ON COLUMN djust_auth.mail_template.kind IS
	'What it is about: reset, password_changed, invitation, sign_up, sign_up_known (to an address that has an account), email_change, email_changed, account_suspended or new_device.';

CREATE FUNCTION @extschema@.djust_sign_up(email text, password text, locale text DEFAULT NULL) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_sign_up';
CREATE FUNCTION @extschema@.djust_confirm_email(token text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_confirm_email';
CREATE FUNCTION @extschema@.djust_change_email(access_token text, current_password text, new_email text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_change_email';
CREATE FUNCTION @extschema@.djust_revert_email(token text) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_revert_email';
CREATE FUNCTION @extschema@.djust_sign_up_page(email text DEFAULT NULL, password text DEFAULT NULL) RETURNS djust_auth."text/html"
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_sign_up_page';
CREATE FUNCTION @extschema@.djust_confirm_page(token text, confirm text DEFAULT NULL) RETURNS djust_auth."text/html"
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_confirm_page';
CREATE FUNCTION djust_auth.invite_user(email text, profiles text[] DEFAULT '{}', locale text DEFAULT NULL) RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_invite_user';

COMMENT ON FUNCTION @extschema@.djust_sign_up(text, text, text) IS
	'Sign up with an email address and a password

Mails a link that makes the account: {"status":"confirmation_sent"} for every well-formed address, known or not, or error object invalid_request, weak_password, temporarily_unavailable. locale is the language of mails, such as de or fr-CA; without one, that of the built-in languages which Accept-Language prefers. 55000 unless djust_auth.sign_up is on, 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_confirm_email(text) IS
	'Confirm an address by the link of a mail

Makes the account of a sign-up, or changes the address: {"status":"email_confirmed"}, or error object invalid_grant. Logs nobody in. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_change_email(text, text, text) IS
	'Change the address of the bearer

Mails a link to the new address, which changes nothing until it is followed: {"status":"confirmation_sent"}, whether or not the address is taken, or error object invalid_grant, invalid_request, too_many_attempts, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_revert_email(text) IS
	'Put the former address back

By the link of the notice that the former address got: ends all sessions and suspends the password until a reset: {"status":"email_reverted"}, or error object invalid_grant. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_sign_up_page(text, text) IS
	'Page on which customers sign up

With a password what djust_sign_up does, and its answer as a page; while djust_auth.sign_up is off, a page that says so. In English, French or German, by Accept-Language. 25006 with a password in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_confirm_page(text, text) IS
	'Page behind the links about addresses

With confirm, whatever its value, what djust_confirm_email or djust_revert_email does, as a page; without it a button, and nothing is used up. In English, French or German, by Accept-Language. 22004 for NULL, 25006 with confirm in a read-only transaction.';
COMMENT ON FUNCTION djust_auth.invite_user(text, text[], text) IS
	'Makes a user without a password and mails a link to the page that sets one; for a user without a password, only mails a new link. locale is the language of mails. Returns the user''s id. 55000 for a user who has a password or is disabled, P0002 for an unknown profile, 23514 for an invalid address, 22023 for a malformed locale.';

-- texts of the pages in place of the built-in ones

CREATE TABLE djust_auth.page_text (
	key text COLLATE "C" NOT NULL
		CONSTRAINT page_text_key_valid CHECK (key OPERATOR(pg_catalog.=) ANY (ARRAY[
			'show_password', 'rule_length', 'rule_uppercase', 'rule_lowercase', 'rule_digit', 'rule_special', 'met',
			'unmet', 'weak_password', 'too_long', 'too_common', 'invalid_link', 'unavailable', 'too_many', 'reset_title',
			'reset_label', 'reset_button', 'reset_done_title', 'reset_done', 'sign_up_title', 'sign_up_email',
			'sign_up_password', 'sign_up_button', 'sign_up_bad_email', 'sign_up_done_title', 'sign_up_done',
			'sign_up_off_title', 'sign_up_off', 'confirm_title', 'confirm_text', 'confirm_button', 'confirm_invalid',
			'confirm_done_title', 'confirm_done', 'revert_title', 'revert_text', 'revert_button', 'revert_invalid',
			'revert_done_title', 'revert_done'])),
	locale text COLLATE "C" NOT NULL
		CONSTRAINT page_text_locale_valid CHECK (locale OPERATOR(pg_catalog.~) '^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$'),
	text text NOT NULL,
	CONSTRAINT page_text_pkey PRIMARY KEY (key, locale)
);
CREATE UNIQUE INDEX page_text_locale_idx ON djust_auth.page_text (key, pg_catalog.lower(pg_catalog.replace(locale, '_', '-')));
SELECT pg_catalog.pg_extension_config_dump('djust_auth.page_text', '');

COMMENT ON TABLE djust_auth.page_text IS
	'Texts of the pages in place of the built-in ones, and in other languages; what is missing is in English.';
COMMENT ON COLUMN djust_auth.page_text.key IS 'Which text, such as reset_title.';
COMMENT ON COLUMN djust_auth.page_text.locale IS 'Such as de or fr-CA, for readers who accept it or a narrower one; case-insensitive, - equals _.';
COMMENT ON COLUMN djust_auth.page_text.text IS 'The text, escaped where it stands in HTML; {n} in rule_length is the number of characters.';
COMMENT ON CONSTRAINT page_text_key_valid ON djust_auth.page_text IS 'The texts that there are.';
COMMENT ON CONSTRAINT page_text_locale_valid ON djust_auth.page_text IS 'A locale as in customer_user.';
COMMENT ON CONSTRAINT page_text_pkey ON djust_auth.page_text IS 'One text per key and language.';
COMMENT ON INDEX djust_auth.page_text_pkey IS 'Texts by key and language.';
COMMENT ON INDEX djust_auth.page_text_locale_idx IS 'Locales that differ only in case or in - and _ are equal.';

-- store views: shops of one company, with their own pages, sender and texts of mails

CREATE FUNCTION djust_auth.store_is_valid(reset_url text, confirm_url text, mail_from text) RETURNS boolean
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_store_is_valid';

CREATE TABLE djust_auth.store (
	name text COLLATE "C" NOT NULL CONSTRAINT store_pkey PRIMARY KEY
		CONSTRAINT store_name_valid CHECK (name OPERATOR(pg_catalog.~) '^[^[:cntrl:][:space:]]([^[:cntrl:]]{0,61}[^[:cntrl:][:space:]])?$'),
	reset_url text COLLATE "C",
	confirm_url text COLLATE "C",
	mail_from text COLLATE "C",
	locale text COLLATE "C"
		CONSTRAINT store_locale_valid CHECK (locale OPERATOR(pg_catalog.~) '^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$'),
	CONSTRAINT store_valid CHECK (djust_auth.store_is_valid(reset_url, confirm_url, mail_from))
);
SELECT pg_catalog.pg_extension_config_dump('djust_auth.store', '');

-- not a column of customer_user: adding it would keep logins waiting
CREATE TABLE djust_auth.user_store (
	user_id uuid NOT NULL CONSTRAINT user_store_pkey PRIMARY KEY REFERENCES djust_auth.customer_user ON UPDATE CASCADE ON DELETE CASCADE,
	store text COLLATE "C" NOT NULL REFERENCES djust_auth.store ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX user_store_store_idx ON djust_auth.user_store (store);
SELECT pg_catalog.pg_extension_config_dump('djust_auth.user_store', '');

DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attname OPERATOR(pg_catalog.=) 'store' AND NOT a.attisdropped
		AND a.attrelid OPERATOR(pg_catalog.=) ANY (ARRAY['djust_auth.mail_queue', 'djust_auth.mail_template']::pg_catalog.regclass[]::oid[]))
	THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'djust_auth.mail_queue or mail_template has a column "store" of your own',
			HINT = 'Rename it: 1.1 has a column of this name.';
	END IF;
END $$;
ALTER TABLE djust_auth.mail_queue ADD COLUMN store text COLLATE "C";
ALTER TABLE djust_auth.mail_template ADD COLUMN store text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE djust_auth.mail_template DROP CONSTRAINT mail_template_pkey,
	ADD CONSTRAINT mail_template_pkey PRIMARY KEY (kind, locale, store);
DROP INDEX djust_auth.mail_template_locale_idx;
CREATE UNIQUE INDEX mail_template_locale_idx
	ON djust_auth.mail_template (kind, pg_catalog.lower(pg_catalog.replace(locale, '_', '-')), store);

CREATE FUNCTION djust_auth.mail_sender(id bigint) RETURNS text
	-- not STABLE: it sees what claim_mail() wrote in the same statement
	LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$SELECT s.mail_from FROM djust_auth.mail_queue q JOIN djust_auth.store s ON s.name = q.store WHERE q.id = $1$$;
CREATE FUNCTION djust_auth.store_changed() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_store_changed';

CREATE TRIGGER djust_changed AFTER UPDATE OR DELETE ON djust_auth.store
	FOR EACH ROW EXECUTE FUNCTION djust_auth.store_changed();
ALTER TABLE djust_auth.store ENABLE ALWAYS TRIGGER djust_changed;

COMMENT ON FUNCTION djust_auth.store_is_valid(text, text, text) IS
	'For a constraint: true, or 23514 with the column that is wrong and a hint.';
COMMENT ON TABLE djust_auth.store IS
	'Store views: where their links lead, who sends their mails. A NULL stands for the setting, which also holds for mails of no view.';
COMMENT ON COLUMN djust_auth.store.name IS
	'As requests name it in the header djust_auth.store_header, and user_store and templates in their column store; up to 63 characters.';
COMMENT ON COLUMN djust_auth.store.reset_url IS 'In place of djust_auth.reset_url: links of resets and invitations.';
COMMENT ON COLUMN djust_auth.store.confirm_url IS 'In place of djust_auth.confirm_url: links about addresses.';
COMMENT ON COLUMN djust_auth.store.mail_from IS 'In place of djust_auth.mail_from: the sender, an address, or Name <address>.';
COMMENT ON COLUMN djust_auth.store.locale IS 'Language of mails to those who have none, such as de or fr-CA.';
COMMENT ON CONSTRAINT store_pkey ON djust_auth.store IS 'A name belongs to one view.';
COMMENT ON CONSTRAINT store_name_valid ON djust_auth.store IS 'No control characters, no white space at the ends, up to 63 characters.';
COMMENT ON CONSTRAINT store_locale_valid ON djust_auth.store IS 'A locale as in customer_user.';
COMMENT ON CONSTRAINT store_valid ON djust_auth.store IS 'URLs and sender as the settings of these names take them.';
COMMENT ON INDEX djust_auth.store_pkey IS 'Store views by name.';
COMMENT ON TABLE djust_auth.user_store IS
	'The store view of a user''s mails, unless the request for the mail names another: that of the sign-up, or what an administrator writes.';
COMMENT ON COLUMN djust_auth.user_store.user_id IS 'The user.';
COMMENT ON COLUMN djust_auth.user_store.store IS 'The store view.';
COMMENT ON CONSTRAINT user_store_pkey ON djust_auth.user_store IS 'A user has one store view, or none.';
COMMENT ON CONSTRAINT user_store_user_id_fkey ON djust_auth.user_store IS 'Goes with the user.';
COMMENT ON CONSTRAINT user_store_store_fkey ON djust_auth.user_store IS 'A store view that is there; goes with it.';
COMMENT ON INDEX djust_auth.user_store_pkey IS 'Store views by user.';
COMMENT ON INDEX djust_auth.user_store_store_idx IS 'Users of a store view.';
COMMENT ON COLUMN djust_auth.mail_queue.store IS
	'The store view that the request named; from the first claim on also that of the recipient. NULL: none.';
COMMENT ON COLUMN djust_auth.mail_template.store IS 'The store view whose mails have this text; empty: all.';
COMMENT ON CONSTRAINT mail_template_pkey ON djust_auth.mail_template IS 'One text per kind, language and store view.';
COMMENT ON INDEX djust_auth.mail_template_pkey IS 'Templates by kind, language and store view.';
COMMENT ON INDEX djust_auth.mail_template_locale_idx IS 'Locales that differ only in case or in - and _ are equal.';
COMMENT ON FUNCTION djust_auth.mail_sender(bigint) IS
	'Sender of a claimed mail: mail_from of its store view; NULL: the default, djust_auth.mail_from, or that of a mailer of one''s own.';
COMMENT ON FUNCTION djust_auth.store_changed() IS
	'Trigger: mails and addresses that wait, texts, and on a follower users, go with their store view when its name changes.';
COMMENT ON TRIGGER djust_changed ON djust_auth.store IS 'What names a store view follows its name; also under replication.';

-- followers: what one shard tells the others by logical replication

CREATE TABLE djust_auth.heartbeat (
	one boolean NOT NULL DEFAULT true CONSTRAINT heartbeat_pkey PRIMARY KEY CONSTRAINT heartbeat_one CHECK (one),
	at timestamptz NOT NULL
);

COMMENT ON TABLE djust_auth.heartbeat IS
	'One row: the time at which the worker last wrote it, at least four times within djust_auth.max_replica_lag; on a follower it comes from the shard that is followed.';
COMMENT ON CONSTRAINT heartbeat_pkey ON djust_auth.heartbeat IS 'One row.';
COMMENT ON INDEX djust_auth.heartbeat_pkey IS 'One row.';
COMMENT ON CONSTRAINT heartbeat_one ON djust_auth.heartbeat IS 'With the primary key: one row.';
COMMENT ON COLUMN djust_auth.heartbeat.one IS 'Always true: there is one row.';
COMMENT ON COLUMN djust_auth.heartbeat.at IS 'Time of the last heartbeat.';

CREATE FUNCTION djust_auth.worker_heartbeat() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_worker_heartbeat';

CREATE FUNCTION djust_auth.profile_changed() RETURNS trigger
	LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_trigger_profile_changed';

CREATE FUNCTION djust_auth.refuse_on_follower() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'djust_trigger_refuse_on_follower';

COMMENT ON FUNCTION djust_auth.worker_heartbeat() IS 'For the background worker: tells standbys and followers the time. 55000 for anybody else.';
COMMENT ON FUNCTION djust_auth.profile_changed() IS
	'Trigger, under logical replication: on a follower users'' assignments go with their profile.';
COMMENT ON FUNCTION djust_auth.refuse_on_follower() IS 'Trigger: 55000 where djust_auth.follower is on.';

CREATE TRIGGER djust_changed_replica AFTER UPDATE OR DELETE ON djust_auth.profile
	FOR EACH ROW EXECUTE FUNCTION djust_auth.profile_changed();
ALTER TABLE djust_auth.profile ENABLE REPLICA TRIGGER djust_changed_replica;
COMMENT ON TRIGGER djust_changed_replica ON djust_auth.profile IS 'On a follower users'' assignments go with their profile.';

DO $$
DECLARE
	relation name;
	operation record;
BEGIN
	FOREACH relation IN ARRAY ARRAY['profile', 'profile_right', 'signing_key', 'mail_template', 'password_blocklist', 'heartbeat', 'store', 'page_text'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER djust_follow BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON djust_auth.%I'
			' FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.refuse_on_follower()', relation);
		EXECUTE pg_catalog.format('COMMENT ON TRIGGER djust_follow ON djust_auth.%I IS %L', relation,
			'On a follower only replication changes this table.');
	END LOOP;
	-- as 1.0 does for its tables
	FOR operation IN
		SELECT * FROM (VALUES
			('insert', 'AFTER', 'REFERENCING NEW TABLE AS new_rows', 'rows that administrators add'),
			('update', 'AFTER', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'rows that administrators change'),
			('delete', 'AFTER', 'REFERENCING OLD TABLE AS old_rows', 'rows that administrators remove'),
			('truncate', 'BEFORE', '', 'rows that administrators remove all at once')
		) o(name, timing, tables, comment)
	LOOP
		FOREACH relation IN ARRAY ARRAY['heartbeat', 'leaving_user', 'decided_move', 'session_cutoff', 'pending_email', 'email_link', 'known_device', 'page_text', 'store', 'user_store'] LOOP
			EXECUTE pg_catalog.format('CREATE TRIGGER djust_audit_%s %s %s ON djust_auth.%I %s'
				' FOR EACH STATEMENT EXECUTE FUNCTION djust_auth.audit_change()',
				operation.name, operation.timing, operation.name, relation, operation.tables);
			EXECUTE pg_catalog.format('COMMENT ON TRIGGER djust_audit_%s ON djust_auth.%I IS %L',
				operation.name, relation, pg_catalog.format('Events administration: %s.', operation.comment));
		END LOOP;
	END LOOP;
END $$;

-- sessions that somebody opens for a user

-- The new open_session() has the grants of the old one.  Its initial privileges are the owner's alone: otherwise pg_dump would
-- not dump these grants.
DO $do$
DECLARE
	acl CONSTANT pg_catalog.aclitem[] := (SELECT p.proacl FROM pg_catalog.pg_proc p
		WHERE p.oid OPERATOR(pg_catalog.=) 'djust_auth.open_session(uuid)'::pg_catalog.regprocedure);
	initial pg_catalog.aclitem[];
	new_one oid;
	grantee record;
BEGIN
	DROP FUNCTION djust_auth.open_session(uuid);
	CREATE FUNCTION djust_auth.open_session(user_id uuid, reason text DEFAULT NULL) RETURNS json
		LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
		AS 'MODULE_PATHNAME', 'djust_auth_open_session';
	new_one := 'djust_auth.open_session(uuid, text)'::pg_catalog.regprocedure;
	FOR grantee IN
		SELECT DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS name
		FROM pg_catalog.pg_proc p
		CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
		WHERE p.oid OPERATOR(pg_catalog.=) new_one AND a.grantee OPERATOR(pg_catalog.<>) p.proowner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION djust_auth.open_session(uuid, text) FROM %s CASCADE', grantee.name);
	END LOOP;
	SELECT p.proacl INTO initial FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.=) new_one;
	FOR grantee IN
		SELECT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS name,
			pg_catalog.bool_or(a.is_grantable) AS grantable
		FROM pg_catalog.aclexplode(acl) a
		JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) new_one
		WHERE a.grantee OPERATOR(pg_catalog.<>) p.proowner
		GROUP BY 1
	LOOP
		EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION djust_auth.open_session(uuid, text) TO %s %s', grantee.name,
			CASE WHEN grantee.grantable THEN 'WITH GRANT OPTION' END);
	END LOOP;
	UPDATE pg_catalog.pg_init_privs i SET initprivs = initial
	WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.objoid OPERATOR(pg_catalog.=) new_one;
	-- since PostgreSQL 17: roles in initial privileges
	DELETE FROM pg_catalog.pg_shdepend d
	WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid OPERATOR(pg_catalog.=) new_one
		AND d.deptype OPERATOR(pg_catalog.=) 'i'
		AND d.dbid OPERATOR(pg_catalog.=) (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database());
END $do$;

CREATE OR REPLACE VIEW djust_auth.active_session AS
	SELECT s.sid, s.user_id, u.email, s.created_at, s.refreshed_at, s.expires_at, s.client_address, s.user_agent, s.profiles,
		CASE WHEN pg_catalog.length(s.access_hash) OPERATOR(pg_catalog.>) 32
			THEN pg_catalog.convert_from(pg_catalog.substr(s.access_hash, 33), pg_catalog.getdatabaseencoding()) END AS actor
	FROM djust_auth.session s
	JOIN djust_auth.customer_user u ON u.id OPERATOR(pg_catalog.=) s.user_id
	WHERE s.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()
		AND s.created_at OPERATOR(pg_catalog.>=) coalesce((SELECT c.created_before FROM djust_auth.session_cutoff c), '-infinity')
		-- excludes the original's sessions in a copied database; evaluated once per query
		AND NOT EXISTS (SELECT FROM djust_auth.key_file k WHERE k.database OPERATOR(pg_catalog.<>)
			(SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()));

COMMENT ON FUNCTION djust_auth.open_session(uuid, text) IS
	'Opens a session without a password, for single sign-on or support: tokens object. Tokens, introspection, lists and audit tell in act who called; the reason is kept in the audit. P0002 for an unknown user, 55000 for a disabled one.';
COMMENT ON COLUMN djust_auth.session.access_hash IS
	'SHA-256 of the newest access token: a token that hashes to it needs no signature check. The token cannot be made from it. In a session of open_session() the role that opened it follows.';
COMMENT ON COLUMN djust_auth.active_session.actor IS 'The role that opened the session for its user; NULL if the user did.';

-- monitoring

CREATE FUNCTION djust_auth.stat_here(OUT name text, OUT kind text, OUT value double precision, OUT description text, OUT since timestamptz)
	RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_stat_here';

CREATE VIEW djust_auth.stat AS
	SELECT h.name, h.kind, h.value, h.description, h.since
	FROM djust_auth.stat_here() h
	UNION ALL
	SELECT g.name, 'gauge', g.value, g.description, NULL
	FROM (
		SELECT pg_catalog.count(*)::double precision AS waiting,
			(SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.min(d.next_attempt_at))
				FROM djust_auth.mail_queue d
				WHERE d.done_at IS NULL AND d.next_attempt_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()
					AND d.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()) AS due
		FROM djust_auth.mail_queue m
		WHERE m.done_at IS NULL) mail
	CROSS JOIN (
		SELECT pg_catalog.count(*) FILTER (WHERE l.failures OPERATOR(pg_catalog.<) 100 AND l.allowed_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp())::double precision AS locked,
			pg_catalog.count(*) FILTER (WHERE l.failures OPERATOR(pg_catalog.>=) 100)::double precision AS suspended
		FROM djust_auth.throttle_lock l) lock
	CROSS JOIN LATERAL (VALUES
		('mails_waiting', mail.waiting, 'Mails that wait to be sent.'),
		('mail_oldest_due_seconds', coalesce(mail.due, 0), 'Seconds for which the oldest mail has been due; 0 if none is.'),
		('accounts_locked', lock.locked, 'Accounts that must wait after failures, as the worker has saved them.'),
		('accounts_suspended', lock.suspended, 'Accounts whose password is suspended after 100 failures.'),
		('sessions_live', (SELECT pg_catalog.count(*)::double precision FROM djust_auth.session s
			WHERE s.expires_at OPERATOR(pg_catalog.>) pg_catalog.clock_timestamp()
				AND s.created_at OPERATOR(pg_catalog.>=) coalesce((SELECT c.created_before FROM djust_auth.session_cutoff c), '-infinity')),
			'Sessions that have neither expired nor been ended by end_all_sessions().'),
		('signing_key_age_seconds', (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) k.created_at)
			FROM djust_auth.signing_key k WHERE k.verify_until IS NULL), 'Age of the key that signs tokens; NULL before the first token.'),
		('replay_lag_seconds', CASE
			WHEN pg_catalog.pg_is_in_recovery()
				AND pg_catalog.pg_last_wal_receive_lsn() IS DISTINCT FROM pg_catalog.pg_last_wal_replay_lsn()
			THEN greatest(0, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)
				coalesce(pg_catalog.pg_last_xact_replay_timestamp(), pg_catalog.pg_postmaster_start_time())))
			ELSE 0 END, 'On a standby that has not replayed all it received: seconds since the last transaction it replayed, or since its start. Else 0.'),
		('follower_lag_seconds', CASE WHEN pg_catalog.current_setting('djust_auth.follower', true)::boolean
			THEN (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) h.at) FROM djust_auth.heartbeat h)
			ELSE 0 END, 'On a follower: seconds since the last heartbeat that it received, NULL before the first. Else 0.')
	) g(name, value, description);

CREATE FUNCTION djust_auth.check() RETURNS TABLE (severity text, finding text, hint text)
	LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 10 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$
	WITH s AS MATERIALIZED (SELECT name, value FROM djust_auth.stat),
	served AS (
		SELECT pg_catalog.current_database()::text = ANY (ARRAY(
			SELECT pg_catalog.btrim(d, ' "') FROM pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.current_setting('djust_auth.databases', true), ',')) d)) AS yes),
	member AS (
		SELECT d.classid, d.objid
		FROM pg_catalog.pg_depend d
		JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'djust_auth'
		WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'),
	relation AS (
		SELECT c.oid, c.relname, c.relrowsecurity, c.relacl
		FROM pg_catalog.pg_class c
		JOIN member m ON m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid)
	SELECT f.severity, f.finding, f.hint
	FROM (
		SELECT 1, 'error', 'the key file is not the one that this database was used with',
			'Put the right file back, or call djust_auth.accept_key_file(); all sessions and links end.'
		FROM s WHERE s.name = 'key_file_matches' AND s.value = 0
		UNION ALL
		SELECT 1, 'error', 'the background worker of this database does not run',
			'See the server log; the role djust_auth.worker_role must exist and may log in.'
		FROM s, served WHERE s.name = 'worker_alive' AND s.value = 0 AND served.yes AND NOT pg_catalog.pg_is_in_recovery()
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('the background worker has written nothing for %s seconds', pg_catalog.round(s.value)),
			'See the server log for what stops it, such as a lock or a trigger.'
		FROM s WHERE s.name = 'worker_last_write_seconds' AND s.value > 180 AND NOT pg_catalog.pg_is_in_recovery()
		UNION ALL
		SELECT 2, 'warning', 'no background worker serves this database',
			'Add its name to djust_auth.databases and restart the server: events of refused logins are lost, mails wait, nothing is purged.'
		FROM served WHERE NOT served.yes
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('trigger %I of table djust_auth.%I is not enabled as the extension enabled it', t.tgname, r.relname),
			pg_catalog.format('ALTER TABLE djust_auth.%I ENABLE %sTRIGGER %I;', r.relname, CASE made.enabled WHEN 'A' THEN 'ALWAYS ' WHEN 'R' THEN 'REPLICA ' END, t.tgname)
		FROM relation r
		JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid
		CROSS JOIN LATERAL (SELECT CASE
			WHEN t.tgname LIKE 'djust\_%\_replica' THEN 'R'
			WHEN t.tgname IN ('djust_policy_changed', 'djust_policy_truncated', 'djust_truncated', 'djust_keep_ended', 'djust_purge_at')
				OR (t.tgname = 'djust_normalise' AND r.relname = 'password_blocklist') THEN 'A'
			ELSE 'O' END AS enabled) made
		WHERE t.tgenabled = 'D' OR (t.tgenabled <> made.enabled AND t.tgname LIKE 'djust\_%')
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('table djust_auth.%I has row security', r.relname),
			'Row security that hides rows from the owner hides users and sessions from djust_auth, too.'
		FROM relation r WHERE r.relrowsecurity
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('everybody has %s on djust_auth.%I', a.privilege_type, r.relname),
			pg_catalog.format('REVOKE ALL ON djust_auth.%I FROM PUBLIC;', r.relname)
		FROM relation r CROSS JOIN LATERAL pg_catalog.aclexplode(r.relacl) a WHERE a.grantee = 0
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('everybody may call %s', p.oid::pg_catalog.regprocedure),
			pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC;', p.oid::pg_catalog.regprocedure)
		FROM pg_catalog.pg_proc p
		JOIN member m ON m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = p.oid
		CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
		WHERE a.grantee = 0
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('a mail has been due for %s seconds', pg_catalog.round(s.value)),
			'SELECT last_error FROM djust_auth.mail_queue WHERE done_at IS NULL; tells why.'
		FROM s WHERE s.name = 'mail_oldest_due_seconds' AND s.value > 300
		UNION ALL
		SELECT 2, 'warning', 'no mail is sent: djust_auth.smtp_url or djust_auth.mail_from is empty',
			'Set both, or run a mailer of your own.'
		WHERE pg_catalog.current_setting('djust_auth.smtp_url', true) = '' OR pg_catalog.current_setting('djust_auth.mail_from', true) = ''
		UNION ALL
		SELECT 2, 'warning', 'djust_auth.reset_url is the example of the documentation',
			'Set it to the page of your shop that takes reset links.'
		WHERE pg_catalog.current_setting('djust_auth.reset_url', true) LIKE 'https://shop.example/%'
		UNION ALL
		SELECT 2, 'warning', 'djust_auth.confirm_url is the example of the documentation',
			'Set it to the page of your shop that takes links of sign-ups and changes of address.'
		WHERE pg_catalog.current_setting('djust_auth.confirm_url', true) LIKE 'https://shop.example/%'
		UNION ALL
		SELECT 2, 'warning', coalesce('a mail template has no {link}: ' || t.keys, 'constraint mail_template_link_valid of djust_auth.mail_template is not validated'),
			'Write {link} into its body_text and body_html, then ALTER TABLE djust_auth.mail_template VALIDATE CONSTRAINT mail_template_link_valid; a dump cannot restore the templates until then.'
		FROM (SELECT pg_catalog.string_agg((t.kind, t.locale, t.store)::text, ', ' ORDER BY t.kind, t.locale, t.store) AS keys
			FROM djust_auth.mail_template t
			WHERE t.kind IN ('reset', 'invitation', 'sign_up', 'email_change', 'email_changed')
				AND (pg_catalog.strpos(t.body_text, '{link}') = 0 OR pg_catalog.strpos(t.body_html, '{link}') = 0)) t
		WHERE t.keys IS NOT NULL OR EXISTS (SELECT FROM pg_catalog.pg_constraint c
			WHERE c.conrelid = 'djust_auth.mail_template'::pg_catalog.regclass AND c.conname = 'mail_template_link_valid' AND NOT c.convalidated)
		UNION ALL
		SELECT 2, 'warning', 'templates of store views that do not exist: ' || pg_catalog.string_agg(DISTINCT t.store, ', '),
			'No mail has their text: add the store view to djust_auth.store, or change or delete these rows of djust_auth.mail_template.'
		FROM djust_auth.mail_template t
		WHERE t.store <> '' AND NOT EXISTS (SELECT FROM djust_auth.store v WHERE v.name = t.store)
		HAVING pg_catalog.count(*) > 0
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('%s events and locks wait for the worker', s.value),
			'Half of the queue is full: beyond that refused attempts are lost to the audit. See the server log.'
		FROM s WHERE s.name = 'events_waiting' AND s.value > 8192
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('%s audit events were lost', s.value),
			'They found no place in the queue, or a constraint or trigger of yours refused them.'
		FROM s WHERE s.name = 'audit_lost' AND s.value > 0
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('%s callers found no hash slot in time', s.value),
			'Raise djust_auth.max_concurrent_hashes on a machine with more processors, or let the proxy limit logins.'
		FROM s WHERE s.name = 'hash_timeouts' AND s.value > 0
		UNION ALL
		SELECT 3, 'info', pg_catalog.format('the signing key is %s days old', pg_catalog.floor(s.value / 86400)),
			'SELECT djust_auth.rotate_signing_key(); keeps live tokens valid.'
		FROM s WHERE s.name = 'signing_key_age_seconds' AND s.value > 90 * 86400
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('anonymous callers may write %s', r.route),
			'UPDATE or delete this row of djust_auth.profile_right if that is not meant.'
		FROM djust_auth.profile_right r WHERE r.profile = 'anonymous' AND r.access = 'write' AND r.route LIKE '%**'
		UNION ALL
		SELECT 3, 'info', 'no profile has any right', 'Call djust_auth.set_right(); without rights djust_can() is false for everybody.'
		WHERE NOT EXISTS (SELECT FROM djust_auth.profile_right)
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('%s is off', setting), 'A crash of the machine may lose what was committed, and bring ended sessions back.'
		FROM pg_catalog.unnest(ARRAY['fsync', 'full_page_writes']) setting WHERE pg_catalog.current_setting(setting) = 'off'
		UNION ALL
		SELECT 2, 'warning', 'passwords may cross the network in clear: ssl is off, and the server listens beyond this machine',
			'Set ssl = on, and hostssl in pg_hba.conf.'
		WHERE pg_catalog.current_setting('ssl') = 'off'
			AND pg_catalog.current_setting('listen_addresses') NOT IN ('', 'localhost', '127.0.0.1', '::1', 'localhost,127.0.0.1', '127.0.0.1,::1')
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('the schema is of version %s, the library of version %s', e.extversion, a.default_version),
			CASE WHEN pg_catalog.string_to_array(e.extversion, '.')::integer[] > pg_catalog.string_to_array(a.default_version, '.')::integer[]
			THEN 'Install the library of the schema, or a newer one, and restart the server.' ELSE 'ALTER EXTENSION djust_auth UPDATE;' END
		FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname
		WHERE e.extname = 'djust_auth' AND a.default_version <> e.extversion
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('this standby is %s seconds behind', pg_catalog.round(s.value)),
			'Revoked sessions and rights live on here for that long.'
		FROM s WHERE s.name = 'replay_lag_seconds' AND s.value > 10
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('this standby refuses all checks: the last transaction it replayed is %s seconds old',
				coalesce(pg_catalog.round(replayed.ago)::text, 'unknown')),
			'djust_auth.max_replica_lag allows less, or the clocks differ. See whether the primary runs, with a worker, and whether this server is connected to it.'
		FROM (SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) AS ago) replayed
		WHERE pg_catalog.pg_is_in_recovery() AND pg_catalog.current_setting('djust_auth.max_replica_lag', true)::interval > '0'
			AND coalesce(replayed.ago < -2 OR replayed.ago > pg_catalog.date_part('epoch', pg_catalog.current_setting('djust_auth.max_replica_lag', true)::interval), true)
		UNION ALL
		SELECT 1, 'error', 'no worker runs, so standbys refuse all checks while nothing is written',
			'djust_auth.max_replica_lag needs a worker on the primary: name a database in djust_auth.databases, and restart the server.'
		WHERE NOT pg_catalog.pg_is_in_recovery() AND pg_catalog.current_setting('djust_auth.max_replica_lag', true)::interval > '0'
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE backend_type LIKE 'djust_auth worker %')
		UNION ALL
		SELECT 1, 'error', CASE WHEN lag.allowed > '0' AND coalesce(heard.ago < -2 OR heard.ago > pg_catalog.date_part('epoch', lag.allowed), true)
				THEN 'this follower refuses all checks' ELSE 'this follower hears nothing' END
			|| pg_catalog.format(': the last heartbeat it received is %s seconds old', coalesce(pg_catalog.round(heard.ago)::text, 'unknown')),
			'See pg_stat_subscription and the server log. The shard that is followed needs a worker, and djust_auth.max_replica_lag there and here.'
		FROM (SELECT (SELECT value FROM s WHERE s.name = 'follower_lag_seconds') AS ago) heard,
			(SELECT pg_catalog.current_setting('djust_auth.max_replica_lag', true)::interval AS allowed) lag
		WHERE pg_catalog.current_setting('djust_auth.follower', true)::boolean
			AND (coalesce(heard.ago < -2 OR heard.ago > 60, true) OR (lag.allowed > '0' AND heard.ago > pg_catalog.date_part('epoch', lag.allowed)))
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('table djust_auth.%I does not come from the shard that this one follows', t.name),
			'All of them need one subscription, with its first copies complete: see pg_subscription_rel and the server log. After a change of the publication, ALTER SUBSCRIPTION ... REFRESH PUBLICATION.'
		FROM pg_catalog.unnest(ARRAY['profile', 'profile_right', 'signing_key', 'mail_template', 'password_blocklist', 'heartbeat', 'store', 'page_text']) t(name)
		WHERE pg_catalog.current_setting('djust_auth.follower', true)::boolean
			AND (SELECT pg_catalog.count(*) FILTER (WHERE r.srsubstate = 'r' AND r.srsubid =
					(SELECT pg_catalog.min(h.srsubid) FROM pg_catalog.pg_subscription_rel h WHERE h.srrelid = 'djust_auth.heartbeat'::pg_catalog.regclass))
				FROM pg_catalog.pg_subscription_rel r WHERE r.srrelid = ('djust_auth.' || t.name)::pg_catalog.regclass) <> 1
		UNION ALL
		SELECT 2, 'warning', pg_catalog.format('%s customers have a profile that does not exist', pg_catalog.count(DISTINCT u.user_id)),
			'DELETE FROM djust_auth.user_profile u WHERE NOT EXISTS (SELECT FROM djust_auth.profile p WHERE p.name = u.profile); or one of that name, made later, is theirs.'
		FROM djust_auth.user_profile u
		WHERE pg_catalog.current_setting('djust_auth.follower', true)::boolean
			AND NOT EXISTS (SELECT FROM djust_auth.profile p WHERE p.name = u.profile)
		HAVING pg_catalog.count(*) > 0
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('%s customers left for another shard more than 5 minutes ago and have not arrived', pg_catalog.count(*)),
			'Call djust_auth.finish_moves() on the router; see djust_auth.leaving_user.'
		FROM djust_auth.leaving_user l WHERE l.left_at < pg_catalog.clock_timestamp() - interval '5 minutes'
		HAVING pg_catalog.count(*) > 0
		UNION ALL
		SELECT 1, 'error', pg_catalog.format('publication %I keeps changes of djust_auth.%I from followers', p.pubname, c.relname),
			'It must publish every operation, all rows and all columns: a right that is taken away must arrive.'
		FROM pg_catalog.pg_publication p
		JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
		JOIN relation c ON c.oid = r.prrelid
		WHERE (NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate) OR r.prqual IS NOT NULL OR r.prattrs IS NOT NULL)
			AND EXISTS (SELECT FROM pg_catalog.pg_publication_rel h WHERE h.prpubid = p.oid AND h.prrelid = 'djust_auth.heartbeat'::pg_catalog.regclass)
		UNION ALL
		SELECT 2, 'warning', 'this follower answers however old its rights are: djust_auth.max_replica_lag is 0',
			'Set it, such as 30s, on all shards: a right that was taken away elsewhere may never arrive here.'
		WHERE pg_catalog.current_setting('djust_auth.follower', true)::boolean
			AND pg_catalog.current_setting('djust_auth.max_replica_lag', true)::interval = '0'
	) f(rank, severity, finding, hint)
	ORDER BY f.rank, f.finding
	$$;

COMMENT ON FUNCTION djust_auth.stat_here() IS
	'The rows of the view stat that come from shared memory and the key file.';
COMMENT ON VIEW djust_auth.stat IS
	'Counters since the server started and gauges of now, of this database, one a row; hashes_running and hashes_waiting are of the whole server.';
COMMENT ON COLUMN djust_auth.stat.name IS 'Name, as in stats().';
COMMENT ON COLUMN djust_auth.stat.kind IS 'counter: only grows, until the server restarts; or gauge.';
COMMENT ON COLUMN djust_auth.stat.value IS 'The value; seconds where the name says so.';
COMMENT ON COLUMN djust_auth.stat.description IS 'What it counts.';
COMMENT ON COLUMN djust_auth.stat.since IS 'When a counter was 0; NULL for gauges.';
COMMENT ON FUNCTION djust_auth.check() IS
	'What an experienced colleague would see at a glance, the worst first: severity is error, warning or info. No row: all is well.';

-- the metadata of the authorization server

CREATE FUNCTION @extschema@.djust_metadata() RETURNS json
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'djust_metadata';

-- access and erasure

CREATE FUNCTION djust_auth.export_user(user_id uuid) RETURNS json
	LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'djust_auth_export_user';

COMMENT ON FUNCTION djust_auth.export_user(uuid) IS
	'All that is kept about a user, without secrets: user, profiles, sessions, links, mails, lock, audit. Is audited. P0002 for an unknown user.';

-- ANALYZE would copy personal data and hashes into pg_statistic, where they would outlive the user
DO $$
DECLARE
	kept record;
BEGIN
	FOR kept IN
		SELECT a.attrelid, a.attnum, pg_catalog.format('ALTER TABLE djust_auth.%I ALTER COLUMN %I SET STATISTICS 0', c.relname, a.attname) AS statement
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
		WHERE c.relnamespace OPERATOR(pg_catalog.=) 'djust_auth'::pg_catalog.regnamespace AND c.relkind OPERATOR(pg_catalog.=) 'r'
			AND a.attname OPERATOR(pg_catalog.=) ANY ('{email,password_hash,client_address,user_agent,detail,last_error}'::pg_catalog.name[])
	LOOP
		EXECUTE kept.statement;
		DELETE FROM pg_catalog.pg_statistic s
		WHERE s.starelid OPERATOR(pg_catalog.=) kept.attrelid AND s.staattnum OPERATOR(pg_catalog.=) kept.attnum;
	END LOOP;
END $$;

-- PostgREST's OpenAPI takes the first line of a comment for the title, the rest for the description

COMMENT ON FUNCTION @extschema@.djust_login(text, text) IS
	'Log in with an email address and a password

AUTH-100. Checks the password and opens a session: tokens object (RFC 6749 section 5.1), or error object invalid_grant, too_many_attempts, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_token(text, text, text, text, text, text, text) IS
	'OAuth2 token endpoint

RFC 6749 sections 4.3 and 6: grant_type password or refresh_token. Tokens object, or an error object of djust_login or djust_refresh, or invalid_request, unsupported_grant_type. scope, client_id and client_secret are accepted and not checked. 22004 for NULL as grant_type, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_refresh(text) IS
	'Renew the tokens of a session

AUTH-102. Rotates a refresh token (RFC 6749 section 6): tokens object, or error object invalid_grant. The same token again within djust_auth.refresh_reuse_grace gets the same successor; later it ends the session. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_logout(text, text, text, text) IS
	'Log out

AUTH-103. Ends the session of an access or refresh token (RFC 7009): true if a live session ended, false for any other token. The other arguments are accepted and not checked. 22004 for NULL as token, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_can(text, text, text) IS
	'Ask whether a token gives a right

AUTH-101. True if the bearer of this access token (NULL: anonymous) now has this access to this route. access is read, write or an HTTP method. False for a dead token or an unsafe path. 22023 for any other access, 22004 for NULL as route or access.';
COMMENT ON FUNCTION @extschema@.djust_reset_request(text) IS
	'Ask for a password reset by mail

PWD-101. Queues a reset mail; works and answers the same for known and unknown addresses; per address at most one mail a minute and five an hour. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_reset_confirm(text, text) IS
	'Set a new password by a reset link

PWD-102. Sets a new password by the secret of a reset link and ends all sessions: {"status":"password_updated"}, or error object weak_password (the link stays good), invalid_grant, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_reset_page(text, text) IS
	'The page behind a reset link

For PostgREST (GET, and POST of its form): without a password it shows the form and does not check the token; with one it works like djust_reset_confirm and shows the result. 22004 for NULL as token, 25006 for a password in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_introspect(text, text, text, text) IS
	'Introspect a token

TOK-200. RFC 7662 section 2.2: {"active":false}, or active, sub, username, sid, iat, exp, iss, token_type, profiles, and act for a session of djust_auth.open_session(). A refresh token is active only with token_type_hint refresh_token. client_id and client_secret are not checked. 22004 for NULL as token.';
COMMENT ON FUNCTION @extschema@.djust_change_password(text, text, text) IS
	'Change the password

Sets a new password for the bearer, who gives the current one, and ends all other sessions: {"status":"password_updated"}, or error object invalid_grant, weak_password, too_many_attempts, temporarily_unavailable. 22004 for NULL, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_sessions(text) IS
	'List the sessions of the bearer

JSON array of sid, created_at, refreshed_at, expires_at, client_address, user_agent, current, and act for one of djust_auth.open_session(); empty for a dead token. 22004 for NULL.';
COMMENT ON FUNCTION @extschema@.djust_end_session(text, uuid) IS
	'End a session, or all the others

Ends that session of the bearer, or with NULL all the others; returns how many ended, 0 for a dead token. 22004 for NULL as access_token, 25006 in a read-only transaction.';
COMMENT ON FUNCTION @extschema@.djust_jwks() IS
	'Public keys that verify access tokens

JWK set (RFC 7517 section 5) of the currently valid public keys, without HS256 keys.';
COMMENT ON FUNCTION @extschema@.djust_metadata() IS
	'Metadata of the authorization server

RFC 8414: issuer, endpoints and what they support, from djust_auth.issuer and djust_auth.api_url. 55000 unless the issuer is an https URL.';
COMMENT ON FUNCTION @extschema@.djust_request_user() IS
	'Helper of row level security: the user of this request

The user behind the bearer token in request.headers, as PostgREST or a backend sets it, verified now; NULL for none or a dead one.';
COMMENT ON FUNCTION @extschema@.djust_request_can(text, text) IS
	'Helper of row level security: a right of this request

djust_can for the bearer token in request.headers, as PostgREST or a backend sets it; without one, anonymous. 22023 unless access is read, write or an HTTP method, 22004 for NULL.';
COMMENT ON FUNCTION @extschema@.djust_pre_request() IS
	'Helper of PostgREST: checks a request before it runs

For db-pre-request: refuses a dead bearer token with 401, except at login, refresh, reset, sign-up, the links of mails and the metadata; a token in the URL of djust_can, djust_introspect or djust_sessions with 405; and with djust_auth.enforce_routes requests that the profiles do not allow with 403, or 401 if anonymous (RFC 6750 section 3).';

-- privileges: as at the end of 1.0, for what is new; grants on older objects stay

DO $$
DECLARE
	statement text;
	routines CONSTANT oid[] := ARRAY['@extschema@.djust_metadata()', 'djust_auth.export_user(uuid)', 'djust_auth.check_hash(text)', 'djust_auth.token_shard(text)', 'djust_auth.normal_email(text)',
		'djust_auth.email_shard(text, integer)', 'djust_auth.move_state(uuid)', 'djust_auth.move_accepts(text)',
		'djust_auth.move_out(uuid, text, integer)', 'djust_auth.move_offer(uuid)', 'djust_auth.move_in(uuid, bytea)', 'djust_auth.move_done(uuid, uuid)',
		'djust_auth.move_back(uuid, uuid)', 'djust_auth.move_refuse(uuid)', 'djust_auth.move_redirect(uuid, uuid, text, integer)', 'djust_auth.move_by_link(text, integer)',
		'djust_auth.link_target(text)', 'djust_auth.link_followed(boolean, boolean)', 'djust_auth.moves()', 'djust_auth.worker_heartbeat()', 'djust_auth.profile_changed()',
		'djust_auth.store_is_valid(text, text, text)', 'djust_auth.mail_sender(bigint)', 'djust_auth.store_changed()',
		'djust_auth.refuse_on_follower()', 'djust_auth.end_all_sessions(timestamptz)', 'djust_auth.stat_here()', 'djust_auth.check()',
		'@extschema@.djust_sign_up(text, text, text)', '@extschema@.djust_confirm_email(text)', '@extschema@.djust_change_email(text, text, text)',
		'@extschema@.djust_revert_email(text)', '@extschema@.djust_sign_up_page(text, text)', '@extschema@.djust_confirm_page(text, text)', 'djust_auth.invite_user(text, text[], text)']::pg_catalog.regprocedure[];
	relations CONSTANT oid[] := ARRAY['djust_auth.leaving_user', 'djust_auth.decided_move', 'djust_auth.heartbeat', 'djust_auth.session_cutoff', 'djust_auth.stat',
		'djust_auth.pending_email', 'djust_auth.email_link', 'djust_auth.known_device', 'djust_auth.page_text', 'djust_auth.store', 'djust_auth.user_store']::pg_catalog.regclass[];
BEGIN
	FOR statement IN
		WITH object AS (
			SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass AS class, p.oid, 'ROUTINE' AS kind, p.proowner AS owner,
				coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl
			FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.=) ANY (routines)
			UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 'TABLE', c.relowner, coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))
			FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) ANY (relations)
			UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 'TYPE', t.typowner, coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
			FROM pg_catalog.pg_type t WHERE t.typrelid OPERATOR(pg_catalog.=) ANY (relations))
		SELECT pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, (pg_catalog.pg_identify_object(o.class, o.oid, 0)).identity,
			pg_catalog.string_agg(DISTINCT CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC'
				ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, ', '))
		FROM object o
		CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
		WHERE a.grantee OPERATOR(pg_catalog.<>) o.owner
		GROUP BY o.class, o.oid, o.kind
	LOOP
		EXECUTE statement;
	END LOOP;

	-- not of row types: pg_dump does not dump their privileges, and warns of each such entry
	DELETE FROM pg_catalog.pg_init_privs i USING pg_catalog.pg_type t
	WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid OPERATOR(pg_catalog.=) i.objoid
		AND t.typrelid OPERATOR(pg_catalog.=) ANY (relations);
END $$;

-- The schema's initial privileges (pg_init_privs) stay those of 1.0 and this one: GRANT would take grants of administrators for
-- initial ones, and pg_dump would not dump them.
DO $$
DECLARE
	initial pg_catalog.aclitem[];
	monitor CONSTANT oid := 'pg_monitor'::pg_catalog.regrole;
BEGIN
	SELECT i.initprivs INTO initial FROM pg_catalog.pg_init_privs i
	WHERE i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
		AND i.objoid OPERATOR(pg_catalog.=) 'djust_auth'::pg_catalog.regnamespace;
	GRANT USAGE ON SCHEMA djust_auth TO pg_monitor;
	UPDATE pg_catalog.pg_init_privs i
	SET initprivs = coalesce(initial, pg_catalog.acldefault('n', n.nspowner))
		OPERATOR(pg_catalog.||) pg_catalog.makeaclitem(monitor, n.nspowner, 'USAGE', false)
	FROM pg_catalog.pg_namespace n
	WHERE n.nspname OPERATOR(pg_catalog.=) 'djust_auth' AND i.objoid OPERATOR(pg_catalog.=) n.oid
		AND i.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass;
END $$;
GRANT SELECT ON djust_auth.stat TO pg_monitor;
GRANT EXECUTE ON FUNCTION djust_auth.stat_here(), djust_auth.check() TO pg_monitor;
