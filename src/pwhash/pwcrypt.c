/*
 * pwcrypt.c
 *		bcrypt and sha-crypt, by crypt(3).
 *
 * Threat: passwords left in freed memory.
 */
#include <stdlib.h>
#include <string.h>

#include <crypt.h>

#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define BCRYPT_LENGTH 60
#define CRYPT_ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* n characters of the alphabet, the last one from `last`, so that no spare bits are set. */
static bool
take_encoded(Cursor *cursor, size_t n, const char *last)
{
	size_t i;

	if ((size_t) (cursor->end - cursor->p) < n)
		return false;
	for (i = 0; i < n; i++)
		if (cursor->p[i] == '\0' || strchr(CRYPT_ALPHABET, cursor->p[i]) == NULL)
			return false;
	if (strchr(last, cursor->p[n - 1]) == NULL)
		return false;
	cursor->p += n;
	return true;
}

/*
 * 12$, then 22 + 31 characters: 128 bits of salt in 132, 184 of hash in 186, in bcrypt's order of the alphabet. The
 * cost is at least 4; the total length implies its two digits.
 */
PwResult
pw_parse_bcrypt(Cursor *cursor, Parsed *parsed)
{
	(void) pw_take(cursor, "0");
	if (!pw_take_number(cursor, &parsed->iterations) || parsed->iterations > 99 || !pw_take(cursor, "$"))
		return PW_MALFORMED;
	if (parsed->iterations < 4)
		return PW_TOO_CHEAP;
	if (parsed->iterations > PWHASH_BCRYPT_COST_MAX)
		return PW_TOO_COSTLY;
	if (parsed->stored.length != BCRYPT_LENGTH || !take_encoded(cursor, 22, ".Oeu") ||
		!take_encoded(cursor, 31, ".CGKOSWaeimquy26") || !pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/*
 * rounds=5000$salt$hash, where rounds is optional, and at least 1000.  256 bits in 43 characters, 512 in 86, low bits
 * first: the value of the last character is below 16 or 4.
 */
PwResult
pw_parse_sha_crypt(Cursor *cursor, Parsed *parsed)
{
	size_t hash_length = (size_t) parsed->scheme->variant;
	Cursor salt;

	parsed->iterations = 5000;
	if (pw_take(cursor, "rounds=") && (!pw_take_number(cursor, &parsed->iterations) || !pw_take(cursor, "$")))
		return PW_MALFORMED;
	if (parsed->iterations < 1000)
		return PW_TOO_CHEAP;
	if (parsed->iterations > PWHASH_SHACRYPT_ROUNDS_MAX)
		return PW_TOO_COSTLY;
	salt = pw_take_field(cursor);
	parsed->salt_length = (size_t) (salt.end - salt.p);
	if (parsed->salt_length < 1 || parsed->salt_length > 16 ||
		!take_encoded(&salt, parsed->salt_length, CRYPT_ALPHABET) || !pw_take(cursor, "$") ||
		!take_encoded(cursor, hash_length, hash_length == 43 ? "./0123456789ABCD" : "./01") || !pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* All memory crypt_r uses, in one block, to be wiped. */
typedef struct CryptWork
{
	struct crypt_data data;
	char setting[PWHASH_MAX + 1];
	char phrase[CRYPT_MAX_PASSPHRASE_SIZE];
} CryptWork;

/* Runs crypt_r with the stored string as setting; a match returns that string again. */
static PwResult
run_crypt(CryptWork *work, const Parsed *parsed)
{
	const char *made = crypt_r(work->phrase, work->setting, &work->data);

	if (made == NULL || made[0] != '$')
		return PW_FAILED;
	if (strlen(made) != parsed->stored.length || !bytes_equal(made, parsed->stored.data, parsed->stored.length))
		return PW_MISMATCH;
	return PW_MATCH;
}

/*
 * crypt(3) stops at a NUL and reads fewer than CRYPT_MAX_PASSPHRASE_SIZE bytes: a password it would not read completely
 * costs the same and never matches.  bcrypt reads only 72 bytes by definition: passwords that agree in these are equal.
 */
PwResult
pw_verify_crypt(const Parsed *parsed, Slice password, const PwArena *arena)
{
	CryptWork *work = calloc(1, sizeof(*work));
	size_t most = parsed->scheme->reads > 0 ? BCRYPT_PASSWORD_MAX : PWHASH_PASSWORD_MAX;
	size_t n = password.length < most ? password.length : most;
	bool whole = n < CRYPT_MAX_PASSPHRASE_SIZE && memchr(password.data, '\0', password.length) == NULL;
	PwResult result;

	if (work == NULL)
		return PW_FAILED;
	if (n >= CRYPT_MAX_PASSPHRASE_SIZE)
		n = CRYPT_MAX_PASSPHRASE_SIZE - 1;
	memcpy(work->phrase, password.data, n);
	memcpy(work->setting, parsed->stored.data, parsed->stored.length);
	result = run_crypt(work, parsed);
	bytes_wipe(work, sizeof(*work));
	free(work);
	return result == PW_MATCH && !whole ? PW_MISMATCH : result;
}
