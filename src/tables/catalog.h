/*
 * catalog.h
 *		Typed reads of the extension's tables.
 *
 * All reads use the latest snapshot: they see what is committed now and the
 * caller's own writes, even in an older REPEATABLE READ transaction. Privileges
 * are not checked: EXECUTE on the calling function is the gate.
 */
#ifndef DJUST_CATALOG_H
#define DJUST_CATALOG_H

#include "access/htup.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/relcache.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "crypto/account_tag.h"
#include "crypto/crypto.h"
#include "pwhash/pwhash.h"

typedef enum CatalogTable
{
	TABLE_CUSTOMER_USER,
	TABLE_PROFILE,
	TABLE_USER_PROFILE,
	TABLE_PROFILE_RIGHT,
	TABLE_SESSION,
	TABLE_SESSION_ENDED,
	TABLE_RESET_TOKEN,
	TABLE_MAIL_TEMPLATE,
	TABLE_SIGNING_KEY,
	TABLE_PASSWORD_BLOCKLIST,
	TABLE_POLICY_EPOCH,
	TABLE_MAIL_QUEUE,
	TABLE_THROTTLE_LOCK,
	TABLE_AUDIT_EVENT,
	TABLE_AUDIT_CHAIN,
	TABLE_AUDIT_SEAL,
	TABLE_KEY_FILE,
	TABLE_HEARTBEAT, /* since 1.1, as all that follow */
	TABLE_LEAVING_USER,
	TABLE_DECIDED_MOVE,
	TABLE_SESSION_CUTOFF,
	TABLE_PENDING_EMAIL,
	TABLE_EMAIL_LINK,
	TABLE_KNOWN_DEVICE,
	TABLE_PAGE_TEXT,
	TABLE_STORE,
	TABLE_USER_STORE,
	CATALOG_TABLES
} CatalogTable;

/* Attribute numbers, table by table; a test compares them with pg_attribute. */
enum
{
	Anum_customer_user_id = 1,
	Anum_customer_user_email,
	Anum_customer_user_password_hash,
	Anum_customer_user_disabled_at,
	Anum_customer_user_created_at,
	Anum_customer_user_hash_replaced_at,
	Anum_customer_user_locale,
	Natts_customer_user = Anum_customer_user_locale,

	Anum_session_sid = 1,
	Anum_session_user_id,
	Anum_session_created_at,
	Anum_session_refreshed_at,
	Anum_session_expires_at,
	Anum_session_access_expires_at,
	Anum_session_generation,
	Anum_session_access_hash,
	Anum_session_profiles,
	Anum_session_client_address,
	Anum_session_user_agent,
	Anum_session_purge_at,
	Natts_session = Anum_session_purge_at,

	Anum_session_ended_sid = 1,
	Anum_session_ended_ended_at,

	Anum_profile_name = 1,

	Anum_user_profile_user_id = 1,
	Anum_user_profile_profile,
	Natts_user_profile = Anum_user_profile_profile,

	Anum_profile_right_profile = 1,
	Anum_profile_right_route,
	Anum_profile_right_access,
	Natts_profile_right = Anum_profile_right_access,

	Anum_reset_token_token_hash = 1,
	Anum_reset_token_user_id,
	Anum_reset_token_created_at,
	Anum_reset_token_expires_at,
	Natts_reset_token = Anum_reset_token_expires_at,

	Anum_mail_template_kind = 1,
	Anum_mail_template_locale,
	Anum_mail_template_subject,
	Anum_mail_template_body_text,
	Anum_mail_template_body_html,
	Natts_mail_template = Anum_mail_template_body_html,

	Anum_password_blocklist_password = 1,

	Anum_throttle_lock_tag = 1,
	Anum_throttle_lock_failures,
	Anum_throttle_lock_allowed_at,
	Anum_throttle_lock_saved_at,
	Anum_throttle_lock_user_id,
	Natts_throttle_lock = Anum_throttle_lock_user_id,

	Anum_audit_event_id = 1,
	Anum_audit_event_at,
	Anum_audit_event_event,
	Anum_audit_event_user_id,
	Anum_audit_event_sid,
	Anum_audit_event_actor,
	Anum_audit_event_client_address,
	Anum_audit_event_detail,
	Natts_audit_event = Anum_audit_event_detail,

	Anum_signing_key_kid = 1,
	Anum_signing_key_algorithm,
	Anum_signing_key_private_key,
	Anum_signing_key_public_key,
	Anum_signing_key_created_at,
	Anum_signing_key_verify_until,
	Anum_signing_key_longest_token,
	Natts_signing_key = Anum_signing_key_longest_token,

	Anum_key_file_one = 1,
	Anum_key_file_check_value,
	Anum_key_file_database,
	Natts_key_file = Anum_key_file_database,

	Anum_heartbeat_one = 1,
	Anum_heartbeat_at,

	Anum_page_text_key = 1,
	Anum_page_text_locale,
	Anum_page_text_text,

	Anum_store_name = 1,

	Anum_session_cutoff_one = 1,
	Anum_session_cutoff_created_before,
	Anum_session_cutoff_purged
};

typedef struct UserRow
{
	pg_uuid_t id;
	char *email;
	char *locale; /* NULL if none */
	bool disabled;
	bool has_hash;
	char hash[PWHASH_MAX + 1];
} UserRow;

typedef struct SessionRow
{
	ItemPointerData tid; /* where this version of the row is */
	pg_uuid_t sid;
	pg_uuid_t user_id;
	TimestampTz created_at;
	TimestampTz refreshed_at;
	TimestampTz expires_at;
	TimestampTz access_expires_at;
	TimestampTz purge_at;
	int32 generation;
	uint8_t access_hash[SHA256_SIZE];
	const char *actor; /* the role that opened it to act for its user; NULL: the user did */
	ArrayType *profiles;
} SessionRow;

/* A session as its user sees it. */
typedef struct SessionEntry
{
	SessionRow session;
	char *client_address; /* text, NULL if unknown */
	char *user_agent;
} SessionEntry;

typedef struct KeyRow
{
	char *kid;
	char *algorithm;
	bytea *private_key; /* sealed */
	bytea *public_key; /* empty for HS256 */
	bool active;
	TimestampTz created_at;
	TimestampTz verify_until; /* of a retired key */
	int32 longest_token; /* s */
} KeyRow;

/* The row of key_file. */
typedef struct KnownKeyFile
{
	uint8_t check_value[SHA256_SIZE];
	Oid database;
} KnownKeyFile;

typedef struct RightRow
{
	char *route;
	int access; /* RouteRight */
} RightRow;

typedef struct TemplateRow
{
	char *subject;
	char *body_text;
	char *body_html;
} TemplateRow;

typedef struct PageTextRow
{
	char *key;
	char *locale;
	char *text;
} PageTextRow;

/* Number of changes of rights and keys this backend has seen; call after AcceptInvalidationMessages(). */
extern uint64 catalog_epoch(void);
/* Raises the epoch in every backend at commit, in this one at the next command. */
extern void catalog_bump_epoch(void);

/* Raises 55000 for a table of a newer version of the schema than the database has. */
extern Oid catalog_table(CatalogTable table);
/* Raises 42P01 if the extension has been dropped. */
extern Relation catalog_open(CatalogTable table, LOCKMODE mode);
/* True if the relation, by its oid, is one of these tables. */
extern bool catalog_is_table(Oid relation, CatalogTable *table);
/* True if the relation is a member of the extension. */
extern bool catalog_is_member(Oid relation);
/* Function of the triggers that audit administrators' changes; InvalidOid if it does not exist. */
extern Oid catalog_audit_function(void);
/* Copies at most this many rows of an open table, and returns the number of all. */
extern int64 catalog_copy_rows(Relation relation, Tuplestorestate *rows, int64 most);
/* Schema of the public API. */
extern Oid catalog_api_schema(void);
/* InvalidOid if the extension does not exist; otherwise DROP EXTENSION waits for the end of this transaction. */
extern Oid catalog_lock_owner(void);

/*
 * choice may be NULL, or a keyed hash of the address: a look-up without result then reads a page and counts in the
 * statistics like one with a result.
 */
extern bool catalog_user_by_email(const char *email, const pg_uuid_t *choice, UserRow *row);
extern bool catalog_user_by_id(const pg_uuid_t *id, UserRow *row);
/* The first user with a hash and this id or a greater one, wrapping round; false if there is none near. */
extern bool catalog_user_from(const pg_uuid_t *id, UserRow *row);

/*
 * True if the user exists and no running transaction deletes it.  Takes no lock and writes nothing; statistics do not
 * show the result.
 */
extern bool catalog_user_stays(const pg_uuid_t *id);

extern bool catalog_session(const pg_uuid_t *sid, SessionRow *row);
/* List of SessionEntry *, oldest first, including expired ones. */
extern List *catalog_sessions_of(const pg_uuid_t *user_id);

extern ArrayType *catalog_profiles_of(const pg_uuid_t *user_id);
extern bool catalog_profile_exists(const char *name);
/* List of RightRow *. */
extern List *catalog_rights_of(const char *profile);
/* List of KeyRow *, newest first. */
extern List *catalog_keys(void);
/* False if none is recorded yet. */
extern bool catalog_known_key_file(KnownKeyFile *known);
/* Time of the last heartbeat; false if none has come yet. */
extern bool catalog_heartbeat(TimestampTz *at);
/* The row of session_cutoff: sessions created before it have ended.  False if there is none. */
extern bool catalog_session_cutoff(TimestampTz *created_before, bool *purged);
/* List of PageTextRow *. */
extern List *catalog_page_texts(void);
/* False for a table of a newer version of the schema than the database has. */
extern bool catalog_has(CatalogTable table);
/* True if the table is in any subscription; *from is its only one, if its first copy is complete, else InvalidOid. */
extern bool catalog_is_subscribed(CatalogTable table, Oid *from);

extern bool catalog_reset_token(const uint8_t hash[SHA256_SIZE], pg_uuid_t *user_id, TimestampTz *expires_at);
/* A saved throttle lock. */
extern bool catalog_lock(const AccountTag *tag, int *failures, TimestampTz *allowed_at, TimestampTz *saved_at);
/* That of the store view ("": of none) before that of all, and among these the one whose locale fits best. */
extern bool catalog_template(const char *kind, const char *locale, const char *store, TemplateRow *row);
extern bool catalog_blocklisted(const char *password);
/* True if an entry begins with this. */
extern bool catalog_blocklist_begins(const char *prefix);

#endif
