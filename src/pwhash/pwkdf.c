/*
 * pwkdf.c
 *		scrypt and PBKDF2 in the spellings of PHC, passlib and Django, by OpenSSL.
 */
#include "crypto/crypto.h"
#include "pwhash/pwscheme.h"

#define SCRYPT_DJANGO_SIZE 64

/* scrypt */

/*
 * N is a power of two above 1 and below 2^(16 * r) (RFC 7914 section 2).  The memory is N + p blocks of 128 * r bytes:
 * with a small N and a large r the second part dominates, so both are bounded, by division.
 */
static PwResult
judge_scrypt(const Parsed *parsed)
{
	uint64_t n = parsed->n;
	uint64_t blocks_max;

	if (n < 2 || parsed->r == 0 || parsed->parallelism == 0)
		return PW_TOO_CHEAP;
	if ((n & (n - 1)) != 0)
		return PW_MALFORMED;
	if (parsed->r < 4 && n >> (16 * parsed->r) != 0)
		return PW_MALFORMED;
	blocks_max = PWHASH_SCRYPT_MEMORY_MAX / 128 / parsed->r;
	if (parsed->parallelism > PWHASH_SCRYPT_PARALLELISM_MAX || n > blocks_max || parsed->parallelism > blocks_max)
		return PW_TOO_COSTLY;
	return PW_MATCH;
}

/* ln=16,r=8,p=1$salt$hash, as PHC and passlib write it */
PwResult
pw_parse_scrypt(Cursor *cursor, Parsed *parsed)
{
	uint32_t log_n;
	PwResult result;

	if (!pw_take_named(cursor, "ln=", &log_n) || !pw_take_named(cursor, ",r=", &parsed->r) ||
		!pw_take_named(cursor, ",p=", &parsed->parallelism))
		return PW_MALFORMED;
	parsed->n = UINT64_C(1) << (log_n > 63 ? 63 : log_n);
	result = judge_scrypt(parsed);
	if (result != PW_MATCH)
		return result;
	return pw_take_tail(cursor, PHC, 1, PW_SALT_MAX, parsed) ? PW_MATCH : PW_MALFORMED;
}

/* 16384$salt$8$5$hash: Django writes N before the salt and derives 64 bytes */
PwResult
pw_parse_scrypt_django(Cursor *cursor, Parsed *parsed)
{
	uint32_t n;
	PwResult result;

	if (!pw_take_number(cursor, &n) || !pw_take(cursor, "$") || !pw_take_salt_text(cursor, parsed) ||
		!pw_take_named(cursor, "$", &parsed->r) || !pw_take_named(cursor, "$", &parsed->parallelism))
		return PW_MALFORMED;
	parsed->n = n;
	result = judge_scrypt(parsed);
	if (result == PW_MATCH &&
		(!pw_take(cursor, "$") ||
		 !pw_take_base64(
			 cursor, DJANGO, SCRYPT_DJANGO_SIZE, PW_DERIVED_MAX, parsed->derived, &parsed->derived_length) ||
		 !pw_at_end(cursor)))
		result = PW_MALFORMED;
	return result;
}

/* The library allocates and wipes its own memory. */
PwResult
pw_verify_scrypt(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t derived[PW_DERIVED_MAX];
	bool made = crypto_scrypt(password.data,
							  password.length,
							  parsed->salt,
							  parsed->salt_length,
							  parsed->n,
							  parsed->r,
							  parsed->parallelism,
							  derived,
							  parsed->derived_length);

	return pw_compare(parsed, made, derived);
}

/* PBKDF2 */

static size_t
digest_size(int variant)
{
	return variant == DIGEST_SHA512 ? 64 : variant == DIGEST_SHA256 ? 32 : 20;
}

/* The iterations, which are the only cost. */
static PwResult
take_iterations(Cursor *cursor, Parsed *parsed)
{
	if (!pw_take_number(cursor, &parsed->iterations))
		return PW_MALFORMED;
	if (parsed->iterations == 0)
		return PW_TOO_CHEAP;
	return parsed->iterations > PWHASH_PBKDF2_ITERATIONS_MAX ? PW_TOO_COSTLY : PW_MATCH;
}

/* 310000,l=32$salt$hash after "i=", as in PHC strings; l is optional */
PwResult
pw_parse_pbkdf2_phc(Cursor *cursor, Parsed *parsed)
{
	uint32_t length = 0;
	bool stated;
	PwResult result = take_iterations(cursor, parsed);

	if (result != PW_MATCH)
		return result;
	stated = pw_take(cursor, ",l=");
	if ((stated && !pw_take_number(cursor, &length)) || !pw_take_tail(cursor, PHC, 1, PW_SALT_MAX, parsed) ||
		(stated && length != parsed->derived_length))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* 29000$salt$hash; passlib derives as many bytes as the digest has */
PwResult
pw_parse_pbkdf2_passlib(Cursor *cursor, Parsed *parsed)
{
	PwResult result = take_iterations(cursor, parsed);

	if (result == PW_MATCH && (!pw_take_tail(cursor, PASSLIB, 1, PW_SALT_MAX, parsed) ||
							   parsed->derived_length != digest_size(parsed->scheme->variant)))
		result = PW_MALFORMED;
	return result;
}

/* 260000$salt$hash, the hash padded and as long as the digest */
PwResult
pw_parse_pbkdf2_django(Cursor *cursor, Parsed *parsed)
{
	size_t size = digest_size(parsed->scheme->variant);
	PwResult result = take_iterations(cursor, parsed);

	if (result == PW_MATCH &&
		(!pw_take(cursor, "$") || !pw_take_salt_text(cursor, parsed) || !pw_take(cursor, "$") ||
		 !pw_take_base64(cursor, DJANGO, size, size, parsed->derived, &parsed->derived_length) || !pw_at_end(cursor)))
		result = PW_MALFORMED;
	return result;
}

/* Derives as many bytes as were stored. */
PwResult
pw_verify_pbkdf2(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t derived[PW_DERIVED_MAX];
	bool made = crypto_pbkdf2((CryptoDigest) parsed->scheme->variant,
							  password.data,
							  password.length,
							  parsed->salt,
							  parsed->salt_length,
							  parsed->iterations,
							  derived,
							  parsed->derived_length);

	return pw_compare(parsed, made, derived);
}
