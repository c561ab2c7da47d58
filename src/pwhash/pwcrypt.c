/*
 * pwcrypt.c
 *		The schemes of crypt(3), by libxcrypt; bcrypt of a digest of the
 *		password, as Django and WordPress make it.
 *
 * Traditional DES hashes have no prefix and are not accepted: they read eight
 * characters.
 *
 * Threats: passwords left in freed memory; a cost in a hash that stops the
 * server: every parse function compares it with the bounds of pwhash.h.
 */
#include <stdlib.h>
#include <string.h>

#include <crypt.h>

#include "crypto/crypto.h"
#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define BCRYPT_LENGTH 60
#define BSDI_LENGTH 20
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
 * cost is at least 4; the length of the whole implies its two digits.
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

/* The last character of 22 or 43 that encode 128 or 256 bits, low bits first, is below 4 or 16. */
#define LAST_OF_128 "./01"
#define LAST_OF_256 "./0123456789ABCD"

/* A salt of min to max characters, before a '$'. */
static bool
take_salt(Cursor *cursor, size_t min, size_t max)
{
	Cursor salt = pw_take_field(cursor);
	size_t n = (size_t) (salt.end - salt.p);

	return n >= min && n <= max && (n == 0 || take_encoded(&salt, n, CRYPT_ALPHABET));
}

static PwResult
judge_rounds(uint32_t rounds, uint32_t min)
{
	return rounds < min ? PW_TOO_CHEAP : rounds > PWHASH_CRYPT_ROUNDS_MAX ? PW_TOO_COSTLY : PW_MATCH;
}

/* rounds=5000$salt$hash, where rounds is optional, and at least 1000 */
PwResult
pw_parse_sha_crypt(Cursor *cursor, Parsed *parsed)
{
	size_t hash_length = (size_t) parsed->scheme->variant;
	PwResult result;

	parsed->iterations = 5000;
	if (pw_take(cursor, "rounds=") && (!pw_take_number(cursor, &parsed->iterations) || !pw_take(cursor, "$")))
		return PW_MALFORMED;
	result = judge_rounds(parsed->iterations, 1000);
	if (result != PW_MATCH)
		return result;
	if (!take_salt(cursor, 1, 16) || !pw_take(cursor, "$") ||
		!take_encoded(cursor, hash_length, hash_length == 43 ? LAST_OF_256 : "./01") || !pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* salt$hash: md5crypt, always 1000 rounds */
PwResult
pw_parse_md5_crypt(Cursor *cursor, Parsed *parsed)
{
	if (!take_salt(cursor, 0, 8) || !pw_take(cursor, "$") || !take_encoded(cursor, 22, LAST_OF_128) ||
		!pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* ,rounds=904$salt$$hash: Sun's MD5, rounds optional, one or two signs before the hash */
PwResult
pw_parse_sun_md5(Cursor *cursor, Parsed *parsed)
{
	if (pw_take(cursor, ",rounds=") && !pw_take_number(cursor, &parsed->iterations))
		return PW_MALFORMED;
	if (parsed->iterations > PWHASH_CRYPT_ROUNDS_MAX)
		return PW_TOO_COSTLY;
	if (!pw_take(cursor, "$") || !take_salt(cursor, 1, 64) || !pw_take(cursor, "$"))
		return PW_MALFORMED;
	(void) pw_take(cursor, "$");
	return take_encoded(cursor, 22, LAST_OF_128) && pw_at_end(cursor) ? PW_MATCH : PW_MALFORMED;
}

/* 40000$salt$hash: HMAC-SHA1 of NetBSD */
PwResult
pw_parse_sha1_crypt(Cursor *cursor, Parsed *parsed)
{
	PwResult result;

	if (!pw_take_number(cursor, &parsed->iterations))
		return PW_MALFORMED;
	result = judge_rounds(parsed->iterations, 1);
	if (result != PW_MATCH)
		return result;
	if (!pw_take(cursor, "$") || !take_salt(cursor, 1, 64) || !pw_take(cursor, "$") ||
		!take_encoded(cursor, 28, CRYPT_ALPHABET) || !pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* $ and 32 hexadecimal digits: MD4 of Windows NT */
PwResult
pw_parse_nt(Cursor *cursor, Parsed *parsed)
{
	uint8_t digest[16];
	size_t length;

	if (!pw_take(cursor, "$") || !pw_take_hex(cursor, sizeof(digest), sizeof(digest), digest, &length) ||
		!pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

static uint32_t
crypt_digit(char c)
{
	return (uint32_t) (strchr(CRYPT_ALPHABET, c) - CRYPT_ALPHABET);
}

/* A number of exactly n characters, low bits first. */
static bool
take_crypt_number(Cursor *cursor, size_t n, uint32_t *number)
{
	const char *p = cursor->p;
	size_t i;

	*number = 0;
	if (!take_encoded(cursor, n, CRYPT_ALPHABET))
		return false;
	for (i = 0; i < n; i++)
		*number |= crypt_digit(p[i]) << (6 * i);
	return true;
}

/* J9..saltHASH: DES of BSDI, four characters each of rounds and salt; 64 bits in 11 characters, high bits first */
PwResult
pw_parse_bsdi(Cursor *cursor, Parsed *parsed)
{
	PwResult result;

	if (parsed->stored.length != BSDI_LENGTH || !take_crypt_number(cursor, 4, &parsed->iterations))
		return PW_MALFORMED;
	result = judge_rounds(parsed->iterations, 1);
	if (result != PW_MATCH)
		return result;
	if (!take_encoded(cursor, 4, CRYPT_ALPHABET) || !take_encoded(cursor, 11, ".26AEIMQUYcgkosw") || !pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* CU..../....salt$hash: log2 N in one character, r and p in five each */
PwResult
pw_parse_scrypt_crypt(Cursor *cursor, Parsed *parsed)
{
	uint32_t log_n;
	PwResult result;

	if (!take_crypt_number(cursor, 1, &log_n) || !take_crypt_number(cursor, 5, &parsed->r) ||
		!take_crypt_number(cursor, 5, &parsed->parallelism))
		return PW_MALFORMED;
	parsed->n = UINT64_C(1) << log_n;
	result = pw_judge_scrypt(parsed);
	if (result != PW_MATCH)
		return result;
	if (!take_salt(cursor, 0, 86) || !pw_take(cursor, "$") || !take_encoded(cursor, 43, LAST_OF_256) ||
		!pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/*
 * yescrypt's numbers from 1 on: the first character says how many follow, the way UTF-8 does.  Up to 48 one character
 * is enough, up to 560 two; larger ones would be costs far above the bounds, and are read as the largest number.
 */
static bool
take_yescrypt_number(Cursor *cursor, uint32_t *number)
{
	uint32_t first;
	uint32_t second;

	if (!take_crypt_number(cursor, 1, &first))
		return false;
	*number = 1 + first;
	if (first <= 47)
		return true;
	*number = UINT32_MAX;
	if (first > 55)
		return true;
	if (!take_crypt_number(cursor, 1, &second))
		return false;
	*number = 49 + (first - 48) * 64 + second;
	return true;
}

/* A salt of whole bytes, at most 64: the library refuses spare bits, when it is called. */
static bool
take_yescrypt_salt(Cursor *cursor)
{
	const char *start = cursor->p;
	size_t n;

	if (!take_salt(cursor, 0, 86))
		return false;
	n = (size_t) (cursor->p - start);
	return n % 4 == 0 || (n % 4 == 2 && strchr(LAST_OF_128, cursor->p[-1]) != NULL) ||
		   (n % 4 == 3 && strchr(LAST_OF_256, cursor->p[-1]) != NULL);
}

/*
 * 9T$salt$hash: log2 N and r, after the flavour "j", as crypt_gensalt(3) writes them.  The library refuses other
 * flavours only when it is called; further numbers are not accepted.
 */
PwResult
pw_parse_yescrypt(Cursor *cursor, Parsed *parsed)
{
	uint32_t log_n;
	PwResult result;

	if (!pw_take(cursor, "j") || !take_yescrypt_number(cursor, &log_n) || !take_yescrypt_number(cursor, &parsed->r))
		return PW_MALFORMED;
	parsed->n = UINT64_C(1) << (log_n > 63 ? 63 : log_n);
	parsed->parallelism = 1;
	result = pw_judge_scrypt(parsed);
	if (result != PW_MATCH)
		return result;
	if (!pw_take(cursor, "$") || !take_yescrypt_salt(cursor) || !pw_take(cursor, "$") ||
		!take_encoded(cursor, 43, LAST_OF_256) || !pw_at_end(cursor))
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

	if (made == NULL || made[0] == '*')
		return PW_FAILED;
	if (strlen(made) != parsed->stored.length || !bytes_equal(made, parsed->stored.data, parsed->stored.length))
		return PW_MISMATCH;
	return PW_MATCH;
}

/*
 * crypt(3) stops at a NUL and reads fewer than CRYPT_MAX_PASSPHRASE_SIZE bytes: a password it would not read completely
 * costs the same and never matches.  bcrypt reads only 72 bytes by definition: passwords that agree in them are equal.
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

/* Runs bcrypt over a text of a digest, which it reads whole. */
static PwResult
verify_bcrypt_of(const Parsed *parsed, bool made, char *text, size_t length)
{
	PwResult result = made ? pw_verify_crypt(parsed, (Slice){text, length}, NULL) : PW_FAILED;

	bytes_wipe(text, length);
	return result;
}

/* Django's bcrypt_sha256: over the hexadecimal SHA-256 of the password. */
PwResult
pw_verify_bcrypt_sha256(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t digest[DIGEST_MAX];
	char text[2 * SHA256_SIZE + 1] = "";
	bool made = crypto_sha256(password.data, password.length, digest);

	if (made)
		bytes_hex_encode(digest, SHA256_SIZE, text);
	bytes_wipe(digest, sizeof(digest));
	return verify_bcrypt_of(parsed, made, text, 2 * SHA256_SIZE);
}

/* WordPress 6.8: over the base64 of HMAC-SHA384 of the password with a fixed key, 64 characters without padding. */
PwResult
pw_verify_bcrypt_wordpress(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t mac[DIGEST_MAX];
	char text[64] = "";
	bool made = crypto_hmac(DIGEST_SHA384, slice_of("wp-sha384"), password, mac);

	if (made)
		b64_encode(BASE64_STANDARD, mac, 48, text);
	bytes_wipe(mac, sizeof(mac));
	return verify_bcrypt_of(parsed, made, text, sizeof(text));
}
