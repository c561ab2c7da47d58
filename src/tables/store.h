/*
 * store.h
 *		The statements on the extension's tables, one function each: all
 *		writes, and reads of the mail queue.
 *
 * Called only inside functions declared SECURITY DEFINER with a pinned
 * search_path.  Writes apply to what is committed now, so ending a user's
 * sessions ends all of them, even from an older REPEATABLE READ transaction.
 */
#ifndef DJUST_STORE_H
#define DJUST_STORE_H

#include "tables/catalog.h"

typedef struct AuditRow
{
	pg_uuid_t id;
	TimestampTz at;
	const char *event;
	const pg_uuid_t *user_id; /* NULL if none or not to be recorded */
	const pg_uuid_t *sid;
	const char *actor;
	Datum client_address; /* inet, 0 if unknown */
	const char *detail; /* JSON, NULL if none */
} AuditRow;

typedef struct QueuedMail
{
	int64 id;
	char *kind;
	pg_uuid_t user_id;
	bool has_user;
	bytea *address; /* sealed; NULL for a mail to user_id */
	TimestampTz expires_at;
	TimestampTz next_attempt_at;
	int32 attempts;
} QueuedMail;

/* An address that a link confirms. */
typedef struct PendingEmail
{
	int64 mail; /* id of the mail with the link */
	const char *kind; /* sign_up, change, revert */
	pg_uuid_t user_id;
	bool has_user;
	pg_uuid_t sid; /* of the session that asked for a change */
	bool has_sid;
	bytea *address; /* sealed */
	AccountTag account; /* of the address */
	const char *password_hash; /* of a sign-up */
	const char *locale; /* of a sign-up; NULL if none */
	const char *store; /* the store view that it was asked for in; NULL if none */
	TimestampTz expires_at;
} PendingEmail;

/* A row of the table store; NULL: as for all. */
typedef struct StoreView
{
	char *name;
	char *reset_url;
	char *confirm_url;
	char *mail_from;
	char *locale;
} StoreView;

/* A user's lock, with the present address. */
typedef struct UserLock
{
	pg_uuid_t user_id;
	char *email;
	int32 failures;
	TimestampTz allowed_at;
	TimestampTz saved_at;
} UserLock;

/* What a customer brings to another shard besides their row. */
typedef struct MovedUser
{
	char *email;
	int32 failures;
	TimestampTz allowed_at;
	char *events; /* JSON array of their audit events */
	char *former_email;
	char *link; /* kind of the pending address that moves them; NULL if they come back, or by an administrator */
} MovedUser;

/* A row of leaving_user. */
typedef struct LeavingUser
{
	pg_uuid_t move;
	int32 shard;
	bytea *sealed;
} LeavingUser;

/* A mail as claimed for sending. */
typedef struct ClaimedMail
{
	int64 id;
	char *recipient;
	char *subject;
	char *body_text;
	char *body_html;
} ClaimedMail;

/* Purged tables, in this order. */
typedef enum PurgeTable
{
	PURGE_CUTOFF, /* sessions before the row of session_cutoff */
	PURGE_SESSION,
	PURGE_RESET_TOKEN,
	PURGE_MAIL_QUEUE,
	PURGE_PENDING_EMAIL,
	PURGE_EMAIL_LINK,
	PURGE_KNOWN_DEVICE,
	PURGE_SIGNING_KEY,
	PURGE_THROTTLE_LOCK,
	PURGE_AUDIT_EVENT,
	PURGE_TABLES
} PurgeTable;

#define PURGE_ID_MAX 256

/* The last row that a purge has passed; zero-initialise. */
typedef struct PurgeCursor
{
	bool begun;
	bool more; /* there may be more rows */
	TimestampTz key;
	char id[PURGE_ID_MAX];
} PurgeCursor;

/* sessions */
/* client_address: inet, 0 if unknown; user_agent: NULL if unknown. */
extern void store_session_insert(const SessionRow *session, Datum client_address, const char *user_agent);
extern bool store_session_refresh(const SessionRow *session, TimestampTz now, TimestampTz expires_at,
								  TimestampTz access_expires_at, const uint8_t *access_hash);
extern uint64 store_session_delete(const pg_uuid_t *sid);
/* Effective at once, even if this transaction is rolled back.  Does not wait for row locks of other transactions. */
extern void store_session_revoke(const pg_uuid_t *sid);
extern uint64 store_session_delete_of(const pg_uuid_t *user_id, const pg_uuid_t *but_sid);
/*
 * Deletes the user's live sessions but the newest ones, and returns a List of the ids (pg_uuid_t *).  They live if they
 * expire after now and were created after "since".
 */
extern List *store_session_delete_oldest(const pg_uuid_t *user_id, TimestampTz now, TimestampTz since, int64 kept);
/* Never lowers it. */
extern void store_session_cutoff_raise(TimestampTz before);
/* Records that the sessions created before it were purged; does nothing if it was raised since. */
extern void store_session_cutoff_purged(TimestampTz created_before);
/* Of all these users; arrays are of uuid. */
extern void store_session_delete_of_all(ArrayType *user_ids);
extern void store_session_copy_profiles(ArrayType *user_ids);
extern void store_session_clear_profiles(void);

/* users */
/* Locks the user against changes; true if the user is enabled and, unless hash is NULL, still has this hash. */
extern bool store_user_confirm(const pg_uuid_t *id, const char *hash, bool for_update);
/* False instead of waiting if another transaction holds the row. */
extern bool store_user_lock_at_once(const pg_uuid_t *id);
extern void store_user_set_hash(const pg_uuid_t *id, const char *hash, bool own_change);
extern void store_user_lock(const pg_uuid_t *id);
/* The lock that a DELETE takes: who takes it after a weaker one can deadlock. */
extern void store_user_lock_to_delete(const pg_uuid_t *id);
/* Locks existing users in the order of their ids; returns how many. */
extern uint64 store_user_lock_all(ArrayType *ids);
extern void store_user_insert(const char *email, const char *hash, const char *locale, pg_uuid_t *id);
/* These two give false if the address is taken; a sign-up is not an administrator's change. */
extern bool store_user_invite(const char *email, const char *locale, pg_uuid_t *id);
extern bool store_user_sign_up(const char *email, const char *hash, const char *locale, pg_uuid_t *id);
extern uint64 store_user_set_disabled(const pg_uuid_t *id, bool disabled);
extern uint64 store_user_set_email(const pg_uuid_t *id, const char *email, bool own_change);
extern uint64 store_user_delete(const pg_uuid_t *id);
/* The present address, and former ones by the audit: a List of char *. */
extern List *store_user_addresses(const pg_uuid_t *id);

/*
 * JSON of all that is kept about a user, without secrets, with these failures and mails, the addresses of the user's
 * pending rows (arrays of mail and address), and events of these accounts that have no user.  NULL if there is no such
 * user.
 */
extern char *store_export(const pg_uuid_t *id, int failures, TimestampTz allowed_at, const List *mails,
						  Datum pending_mails, ArrayType *pending, ArrayType *accounts);

/* customers who move to another shard */
#define MOVED_EVENTS_MOST 10000 /* the newest ones */
/* JSON, and locks the row; NULL if there is no such user.  link NULL: an administrator moves them. */
extern char *store_move_read(const pg_uuid_t *id, const char *new_email, int failures, TimestampTz allowed_at,
							 const PendingEmail *link);
/* If they come back, with the address from before and the profiles that exist; false if nothing was inserted. */
extern bool store_move_insert(const char *document, bool back);
/* The user's links that put a former address back, and those of their mails that wait; returns how many addresses. */
extern uint64 store_move_insert_reverts(const char *document, bool back);
extern void store_move_describe(const char *document, bool back, MovedUser *user);
/* Lets links that this shard made lead to that one. */
extern void store_move_forward(const char *document, int shard);
extern void store_leaving_insert(const pg_uuid_t *id, const pg_uuid_t *move, int shard, Datum sealed);
/* Locks the row; false if the user is not leaving. */
extern bool store_leaving_read(const pg_uuid_t *id, LeavingUser *leaving);
extern bool store_leaving_any(void);
/* Gives the row another move, for that shard. */
extern void store_leaving_redirect(const pg_uuid_t *id, const pg_uuid_t *move, int shard, Datum sealed);
/* The document with another address. */
extern char *store_move_readdress(const char *document, const char *new_email);
/* Deletes the row of this move. */
extern bool store_leaving_take(const pg_uuid_t *id, const pg_uuid_t *move, LeavingUser *leaving);
/* Records that the customer of this move was taken in, or refused, here; false if either was recorded before. */
extern bool store_move_decide(const pg_uuid_t *move, bool refused, bool *was_refused);

/* profiles */
extern void store_profile_insert(const char *name, const char *description);
extern uint64 store_profile_delete(const char *name);
extern void store_user_profile_insert(const pg_uuid_t *user_id, const char *profile);
/* Not an administrator's change. */
extern void store_user_profile_give(const pg_uuid_t *user_id, const char *profile);
extern uint64 store_user_profile_delete(const pg_uuid_t *user_id, const char *profile);
/* As foreign keys would, after a profile got another name, or was deleted (after is NULL); returns the rows changed. */
extern uint64 store_user_profile_follow(const char *before, const char *after);
extern void store_right_set(const char *profile, const char *route, const char *access);

/* password resets and mail */
extern void store_reset_insert(const uint8_t *hash, const pg_uuid_t *user_id, TimestampTz now, TimestampTz expires_at);
/* True for only one caller. */
extern bool store_reset_consume(const uint8_t *hash, TimestampTz now);
/* A user's reset links and unconfirmed changes of address; not the links that put a former address back. */
extern void store_link_delete_of(const pg_uuid_t *user_id);
extern void store_link_delete_of_all(ArrayType *user_ids);
/* store: the view that the request named; NULL if none. */
extern void store_mail_insert(const char *kind, const pg_uuid_t *user_id, const uint8_t *address, size_t address_size,
							  const char *store, TimestampTz now, TimestampTz expires_at);
/* List of QueuedMail * by due time, after this one; not locked. */
extern List *store_mail_due(TimestampTz now, const QueuedMail *after, int max);
/* Makes mails due that would wait until after `latest`; skips locked mails. */
extern void store_mail_bound(TimestampTz now, TimestampTz latest);
/* Locks the mail; false if it is no longer due, or locked. */
extern bool store_mail_take(int64 id, TimestampTz now);
/* Marks these mails (List of QueuedMail *) as done, except rows locked by another transaction. */
extern void store_mail_done_all(List *mails, TimestampTz now, const char *error);
/* Mails with a sealed address. */
extern List *store_mail_sealed(void);
extern void store_mail_delete(int64 id);
/* Array of the ids of these mails (List of QueuedMail *). */
extern Datum store_mail_ids(const List *mails);
/* Counts an attempt and hides the mail until next_attempt_at. */
extern void store_mail_lease(int64 id, TimestampTz next_attempt_at, bool with_worker);
extern bool store_mail_done(int64 id, TimestampTz now, const char *error);
extern bool store_mail_retry(int64 id, TimestampTz next_attempt_at, const char *error);
extern bool store_mail_get(int64 id, QueuedMail *mail);
/* Makes mails due again that the worker claimed and did not finish. */
extern uint64 store_mail_release(TimestampTz now);
/* False if no mail waits. */
extern bool store_mail_next(TimestampTz now, TimestampTz *next);
extern int64 store_mail_waiting(void);

/* store views */
extern bool store_view_exists(const char *name);
/* That of the mail, else that of the user (NULL: nobody); false if there is none. */
extern bool store_view_of_mail(int64 mail, const pg_uuid_t *user_id, StoreView *view);
/* Notes the view of a mail that has none. */
extern void store_mail_set_view(int64 mail, const char *name);
/* If it is still there. */
extern void store_user_view_give(const pg_uuid_t *user_id, const char *name);
/* Mails and addresses that wait, after a view got another name, or was deleted (after is NULL). */
extern void store_view_follow(const char *before, const char *after);
extern void store_view_rename_templates(const char *before, const char *after);
/* As the foreign key does, which does not under replication. */
extern void store_view_follow_users(const char *before, const char *after);

/* addresses that wait to be confirmed */
extern void store_pending_insert(const char *mail_kind, const PendingEmail *pending, TimestampTz now);
extern bool store_pending_of_mail(int64 mail, PendingEmail *pending);
/* With id and address: a List of QueuedMail *. */
extern List *store_pending_of_user(const pg_uuid_t *user_id);
/* False for an unknown or expired link. */
extern bool store_pending_of_link(const uint8_t *hash, TimestampTz now, PendingEmail *pending);
/* False instead of waiting if another transaction holds the row. */
extern bool store_pending_lock_at_once(int64 mail);
/* Until the transaction ends, no other one admits mails to this address; false instead of waiting. */
extern bool store_pending_pace_at_once(const PendingEmail *pending);
/* True for one mail in a minute, and five in an hour, to the same address; and for one that was admitted before. */
extern bool store_pending_admit(const PendingEmail *pending, TimestampTz now);
/* Ends it, and so its links; true for only one caller. */
extern bool store_pending_take(int64 mail);
extern void store_pending_delete(int64 mail);
extern void store_pending_end_changes(ArrayType *user_ids);
/* Those of mails after this one. */
extern void store_pending_delete_reverts(const pg_uuid_t *user_id, int64 after_mail);
/* What is pending of this user, and sign-ups of this address, with their mails. */
extern void store_pending_forget(const pg_uuid_t *user_id, const AccountTag *account);
extern uint64 store_pending_delete_all(void);
extern void store_email_link_insert(const uint8_t *hash, const PendingEmail *pending, TimestampTz now);
/* Where a customer who left has taken the link; -1 if nowhere. */
extern int store_email_link_shard(const uint8_t *hash, TimestampTz now);

/* devices */
/* True if any device of the user is known. */
extern bool store_device_any(const pg_uuid_t *user_id);
extern void store_device_delete_all(void);
/* True if the device was not seen for 180 days, or ever. */
extern bool store_device_see(const pg_uuid_t *user_id, const AccountTag *device, TimestampTz now);

/* keys */
extern void store_key_lock(void);
extern void store_key_retire(TimestampTz verify_until);
extern void store_key_insert(const char *kid, const char *algorithm, const uint8_t *private_key, size_t private_size,
							 const uint8_t *public_key, size_t public_size, TimestampTz now, int longest_token);
/* Raises the key's longest_token to this many seconds; never lowers it. */
extern void store_key_lengthen(const char *kid, int longest_token);

extern void store_heartbeat(TimestampTz at);

/* the key file, copies */
/* Records the key file; a no-op if one is recorded. */
extern void store_key_file_learn(const uint8_t check_value[SHA256_SIZE], Oid database);
extern void store_key_file_accept(const uint8_t check_value[SHA256_SIZE], Oid database);
/* True for only one caller, if the row had another database's id. */
extern bool store_key_file_move(Oid database);
/* Blocks opening, refreshing and ending of sessions by other transactions. */
extern void store_session_lock(void);
extern uint64 store_session_delete_all(void);
extern uint64 store_reset_delete_all(void);
extern uint64 store_mail_delete_waiting(void);
/* Gives up mails with a sealed address. */
extern uint64 store_mail_give_up(TimestampTz now, const char *reason);
extern void store_key_delete_all(void);

/* saved locks of the throttle */
/* Failures that suspend a password: NIST SP 800-63B section 5.2.2.  throttle_lock_purge_idx has this number, too. */
#define THROTTLE_SUSPENDED_AT 100
extern void store_lock_save(const AccountTag *tag, int32 failures, TimestampTz allowed_at, TimestampTz at,
							const pg_uuid_t *user_id);
extern void store_lock_delete(const AccountTag *tag);
/* Removes all locks; returns a List of UserLock *. */
extern List *store_locks_take(void);

/* audit */
extern void store_audit_insert(const AuditRow *row);
/* Removes personal data from the events of these users. */
extern void store_audit_forget(ArrayType *user_ids);
/* Removes client addresses from events without a user that name these accounts. */
extern void store_audit_forget_accounts(ArrayType *accounts);

/* purge */
/* Deletes unlocked expired rows among at most max rows after the cursor; returns the number of deleted rows. */
extern uint64 store_purge(PurgeTable table, TimestampTz before, int max, PurgeCursor *cursor);
/* Deletes sessions revoked in transactions that were rolled back. */
extern uint64 store_purge_ended(void);

/* statements as such */
/* For triggers: true if the statement that fires it is the library's own work, not an administrator's change. */
extern bool store_is_own_work(void);
/* One GRANT statement with quoted names. */
extern void store_grant(const char *statement);

#endif
