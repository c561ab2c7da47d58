/*
 * sign_up.c
 *		Owns how customers come into being by themselves, or by invitation.
 *
 * Threats: learning from a sign-up which addresses have accounts (no table is
 * searched for the address before its mail is claimed, and every sign-up hashes
 * its password and writes the same two rows); an account for somebody else's
 * address (none is made before its owner follows the link).
 *
 * Somebody who signs up a stranger's address chooses the password of the account
 * that the stranger then confirms.  A reset takes the account back and ends all
 * its sessions.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/account.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/sign_up.h"
#include "keys/key_file.h"
#include "server/json.h"
#include "server/normalize.h"
#include "server/settings.h"
#include "shmem/throttle.h"
#include "tables/catalog.h"

#define CONFIRM_LIFE_S SECS_PER_DAY

static bool
is_locale(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	if (n < 2 || n > 3)
		return false;
	for (text += n; *text == '-' || *text == '_'; text += n)
	{
		n = 1 + strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
		if (n < 3 || n > 9)
			return false;
	}
	return *text == '\0';
}

void
sign_up(Slice address, Slice password, const char *locale, Answer *answer)
{
	const char *email = normalize_email(address);
	Password secret = normalize_password(password);
	PendingEmail pending = {.kind = "sign_up", .locale = locale};
	char hash[PWHASH_MAX];

	if (!setting_sign_up)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("sign-up is not offered"),
				 errhint("Set djust_auth.sign_up = on, or invite users by djust_auth.invite_user().")));
	key_file_require();
	answer->verdict = VERDICT_INVALID_REQUEST;
	answer->reason = email_fault(slice_of(email));
	if (answer->reason == NULL && locale && !is_locale(locale))
		answer->reason = "The locale is not a language tag such as de or fr-CA.";
	if (answer->reason || !password_hash(&secret, email, hash, answer))
		return;
	pending.password_hash = hash;
	mail_queue_pending("sign_up", email, CONFIRM_LIFE_S, &pending);
}

static void
log_unknown(const char *profile)
{
	ereport(LOG,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("profile \"%s\" does not exist", profile),
			 errhint("djust_auth.sign_up_profiles names it.")));
}

static void
give_profiles(const pg_uuid_t *id)
{
	char *rest = pstrdup(setting_sign_up_profiles);
	char *name;

	while ((name = strsep(&rest, ",")) != NULL)
	{
		char *end;

		name += strspn(name, " ");
		for (end = name + strlen(name); end > name && end[-1] == ' '; end--)
			end[-1] = '\0';
		if (*name && catalog_profile_exists(name))
			store_user_profile_give(id, name);
		else if (*name)
			log_unknown(name);
	}
}

bool
sign_up_confirmed(const PendingEmail *pending, const char *email)
{
	StringInfoData detail;
	AccountTag tag;
	pg_uuid_t id;

	if (!store_user_sign_up(email, pending->password_hash, pending->locale, &id))
		return false;
	give_profiles(&id);
	if (pending->store)
		store_user_view_give(&id, pending->store);
	password_tag(email, &tag);
	throttle_start_over(&tag);
	initStringInfo(&detail);
	appendStringInfoString(&detail, "{\"personal\": {");
	json_string(&detail, "email", email);
	appendStringInfoString(&detail, "}}");
	audit_event("signed_up", &id, NULL, detail.data);
	return true;
}

static void
refuse_invitation(const char *what, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", what), errhint("%s", hint)));
}

/* The lock keeps a concurrent reset from setting a password meanwhile. */
pg_uuid_t *
sign_up_invite(const char *address, ArrayType *profiles, const char *locale)
{
	pg_uuid_t *id = palloc(sizeof(pg_uuid_t));
	const char *email = normalize_email(slice_of(address));
	bool is_known;
	UserRow user;

	key_file_require();
	if (locale && !is_locale(locale))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("malformed locale"),
				 errhint("Use a language tag such as de or fr-CA.")));
	is_known = catalog_user_by_email(email, NULL, &user);
	if (!is_known && !account_invite(address, profiles, locale, id))
	{
		/* it may have waited for an invitation or a sign-up that made the user */
		is_known = catalog_user_by_email(email, NULL, &user);
		if (!is_known)
			elog(ERROR, "user was not inserted");
	}
	if (is_known)
	{
		store_user_lock(&user.id);
		if (!catalog_user_by_id(&user.id, &user) || user.disabled)
			refuse_invitation("the user is disabled", "Call djust_auth.enable_user() first.");
		if (user.has_hash)
			refuse_invitation("the user has a password already", "They can log in, or ask for a reset.");
		*id = user.id;
		account_add_profiles(id, profiles);
	}
	mail_queue_invitation(id);
	audit_event("administration", id, NULL, "{\"change\": \"invited\"}");
	return id;
}
