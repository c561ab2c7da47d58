/*
 * password.c
 *		Owns checking and hashing passwords: policy, throttle, slot, hash.
 *
 * Threat: guessing.  The order is fixed: a place under the account's throttle,
 * a hash slot, the hash.  If anything ends the check early, the place is given
 * back, and counted as a failure only if the hash had begun.
 */
#include "postgres.h"

#include "storage/ipc.h"

#include "auth/password.h"
#include "keys/key_file.h"
#include "pwhash/pwcommon.h"
#include "pwhash/pwpolicy.h"
#include "server/encoding.h"
#include "server/secret.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "shmem/hash_slot.h"
#include "shmem/throttle.h"
#include "text/bytes.h"

/* True once hashing has begun: an attempt interrupted after that counts as a failure. */
static bool hash_begun = false;

void
password_tag(const char *address, AccountTag *tag)
{
	key_file_tag("password", slice_of(address), tag);
}

static bool
is_listed(Slice word, bool whole, void *arg)
{
	const char *text = normalize_for_lookup(word);

	return whole ? catalog_blocklisted(text) : *text == '\0' || catalog_blocklist_begins(text);
}

static Slice
in_utf8(const char *text)
{
	return slice_of(database_to_utf8(pstrdup(text)));
}

/* A lower-case blocklist entry covers every spelling in capitals. */
static bool
is_common(const Password *password, const char *email, const char **found)
{
	PwCommon *work;

	*found = "";
	if (password->text.length > PWHASH_PASSWORD_MAX)
		return false;
	if (catalog_blocklisted(password->in_database) || catalog_blocklisted(password->lower_in_database))
	{
		*found = password->lower_in_database;
		return true;
	}
	work = secret_alloc(sizeof(PwCommon));
	if (!pwcommon_judge(password->text, in_utf8(email), in_utf8(setting_password_context), is_listed, NULL, work))
		return false;
	*found = normalize_for_lookup(slice_of(work->found));
	return true;
}

unsigned
password_violations(const Password *password, const char *email, const char **found)
{
	const char *ignored;
	int min_characters = pwpolicy_min_characters(setting_password_policy, setting_password_min_length);
	unsigned violations = pwpolicy_violations(
		setting_password_policy, password->text, password->characters, min_characters, PWHASH_PASSWORD_MAX);

	return violations | (is_common(password, email ? email : "", found ? found : &ignored) ? PWPOLICY_TOO_COMMON : 0);
}

static PwCost
cost_now(void)
{
	return (PwCost){setting_argon2_memory, setting_argon2_iterations, setting_argon2_parallelism};
}

static bool
make_hash(const Password *password, const PwArena *arena, char *out)
{
	PwCost cost = cost_now();
	uint8_t salt[PWHASH_SALT_SIZE];

	if (!pg_strong_random(salt, sizeof(salt)))
		return false;
	counter_add(COUNT_HASHES, 1);
	return pwhash_make(&cost, salt, password->text, arena, out) == PW_MATCH;
}

/* Dummy hash with the current cost, for accounts without one. */
const char *
password_decoy(void)
{
	PwCost cost = cost_now();

	return psprintf("$argon2id$v=19$m=%u,t=%u,p=%u$ZGp1c3RfYXV0aCBkZWNveQ$YWxsIHRoYXQgaXMga25vd24gb2YgdGhpcyBpcyBjb3M",
					cost.memory,
					cost.iterations,
					cost.parallelism);
}

/*
 * Call with the slot held.  The number of hashes depends on the password, not on the account: every form is tried until
 * one matches, even against another user's hash (not usable).  A hash of a form other than NFC is replaced, so that the
 * next login takes one.  Not replaced are hashes whose scheme read only part of the password: the rest was never
 * checked.
 */
static PwResult
verify(Slice hash, bool usable, const Password *password, const PwArena *arena, char *replacement)
{
	PwCost cost = cost_now();
	PwResult result = PW_MISMATCH;
	int form;

	hash_begun = true;
	for (form = 0; form < password->forms; form++)
	{
		counter_add(COUNT_HASHES, 1);
		result = pwhash_verify(hash, password->form[form], arena);
		if (result == PW_MATCH && !usable)
			result = PW_MISMATCH;
		if (result != PW_MISMATCH)
			break;
	}
	if (result == PW_MATCH && (form > 0 || pwhash_needs_rehash(hash, &cost)) &&
		pwhash_reads(hash) >= password->form[form].length && !make_hash(password, arena, replacement))
		replacement[0] = '\0';
	return result;
}

static void
abandon(int code, Datum arg)
{
	hash_slot_abandon();
	throttle_abandon(hash_begun);
}

Verdict
password_check(const AccountTag *tag, const char *hash, bool usable, const Password *password, char *replacement,
			   int *retry_after)
{
	volatile PwResult result = PW_FAILED;
	PwArena arena;
	volatile bool slot = false;

	replacement[0] = '\0';
	*retry_after = 1;
	hash_begun = false;
	switch (throttle_enter(tag, retry_after))
	{
		case THROTTLE_LATER:
			return VERDICT_THROTTLED;
		case THROTTLE_SUSPENDED:
			return VERDICT_SUSPENDED;
		case THROTTLE_BUSY:
			return VERDICT_UNAVAILABLE;
		case THROTTLE_GO:
			break;
	}
	PG_ENSURE_ERROR_CLEANUP(abandon, (Datum) 0);
	{
		slot = hash_slot_acquire(&arena);
		if (slot)
		{
			result = verify(slice_of(hash), usable, password, &arena, replacement);
			hash_slot_release();
		}
		throttle_leave(result == PW_MATCH          ? ATTEMPT_GOOD :
					   slot && result != PW_FAILED ? ATTEMPT_BAD :
													 ATTEMPT_NOT_MADE);
	}
	PG_END_ENSURE_ERROR_CLEANUP(abandon, (Datum) 0);
	throttle_await_saved();
	if (!slot || result == PW_FAILED)
		return VERDICT_UNAVAILABLE;
	return result == PW_MATCH ? VERDICT_OK : VERDICT_INVALID_GRANT;
}

bool
password_hash(const Password *password, const char *email, char *out, Answer *answer)
{
	PwArena arena;
	volatile bool made = false;

	answer->violations = password_violations(password, email, NULL);
	answer->verdict = VERDICT_WEAK_PASSWORD;
	if (answer->violations != 0)
		return false;
	answer->retry_after = 1;
	PG_ENSURE_ERROR_CLEANUP(abandon, (Datum) 0);
	{
		if (hash_slot_acquire(&arena))
		{
			made = make_hash(password, &arena, out);
			hash_slot_release();
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(abandon, (Datum) 0);
	answer->verdict = made ? VERDICT_OK : VERDICT_UNAVAILABLE;
	return made;
}
