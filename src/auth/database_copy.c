/*
 * database_copy.c
 *		Owns ending sessions, links and mails when a database is a copy, was
 *		restored, or gets another key file.
 *
 * Threats: a session, link or mail that was ended, used or sent in the original
 * but lives on in the copy; and a lock that a new key file would lift, because
 * locks are stored under keyed tags.
 *
 * A copy by CREATE DATABASE ... TEMPLATE is recognised by the object id stored
 * in the table key_file: the first call that writes, or the worker's first
 * round, ends what was copied, and until then readers treat all sessions as
 * dead.  A base backup has its original's id, so the administrator must call
 * after_restore.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/database_copy.h"
#include "auth/password.h"
#include "keys/key_file.h"
#include "keys/key_file_check.h"
#include "keys/key_file_disk.h"
#include "keys/signing_key.h"
#include "server/json.h"
#include "server/settings.h"
#include "tables/store.h"

#define GIVEN_UP "the address was sealed under another key file"

typedef struct Ended
{
	uint64 sessions;
	uint64 links;
	uint64 mails;
} Ended;

/*
 * Waits for running logins, so that their sessions end, too; does not block readers.  Devices are known by keyed
 * hashes, of which none would match.
 */
static void
end_sessions_and_links(Ended *ended)
{
	store_session_lock();
	ended->sessions = store_session_delete_all();
	ended->links = store_reset_delete_all() + store_pending_delete_all();
	store_device_delete_all();
}

/* Tags depend on key file and database: saves users' locks under their new tags. */
static int
carry_locks(void)
{
	List *locks = store_locks_take();
	ListCell *cell;

	foreach(cell, locks)
	{
		const UserLock *lock = lfirst(cell);
		AccountTag tag;

		password_tag(lock->email, &tag);
		store_lock_save(&tag, lock->failures, lock->allowed_at, lock->saved_at, &lock->user_id);
	}
	return list_length(locks);
}

/* locks_kept is -1, and kid NULL, for changes that neither keep locks nor make a key. */
static void
audit_change(const char *change, const Ended *ended, int locks_kept, const char *kid)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_string(&detail, "change", change);
	json_number(&detail, "sessions", (int64) ended->sessions);
	json_number(&detail, "links", (int64) ended->links);
	json_number(&detail, "mails", (int64) ended->mails);
	if (locks_kept >= 0)
		json_number(&detail, "locks_kept", locks_kept);
	if (kid)
		json_string(&detail, "kid", kid);
	appendStringInfoChar(&detail, '}');
	audit_event("administration", NULL, NULL, detail.data);
}

/* Does nothing under another key file, because locks could not be carried; sessions are dead anyway. */
static void
clean_copy(void)
{
	Ended ended;

	if (!key_file_matches() || !store_key_file_move(MyDatabaseId))
		return;
	end_sessions_and_links(&ended);
	ended.mails = store_mail_delete_waiting();
	carry_locks();
	if (ended.sessions + ended.links + ended.mails > 0)
		audit_change("database copied", &ended, -1, NULL);
}

void
database_copy_begin(void)
{
	if (key_file_in_copy())
		clean_copy();
}

void
database_after_restore(void)
{
	Ended ended;

	key_file_require();
	end_sessions_and_links(&ended);
	ended.mails = store_mail_delete_waiting();
	audit_change("restored", &ended, -1, setting_follower ? NULL : signing_key_rotate(NULL));
}

static bool
is_accepted(void)
{
	if (!key_file_matches())
		return false;
	ereport(NOTICE, (errmsg("the key file is the one that this database knows"), errdetail("Nothing was changed.")));
	return true;
}

/*
 * A key still in memory while its file is missing may be in use by a database, whose sessions, links and mails work
 * until the next restart.  The file cannot be rewritten, as memory holds only derived keys; and a new file would
 * destroy what a backup of the file can still save.
 */
static void
refuse_while_in_use(void)
{
	if (key_file_keys() == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the key file of djust_auth is missing, but the server still has its key in memory"),
			 errdetail("Nothing was changed: databases that know this key go on under it until the server is "
					   "restarted."),
			 errdetail_log("Key file: \"%s\".", setting_key_file),
			 errhint("Put the file back from a backup, where djust_auth.key_file says. If it is lost, "
					 "restart the server and call djust_auth.accept_key_file() again: it then makes a new one, "
					 "and ends all sessions.")));
}

static void
read_file_or_raise(void)
{
	if (key_file_is_missing())
	{
		refuse_while_in_use();
		key_file_create();
	}
	if (!key_file_read())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the key file of djust_auth could not be read"),
				 errdetail_log("Key file: %s.", key_file_failure()),
				 errhint("The server log says why. Repair the file that djust_auth.key_file names. If it is lost, "
						 "remove it and restart the server: djust_auth.accept_key_file() then makes a new one.")));
}

void
database_accept_key_file(void)
{
	Ended ended;
	char *kid;
	int locks;

	read_file_or_raise();
	if (is_accepted())
		return;
	if (catalog_has(TABLE_LEAVING_USER) && store_leaving_any())
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("customers who left for another shard are sealed under the former key file"),
			 errhint("Put that file back and call djust_auth.finish_moves() on the router. If it is lost, so are they: "
					 "delete the rows of djust_auth.leaving_user.")));
	/* another caller may have come first */
	store_session_lock();
	if (is_accepted())
		return;
	end_sessions_and_links(&ended);
	ended.mails =
		key_file_in_copy() ? store_mail_delete_waiting() : store_mail_give_up(GetCurrentTimestamp(), GIVEN_UP);
	store_key_file_accept(key_file_keys()->check, MyDatabaseId);
	key_file_mark_known();
	kid = signing_key_start_over();
	locks = carry_locks();
	audit_change("key file accepted", &ended, locks, kid);
}
