/*
 * pwkdf.c
 *		scrypt and PBKDF2, by OpenSSL, in the spellings of PHC, passlib, Django,
 *		Werkzeug, Spring, better-auth, Firebase and ASP.NET.
 */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "pwhash/pwscheme.h"
#include "text/bytes.h"
#include "text/unicode.h"

#define SCRYPT_LONG 64 /* bytes that Django, Werkzeug and better-auth derive */

/* scrypt */

/*
 * N is a power of two above 1 and below 2^(16 * r) (RFC 7914 section 2).  The memory is N + p blocks of 128 * r bytes:
 * with a small N and a large r the second part dominates, so both are bounded, by division.
 */
PwResult
pw_judge_scrypt(const Parsed *parsed)
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

/* log2 N after its name, then ",r=8,p=1" */
static PwResult
take_scrypt_costs(Cursor *cursor, const char *name, Parsed *parsed)
{
	uint32_t log_n;

	if (!pw_take_named(cursor, name, &log_n) || !pw_take_named(cursor, ",r=", &parsed->r) ||
		!pw_take_named(cursor, ",p=", &parsed->parallelism))
		return PW_MALFORMED;
	parsed->n = UINT64_C(1) << (log_n > 63 ? 63 : log_n);
	return pw_judge_scrypt(parsed);
}

/* ln=16,r=8,p=1$salt$hash, as PHC and passlib write it */
PwResult
pw_parse_scrypt(Cursor *cursor, Parsed *parsed)
{
	PwResult result = take_scrypt_costs(cursor, "ln=", parsed);

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
	result = pw_judge_scrypt(parsed);
	if (result == PW_MATCH &&
		(!pw_take(cursor, "$") ||
		 !pw_take_base64(cursor, PADDED, SCRYPT_LONG, PW_DERIVED_MAX, parsed->derived, &parsed->derived_length) ||
		 !pw_at_end(cursor)))
		result = PW_MALFORMED;
	return result;
}

/* 32768:8:1$salt$hash, as Werkzeug writes it: 64 bytes in hexadecimal */
PwResult
pw_parse_scrypt_werkzeug(Cursor *cursor, Parsed *parsed)
{
	uint32_t n;
	PwResult result;

	if (!pw_take_number(cursor, &n) || !pw_take_named(cursor, ":", &parsed->r) ||
		!pw_take_named(cursor, ":", &parsed->parallelism))
		return PW_MALFORMED;
	parsed->n = n;
	result = pw_judge_scrypt(parsed);
	if (result == PW_MATCH && (!pw_take(cursor, "$") || !pw_take_salt_text(cursor, parsed) || !pw_take(cursor, "$") ||
							   !pw_take_derived_hex(cursor, SCRYPT_LONG, parsed)))
		result = PW_MALFORMED;
	return result;
}

/* e0801$salt$hash, as Spring writes it: log2 N, r and p as hexadecimal digits of one number, then padded base64 */
PwResult
pw_parse_scrypt_spring(Cursor *cursor, Parsed *parsed)
{
	Cursor field = pw_take_field(cursor);
	size_t digits = (size_t) (field.end - field.p);
	char text[6] = {'0', '0', '0', '0', '0', '0'};
	uint8_t cost[3];
	PwResult result;

	if (digits < 5 || digits > sizeof(text))
		return PW_MALFORMED;
	memcpy(text + sizeof(text) - digits, field.p, digits);
	if (!bytes_hex_decode((Slice){text, sizeof(text)}, cost, sizeof(cost)))
		return PW_MALFORMED;
	parsed->n = UINT64_C(1) << (cost[0] > 63 ? 63 : cost[0]);
	parsed->r = cost[1];
	parsed->parallelism = cost[2];
	result = pw_judge_scrypt(parsed);
	if (result == PW_MATCH && !pw_take_tail(cursor, PADDED, 1, PW_SALT_MAX, parsed))
		result = PW_MALFORMED;
	return result;
}

/* salt:hash, both in hexadecimal, as better-auth writes it; its costs are fixed, and its salt is the text of digits */
PwResult
pw_parse_scrypt_better_auth(Cursor *cursor, Parsed *parsed)
{
	size_t digits = 32;
	uint8_t salt[16];

	if ((size_t) (cursor->end - cursor->p) < digits ||
		!bytes_hex_decode((Slice){cursor->p, digits}, salt, sizeof(salt)))
		return PW_MALFORMED;
	memcpy(parsed->salt, cursor->p, digits);
	parsed->salt_length = digits;
	cursor->p += digits;
	parsed->n = 16384;
	parsed->r = 16;
	parsed->parallelism = 1;
	return pw_take(cursor, ":") && pw_take_derived_hex(cursor, SCRYPT_LONG, parsed) ? PW_MATCH : PW_MALFORMED;
}

/* ",ss=Bw==,sk=key": the separator, which is optional, goes behind the salt */
static bool
take_firebase_key(Cursor *cursor, Parsed *parsed, size_t *key_length)
{
	if (pw_take(cursor, ",ss="))
	{
		const char *comma = memchr(cursor->p, ',', (size_t) (cursor->end - cursor->p));
		size_t n = comma != NULL ? (size_t) (comma - cursor->p) : 0;
		size_t length;

		if (n % 4 != 0 || !b64_decode(BASE64_STANDARD,
									  (Slice){cursor->p, n},
									  parsed->salt + parsed->salt_length,
									  PW_SALT_MAX - parsed->salt_length,
									  &length))
			return false;
		parsed->salt_length += length;
		cursor->p += n;
	}
	return pw_take(cursor, ",sk=") && pw_take_base64(cursor, PADDED, 16, PW_KEY_MAX, parsed->key, key_length) &&
		   pw_at_end(cursor);
}

/*
 * v=1,n=14,r=8,p=1,ss=Bw==,sk=key$salt$hash, as Supabase writes Firebase's hashes: the project's separator is appended
 * to the salt, and the project's signer key encrypted with what scrypt derives
 */
PwResult
pw_parse_scrypt_firebase(Cursor *cursor, Parsed *parsed)
{
	PwResult result = take_scrypt_costs(cursor, "v=1,n=", parsed);
	Cursor names;
	size_t key_length;

	if (result != PW_MATCH)
		return result;
	names = pw_take_field(cursor);
	if (!pw_take(cursor, "$") ||
		!pw_take_base64(cursor, PADDED, 1, PW_SALT_MAX / 2, parsed->salt, &parsed->salt_length) ||
		!pw_take(cursor, "$") || !take_firebase_key(&names, parsed, &key_length) ||
		!pw_take_base64(cursor, PADDED, key_length, key_length, parsed->derived, &parsed->derived_length) ||
		!pw_at_end(cursor))
		return PW_MALFORMED;
	return PW_MATCH;
}

/* The library allocates and wipes its own memory. */
static bool
derive_scrypt(const Parsed *parsed, Slice password, uint8_t *derived, size_t length)
{
	return crypto_scrypt(password.data,
						 password.length,
						 parsed->salt,
						 parsed->salt_length,
						 parsed->n,
						 parsed->r,
						 parsed->parallelism,
						 derived,
						 length);
}

PwResult
pw_verify_scrypt(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t derived[PW_DERIVED_MAX];

	return pw_compare(parsed, derive_scrypt(parsed, password, derived, parsed->derived_length), derived);
}

/* better-auth normalises passwords to NFKC. */
PwResult
pw_verify_scrypt_better_auth(const Parsed *parsed, Slice password, const PwArena *arena)
{
	size_t capacity = UNI_NFKC_GROWTH * password.length;
	char *text = malloc(capacity + 1);
	Slice normalized = password;
	PwResult result;

	if (text == NULL)
		return PW_FAILED;
	if (!uni_normalize(UNI_NFKC, password, text, capacity, &normalized))
		normalized = password; /* not UTF-8 */
	result = pw_verify_scrypt(parsed, normalized, arena);
	bytes_wipe(text, capacity);
	free(text);
	return result;
}

PwResult
pw_verify_scrypt_firebase(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t aes_key[AES_256_KEY_SIZE];
	uint8_t derived[PW_DERIVED_MAX];
	bool made = derive_scrypt(parsed, password, aes_key, sizeof(aes_key)) &&
				crypto_aes_256_ctr(aes_key, parsed->key, parsed->derived_length, derived);

	bytes_wipe(aes_key, sizeof(aes_key));
	return pw_compare(parsed, made, derived);
}

/* PBKDF2 */

static PwResult
judge_pbkdf2(const Parsed *parsed)
{
	if (parsed->iterations == 0)
		return PW_TOO_CHEAP;
	return parsed->iterations > PWHASH_PBKDF2_ITERATIONS_MAX ? PW_TOO_COSTLY : PW_MATCH;
}

/* The iterations, which are the only cost, after the digest that the scheme's prefix names. */
static PwResult
take_iterations(Cursor *cursor, Parsed *parsed)
{
	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	if (!pw_take_number(cursor, &parsed->iterations))
		return PW_MALFORMED;
	return judge_pbkdf2(parsed);
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
							   parsed->derived_length != crypto_digest_size(parsed->digest)))
		result = PW_MALFORMED;
	return result;
}

/* 260000$salt$hash, the hash padded and as long as the digest */
PwResult
pw_parse_pbkdf2_django(Cursor *cursor, Parsed *parsed)
{
	PwResult result = take_iterations(cursor, parsed);
	size_t size = crypto_digest_size(parsed->digest);

	if (result == PW_MATCH &&
		(!pw_take(cursor, "$") || !pw_take_salt_text(cursor, parsed) || !pw_take(cursor, "$") ||
		 !pw_take_base64(cursor, PADDED, size, size, parsed->derived, &parsed->derived_length) || !pw_at_end(cursor)))
		result = PW_MALFORMED;
	return result;
}

/* 600000$salt$hash, as Werkzeug writes it: as many bytes as the digest has, in hexadecimal */
PwResult
pw_parse_pbkdf2_werkzeug(Cursor *cursor, Parsed *parsed)
{
	PwResult result = take_iterations(cursor, parsed);

	if (result == PW_MATCH && (!pw_take(cursor, "$") || !pw_take_salt_text(cursor, parsed) || !pw_take(cursor, "$") ||
							   !pw_take_derived_hex(cursor, crypto_digest_size(parsed->digest), parsed)))
		result = PW_MALFORMED;
	return result;
}

/*
 * Salt and 32 bytes in hexadecimal, as Spring writes them; the mark names one of two sets of costs, whose salts are as
 * long as the variant.
 */
PwResult
pw_parse_pbkdf2_spring(Cursor *cursor, Parsed *parsed)
{
	bool old = parsed->scheme->variant == 8;
	uint8_t bytes[16 + 32];
	size_t length;

	parsed->digest = old ? DIGEST_SHA1 : DIGEST_SHA256;
	parsed->iterations = old ? 185000 : 310000;
	parsed->salt_length = (size_t) parsed->scheme->variant;
	parsed->derived_length = 32;
	if (!pw_take_hex(cursor, parsed->salt_length + 32, parsed->salt_length + 32, bytes, &length) || !pw_at_end(cursor))
		return PW_MALFORMED;
	memcpy(parsed->salt, bytes, parsed->salt_length);
	memcpy(parsed->derived, bytes + parsed->salt_length, 32);
	return PW_MATCH;
}

static uint32_t
big_endian(const uint8_t *p)
{
	return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 | p[3];
}

#define ASPNET_HEADER 13 /* a byte 1, then digest, iterations and length of the salt, each in four bytes */

/* All in base64, as ASP.NET Core Identity writes version 3 */
PwResult
pw_parse_pbkdf2_aspnet(Cursor *cursor, Parsed *parsed)
{
	static const CryptoDigest digests[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512};
	uint8_t bytes[ASPNET_HEADER + PW_SALT_MAX];
	size_t length;
	uint32_t digest;
	PwResult result;

	cursor->p = parsed->stored.data;
	if (!pw_take_base64(cursor, PADDED, ASPNET_HEADER + 16 + 16, sizeof(bytes), bytes, &length) || !pw_at_end(cursor))
		return PW_MALFORMED;
	digest = big_endian(bytes + 1);
	parsed->iterations = big_endian(bytes + 5);
	parsed->salt_length = big_endian(bytes + 9);
	if (digest >= sizeof(digests) / sizeof(digests[0]) || parsed->salt_length < 16 ||
		parsed->salt_length > length - ASPNET_HEADER - 16)
		return PW_MALFORMED;
	result = judge_pbkdf2(parsed);
	parsed->digest = digests[digest];
	parsed->derived_length = length - ASPNET_HEADER - parsed->salt_length;
	memcpy(parsed->salt, bytes + ASPNET_HEADER, parsed->salt_length);
	memcpy(parsed->derived, bytes + ASPNET_HEADER + parsed->salt_length, parsed->derived_length);
	return result;
}

/* Derives as many bytes as were stored. */
PwResult
pw_verify_pbkdf2(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t derived[PW_DERIVED_MAX];
	bool made;

	made = crypto_pbkdf2(parsed->digest,
						 password.data,
						 password.length,
						 parsed->salt,
						 parsed->salt_length,
						 parsed->iterations,
						 derived,
						 parsed->derived_length);
	return pw_compare(parsed, made, derived);
}
