/*
 * account.c
 *		Owns the administration of users.
 *
 * A weak password or an unknown user is an error here, not an answer.  Triggers
 * end sessions and audit changes, so that plain DML does so, too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "auth/account.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/session.h"
#include "http/answer.h"
#include "server/json.h"
#include "server/normalize.h"
#include "shmem/throttle.h"
#include "shmem/throttle_owner.h"
#include "tables/catalog.h"
#include "tables/store.h"

static void
require_user(const pg_uuid_t *id, UserRow *user)
{
	if (!catalog_user_by_id(id, user))
		answer_raise_unknown_user(id);
}

static void
hash_or_raise(Slice password, const char *email, char *hash)
{
	Password normal = normalize_password(password);
	Answer answer = {VERDICT_OK};

	if (!password_hash(&normal, email, hash, &answer))
		answer_raise(&answer);
}

void
account_add_profiles(const pg_uuid_t *id, ArrayType *profiles)
{
	Datum *values;
	bool *nulls;
	int n;
	int i;

	deconstruct_array(profiles, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	for (i = 0; i < n; i++)
	{
		if (nulls[i])
			answer_raise_null("profiles");
		if (!catalog_profile_exists(TextDatumGetCString(values[i])))
			answer_raise_unknown_profile(TextDatumGetCString(values[i]));
		store_user_profile_insert(id, TextDatumGetCString(values[i]));
	}
}

/* Failures counted before the account existed do not count against its new owner. */
static void
begin_count(const char *address)
{
	AccountTag tag;

	password_tag(normalize_email(slice_of(address)), &tag);
	throttle_start_over(&tag);
}

pg_uuid_t *
account_create(const char *email, Slice password, const char *hash, ArrayType *profiles, const char *locale)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	char made[PWHASH_MAX];

	if (password.data)
	{
		hash_or_raise(password, normalize_email(slice_of(email)), made);
		hash = made;
	}
	store_user_insert(email, hash, locale, id);
	account_add_profiles(id, profiles);
	begin_count(email);
	return id;
}

bool
account_invite(const char *email, ArrayType *profiles, const char *locale, pg_uuid_t *id)
{
	if (!store_user_invite(email, locale, id))
		return false;
	account_add_profiles(id, profiles);
	begin_count(email);
	return true;
}

void
account_set_password(const pg_uuid_t *id, Slice password)
{
	char hash[PWHASH_MAX];
	UserRow user;

	require_user(id, &user);
	hash_or_raise(password, user.email, hash);
	store_user_set_hash(id, hash, false);
	account_unlock(id);
}

void
account_set_disabled(const pg_uuid_t *id, bool disabled)
{
	UserRow user;

	require_user(id, &user);
	store_user_set_disabled(id, disabled);
}

/* The user's present address, and those former ones that nobody else has now.  Ask before the user is deleted. */
static List *
own_addresses(const pg_uuid_t *id)
{
	List *addresses = store_user_addresses(id);
	List *own = NIL;
	ListCell *cell;

	foreach(cell, addresses)
	{
		UserRow user;

		if (!catalog_user_by_email(lfirst(cell), NULL, &user) || memcmp(&user.id, id, sizeof(user.id)) == 0)
			own = lappend(own, lfirst(cell));
	}
	return own;
}

static void
delete_user(const pg_uuid_t *id, const List *own)
{
	AccountTag tag;
	UserRow user;

	require_user(id, &user);
	mail_queue_forget(id, own);
	if (store_user_delete(id) == 0)
		answer_raise_unknown_user(id);
	password_tag(user.email, &tag);
	throttle_owner_set(&tag, id->data);
	throttle_start_over(&tag);
}

void
account_delete(const pg_uuid_t *id)
{
	/* the user's row before pending ones, as everywhere; and before the addresses are read */
	store_user_lock(id);
	delete_user(id, own_addresses(id));
}

/* The member account of events about these addresses. */
static ArrayType *
accounts_of(const List *addresses)
{
	ArrayBuildState *accounts = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ListCell *cell;

	foreach(cell, addresses)
	{
		char account[ACCOUNT_TAG_HEX_SIZE];
		AccountTag tag;

		password_tag(lfirst(cell), &tag);
		account_tag_hex(&tag, account);
		accumArrayResult(accounts, CStringGetTextDatum(account), false, TEXTOID, CurrentMemoryContext);
	}
	return DatumGetArrayTypeP(makeArrayResult(accounts, CurrentMemoryContext));
}

void
account_erase(const pg_uuid_t *id)
{
	List *own;

	store_user_lock(id);
	own = own_addresses(id);
	delete_user(id, own);
	store_audit_forget_accounts(accounts_of(own));
}

/* Reading personal data is audited, too. */
char *
account_export(const pg_uuid_t *id)
{
	List *own = own_addresses(id);
	ThrottleCount count;
	List *pending;
	AccountTag tag;
	UserRow user;
	char *document;

	require_user(id, &user);
	password_tag(user.email, &tag);
	throttle_look_up(&tag, &count);
	pending = store_pending_of_user(id);
	document = store_export(id,
							count.failures,
							count.allowed_at,
							mail_queue_to(own, id),
							store_mail_ids(pending),
							mail_queue_addresses(pending),
							accounts_of(own));
	if (document == NULL)
		answer_raise_unknown_user(id);
	audit_event("administration", id, NULL, "{\"change\": \"exported\"}");
	return document;
}

void
account_change_email(const pg_uuid_t *id, const char *email)
{
	if (store_user_set_email(id, email, false) == 0)
		answer_raise_unknown_user(id);
}

void
account_unlock(const pg_uuid_t *id)
{
	AccountTag tag;
	UserRow user;

	require_user(id, &user);
	password_tag(user.email, &tag);
	throttle_owner_set(&tag, id->data);
	throttle_clear(&tag);
	audit_event("administration", id, NULL, "{\"change\": \"unlocked\"}");
}

/* Failures move with the account. */
void
account_email_changed(const pg_uuid_t *id, const char *from, const char *to)
{
	AccountTag from_tag;
	AccountTag to_tag;

	password_tag(from, &from_tag);
	password_tag(to, &to_tag);
	throttle_owner_set(&from_tag, id->data);
	throttle_move(&from_tag, &to_tag);
}

int
account_end_sessions(const pg_uuid_t *id)
{
	UserRow user;
	int ended;

	require_user(id, &user);
	/* waits for running logins, so that their sessions end, too */
	store_user_lock(id);
	ended = (int) store_session_delete_of(id, NULL);
	audit_event("administration", id, NULL, psprintf("{\"change\": \"sessions ended\", \"ended\": %d}", ended));
	return ended;
}

/* The login role; its number, if the name, made in a database of another encoding, is no text here. */
static char *
acting_role(void)
{
	char *name = GetUserNameFromId(GetSessionUserId(), false);

	return pg_verifymbstr(name, (int) strlen(name), true) ? name : psprintf("%u", GetSessionUserId());
}

static void
audit_opened(const pg_uuid_t *id, const pg_uuid_t *sid, const char *actor, const char *reason)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_string(&detail, "change", "session opened");
	session_append_act(&detail, actor);
	if (reason)
	{
		json_member(&detail, "personal");
		appendStringInfoChar(&detail, '{');
		json_string(&detail, "reason", reason);
		appendStringInfoChar(&detail, '}');
	}
	appendStringInfoChar(&detail, '}');
	audit_event("administration", id, sid, detail.data);
}

void
account_open_session(const pg_uuid_t *id, const char *reason, Answer *answer)
{
	const char *actor = acting_role();
	pg_uuid_t sid;
	UserRow user;

	require_user(id, &user);
	if (!store_user_confirm(id, NULL, session_limited()))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the user is disabled"),
				 errhint("Call djust_auth.enable_user() first.")));
	session_open(id, actor, &sid, answer);
	audit_opened(id, &sid, actor, reason);
}
