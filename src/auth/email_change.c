/*
 * email_change.c
 *		Owns changing one's address, and what the links about addresses do.
 *
 * Threats: learning from a change which addresses have accounts (the new one is
 * looked up only when its mail is claimed, and when its link is followed); a
 * stolen session that takes the account over (the password is needed, and the
 * former address gets, in the commit of the change, a link that undoes it); a
 * thief who undoes the undoing (a revert ends the links of later changes and
 * suspends the password; nothing ends the links of earlier ones before their
 * time).
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/email_change.h"
#include "auth/link.h"
#include "auth/login.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/sign_up.h"
#include "keys/key_file.h"
#include "server/encoding.h"
#include "server/json.h"
#include "server/normalize.h"
#include "shmem/throttle.h"
#include "shmem/throttle_owner.h"
#include "tables/catalog.h"
#include "tables/store.h"

#define CHANGE_LIFE_S SECS_PER_DAY
#define REVERT_LIFE_S (3 * SECS_PER_DAY)

void
email_change(Slice token, Slice current_password, Slice address, Answer *answer)
{
	const char *email = normalize_email(address);
	PendingEmail pending = {.kind = "change", .has_user = true, .has_sid = true};

	if (!login_reauthenticate(token, current_password, &pending.user_id, &pending.sid, answer))
		return;
	answer->reason = email_fault(slice_of(email));
	if (answer->reason)
		answer->verdict = VERDICT_INVALID_REQUEST;
	else
		mail_queue_pending("email_change", email, CHANGE_LIFE_S, &pending);
}

static void
audit_change(const pg_uuid_t *id, const char *before, const char *after, bool reverted)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_bool(&detail, "reverted", reverted);
	json_member(&detail, "personal");
	appendStringInfoChar(&detail, '{');
	json_string(&detail, "old", before);
	json_string(&detail, "new", after);
	appendStringInfoString(&detail, "}}");
	audit_event("email_changed", id, NULL, detail.data);
}

static bool
is_taken(const char *email, const pg_uuid_t *by_other_than)
{
	UserRow user;

	return catalog_user_by_email(email, NULL, &user) && memcmp(&user.id, by_other_than, sizeof(user.id)) != 0;
}

/*
 * False if another transaction takes the address at the same time.  The trigger of customer_user ends the user's links
 * and moves the count of failures.
 */
static bool
set_email(const pg_uuid_t *id, const char *email)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool is_set = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		store_user_set_email(id, email, true);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		is_set = true;
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();
	return is_set;
}

/* The address is changed, or the user comes with it, in the same transaction. */
static void
tell_former(const pg_uuid_t *id, const char *before, const char *after)
{
	PendingEmail former = {.kind = "revert", .user_id = *id, .has_user = true};

	mail_queue_pending("email_changed", before, REVERT_LIFE_S, &former);
	audit_change(id, before, after, false);
}

static bool
change_confirmed(const PendingEmail *pending, const char *email)
{
	const pg_uuid_t *id = &pending->user_id;
	UserRow user;

	if (is_taken(email, id) || !catalog_user_by_id(id, &user))
		return false;
	if (strcmp(user.email, email) == 0)
		return true;
	if (!set_email(id, email))
		return false;
	store_session_delete_of(id, pending->has_sid ? &pending->sid : NULL);
	tell_former(id, user.email, email);
	return true;
}

/* Finds what a live link is about, and its address. */
static const char *
find_pending(Slice token, LinkKind kind, PendingEmail *pending)
{
	uint8_t hash[SHA256_SIZE];
	char email[ADDRESS_LONGEST + 1];

	key_file_require();
	if (!catalog_has(TABLE_PENDING_EMAIL) || !link_hash(token, kind, hash) ||
		!store_pending_of_link(hash, GetCurrentTimestamp(), pending) ||
		(kind == LINK_REVERT) != (strcmp(pending->kind, "revert") == 0) ||
		!key_file_open_address(text_slice(pending->address), email))
		return NULL;
	return pstrdup(email);
}

void
email_confirm(Slice token, Answer *answer)
{
	PendingEmail pending;
	const char *email = find_pending(token, LINK_CONFIRM, &pending);
	bool confirmed = false;

	/* the user's row before the pending one, as everywhere */
	if (email && (!pending.has_user || store_user_confirm(&pending.user_id, NULL, true)) &&
		store_pending_take(pending.mail))
		confirmed = pending.has_user ? change_confirmed(&pending, email) : sign_up_confirmed(&pending, email);
	answer->verdict = confirmed ? VERDICT_OK : VERDICT_INVALID_GRANT;
}

static void
suspend(const UserRow *user)
{
	AccountTag tag;

	password_tag(user->email, &tag);
	throttle_owner_set(&tag, user->id.data);
	throttle_bring(&tag, &(ThrottleCount){THROTTLE_SUSPENDED_AT, GetCurrentTimestamp(), user->id});
}

static bool
revert(const PendingEmail *pending, const char *email)
{
	const pg_uuid_t *id = &pending->user_id;
	UserRow user;

	store_user_lock(id);
	if (is_taken(email, id) || !catalog_user_by_id(id, &user) || !store_pending_take(pending->mail) ||
		!set_email(id, email))
		return false;
	audit_change(id, user.email, email, true);
	store_link_delete_of(id);
	store_pending_delete_reverts(id, pending->mail);
	store_session_delete_of(id, NULL);
	if (catalog_user_by_id(id, &user))
		suspend(&user);
	return true;
}

void
email_revert(Slice token, Answer *answer)
{
	PendingEmail pending;
	const char *email = find_pending(token, LINK_REVERT, &pending);

	answer->verdict = email && revert(&pending, email) ? VERDICT_OK : VERDICT_INVALID_GRANT;
}

static LinkKind
kind_of(Slice token)
{
	return link_has_prefix(token, LINK_REVERT) ? LINK_REVERT : LINK_CONFIRM;
}

const char *
email_link_target(Slice token, int *shard)
{
	LinkKind kind = kind_of(token);
	uint8_t hash[SHA256_SIZE];
	PendingEmail pending;
	const char *email = find_pending(token, kind, &pending);

	*shard = -1;
	if (email)
		return pending.has_user ? email : NULL;
	if (catalog_has(TABLE_EMAIL_LINK) && link_hash(token, kind, hash))
		*shard = store_email_link_shard(hash, GetCurrentTimestamp());
	return NULL;
}

/* A revert serves the owner of a disabled account, too. */
const char *
email_link_hold(Slice token, PendingEmail *pending)
{
	LinkKind kind = kind_of(token);
	const char *email = find_pending(token, kind, pending);

	if (email == NULL || !pending->has_user)
		return NULL;
	store_user_lock_to_delete(&pending->user_id);
	if (kind == LINK_CONFIRM && !store_user_confirm(&pending->user_id, NULL, true))
		return NULL;
	return store_pending_of_mail(pending->mail, pending) ? email : NULL;
}

void
email_change_moved(const pg_uuid_t *id, const char *before, const char *after, bool reverted)
{
	UserRow user;

	if (!reverted)
	{
		tell_former(id, before, after);
		return;
	}
	audit_change(id, before, after, true);
	if (catalog_user_by_id(id, &user))
		suspend(&user);
}
