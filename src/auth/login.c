/*
 * login.c
 *		Owns login with a password, its check in a session, and its change by its
 *		user.
 *
 * Threat: learning which addresses have accounts.  Every path makes the same
 * look-ups and one hash.  If the account has no hash, another user's hash is
 * checked, chosen by a keyed function of the address, so that the costs of
 * imported hashes are distributed over unknown addresses as over known ones. A
 * match with it counts as a failure.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/device.h"
#include "auth/login.h"
#include "auth/mail_queue.h"
#include "auth/password.h"
#include "auth/session.h"
#include "auth/token.h"
#include "keys/key_file.h"
#include "server/normalize.h"
#include "shmem/counters.h"
#include "shmem/throttle_owner.h"
#include "tables/catalog.h"
#include "tables/store.h"

typedef struct Candidate
{
	AccountTag tag;
	UserRow user;
	UserRow sample; /* another user, whose hash is checked if this one has none */
	bool known;
	bool usable; /* enabled, with a hash of its own */
	const char *hash;
} Candidate;

static void
find_candidate(const char *address, Candidate *candidate)
{
	pg_uuid_t point;
	bool sampled;

	password_tag(address, &candidate->tag);
	memcpy(point.data, candidate->tag.bytes, UUID_LEN);
	candidate->known = catalog_user_by_email(address, &point, &candidate->user);
	sampled = catalog_user_from(&point, &candidate->sample);
	throttle_owner_set(&candidate->tag, candidate->known ? candidate->user.id.data : NULL);
	candidate->usable = candidate->known && candidate->user.has_hash && !candidate->user.disabled;
	if (candidate->known && candidate->user.has_hash)
		candidate->hash = candidate->user.hash;
	else
		candidate->hash = sampled ? candidate->sample.hash : password_decoy();
}

static const char *
cause_of(const Candidate *candidate)
{
	if (!candidate->known)
		return "unknown_email";
	if (!candidate->user.has_hash)
		return "no_password";
	return candidate->user.disabled ? "disabled" : "wrong_password";
}

static void
record_failure(Verdict verdict, const Candidate *candidate)
{
	const pg_uuid_t *user_id = candidate->known ? &candidate->user.id : NULL;

	if (verdict == VERDICT_INVALID_GRANT)
	{
		counter_add(COUNT_LOGIN_FAILURES, 1);
		audit_login_failed(user_id, &candidate->tag, cause_of(candidate));
	}
	else if (verdict != VERDICT_UNAVAILABLE)
	{
		counter_add(COUNT_THROTTLED, 1);
		audit_throttled(user_id, &candidate->tag);
	}
}

/* Locks the user's row against disabling and change of password; stores the replacement hash. */
static bool
confirm(const Candidate *candidate, const char *replacement)
{
	if (!store_user_confirm(&candidate->user.id, candidate->user.hash, *replacement != '\0' || session_limited()))
		return false;
	if (*replacement != '\0')
		store_user_set_hash(&candidate->user.id, replacement, true);
	return true;
}

void
login_with_password(Slice email, Slice password, Answer *answer)
{
	const char *address = normalize_email(email);
	Password secret = normalize_password(password);
	char replacement[PWHASH_MAX];
	Candidate candidate;
	pg_uuid_t sid;
	int tries;

	key_file_require();
	/* Twice, if a concurrent login replaced the hash while it was checked. */
	for (tries = 0; tries < 2; tries++)
	{
		find_candidate(address, &candidate);
		answer->verdict = password_check(
			&candidate.tag, candidate.hash, candidate.usable, &secret, replacement, &answer->retry_after);
		if (answer->verdict != VERDICT_OK)
			break;
		if (confirm(&candidate, replacement))
		{
			session_open(&candidate.user.id, NULL, &sid, answer);
			counter_add(COUNT_LOGINS, 1);
			audit_event("login", &candidate.user.id, &sid, NULL);
			device_seen(&candidate.user.id);
			return;
		}
		answer->verdict = VERDICT_INVALID_GRANT;
	}
	record_failure(answer->verdict, &candidate);
}

/* Checks the session again under the user's lock: it may have been ended meanwhile. */
static bool
still_live(const pg_uuid_t *sid)
{
	SessionRow session;

	return catalog_session(sid, &session) && token_session_lives(&session, GetCurrentTimestamp());
}

/* The bearer of an access token, and what their password is checked against. */
static bool
find_bearer(Slice token, Bearer *bearer, Candidate *candidate)
{
	UserRow user;

	if (!token_find_access(token, NULL, bearer) || !catalog_user_by_id(&bearer->session.user_id, &user))
		return false;
	find_candidate(user.email, candidate);
	return true;
}

static bool
check_current(const Candidate *candidate, const Password *current, Answer *answer)
{
	char replacement[PWHASH_MAX];

	answer->verdict =
		password_check(&candidate->tag, candidate->hash, candidate->usable, current, replacement, &answer->retry_after);
	if (answer->verdict != VERDICT_OK)
		record_failure(answer->verdict, candidate);
	return answer->verdict == VERDICT_OK;
}

/* Locks the user; false if the password or the session is no longer what was checked. */
static bool
confirm_bearer(const Candidate *candidate, const Bearer *bearer, Answer *answer)
{
	if (store_user_confirm(&candidate->user.id, candidate->user.hash, true) && still_live(&bearer->session.sid))
		return true;
	answer->verdict = VERDICT_INVALID_GRANT;
	return false;
}

bool
login_reauthenticate(Slice token, Slice current, pg_uuid_t *user_id, pg_uuid_t *sid, Answer *answer)
{
	Password password = normalize_password(current);
	Candidate candidate;
	Bearer bearer;

	key_file_require();
	answer->verdict = VERDICT_INVALID_GRANT;
	if (!find_bearer(token, &bearer, &candidate) || !check_current(&candidate, &password, answer) ||
		!confirm_bearer(&candidate, &bearer, answer))
		return false;
	*user_id = candidate.user.id;
	*sid = bearer.session.sid;
	return true;
}

void
login_change_password(Slice token, Slice current, Slice fresh, Answer *answer)
{
	Password old_password = normalize_password(current);
	Password new_password = normalize_password(fresh);
	char hash[PWHASH_MAX];
	Candidate candidate;
	Bearer bearer;

	key_file_require();
	answer->verdict = VERDICT_INVALID_GRANT;
	if (!find_bearer(token, &bearer, &candidate))
		return;
	answer->violations = password_violations(&new_password, candidate.user.email, NULL);
	if (answer->violations != 0)
	{
		answer->verdict = VERDICT_WEAK_PASSWORD;
		return;
	}
	if (!check_current(&candidate, &old_password, answer) ||
		!password_hash(&new_password, candidate.user.email, hash, answer) ||
		!confirm_bearer(&candidate, &bearer, answer))
		return;
	store_user_set_hash(&candidate.user.id, hash, true);
	store_session_delete_of(&candidate.user.id, &bearer.session.sid);
	store_link_delete_of(&candidate.user.id);
	mail_queue_notice("password_changed", &candidate.user.id);
	audit_event("password_changed", &candidate.user.id, &bearer.session.sid, session_detail(&bearer.session));
}
