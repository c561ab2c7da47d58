/*
 * pwdigest.c
 *		Salted digests, of Django, LDAP and Spring, and repeated digests: phpass,
 *		Drupal, Spring's StandardPasswordEncoder.
 *
 * One digest is far too cheap to guess: these hashes are replaced at the next
 * good login like all that are imported.
 *
 * Threat: password and digests left in freed memory.
 */
#include <string.h>

#include "crypto/crypto.h"
#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define PHPASS_ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define PHPASS_SALT_SIZE 8
#define SPRING_ITERATIONS 1024

static Slice
salt_of(const Parsed *parsed)
{
	return (Slice){(const char *) parsed->salt, parsed->salt_length};
}

static PwResult
compare_digest(const Parsed *parsed, Slice first, Slice second)
{
	uint8_t derived[PW_DERIVED_MAX];

	return pw_compare(parsed, crypto_digest(parsed->digest, first, second, derived), derived);
}

PwResult
pw_verify_salt_first(const Parsed *parsed, Slice password, const PwArena *arena)
{
	return compare_digest(parsed, salt_of(parsed), password);
}

PwResult
pw_verify_salt_last(const Parsed *parsed, Slice password, const PwArena *arena)
{
	return compare_digest(parsed, password, salt_of(parsed));
}

/* salt$hash, the hash in hexadecimal; without a salt, as Django's oldest hashes are, "$hash" */
PwResult
pw_parse_digest_django(Cursor *cursor, Parsed *parsed)
{
	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	if (!pw_take(cursor, "$") && (!pw_take_salt_text(cursor, parsed) || !pw_take(cursor, "$")))
		return PW_MALFORMED;
	return pw_take_derived_hex(cursor, crypto_digest_size(parsed->digest), parsed) ? PW_MATCH : PW_MALFORMED;
}

/* Only hexadecimal digits: Django's unsalted MD5, and that of many a shop of its own making */
PwResult
pw_parse_digest_bare(Cursor *cursor, Parsed *parsed)
{
	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	return pw_take_derived_hex(cursor, crypto_digest_size(parsed->digest), parsed) ? PW_MATCH : PW_MALFORMED;
}

/* Base64 of a digest and of a salt of at most salt_max bytes. */
static bool
take_ldap(Cursor *cursor, Parsed *parsed, size_t salt_min, size_t salt_max)
{
	uint8_t bytes[PW_DERIVED_MAX];
	size_t size = crypto_digest_size(parsed->digest);
	size_t length;

	if (!pw_take_base64(cursor, PADDED, size + salt_min, size + salt_max, bytes, &length) || !pw_at_end(cursor))
		return false;
	parsed->derived_length = size;
	parsed->salt_length = length - size;
	memcpy(parsed->derived, bytes, size);
	memcpy(parsed->salt, bytes + size, parsed->salt_length);
	return true;
}

/* RFC 2307 without a salt; Spring gives the same mark to a hash in its own form */
PwResult
pw_parse_digest_ldap(Cursor *cursor, Parsed *parsed)
{
	Cursor start = *cursor;

	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	if (take_ldap(cursor, parsed, 0, 0))
		return PW_MATCH;
	*cursor = start;
	return pw_parse_digest_spring(cursor, parsed);
}

PwResult
pw_parse_digest_ldap_salted(Cursor *cursor, Parsed *parsed)
{
	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	return take_ldap(cursor, parsed, 1, 64) ? PW_MATCH : PW_MALFORMED;
}

/* {salt}hash: the braces belong to the salt, which is optional; the hash in hexadecimal */
PwResult
pw_parse_digest_spring(Cursor *cursor, Parsed *parsed)
{
	size_t n = (size_t) (cursor->end - cursor->p);
	const char *close = n > 0 && *cursor->p == '{' ? memchr(cursor->p, '}', n) : NULL;

	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	if (close != NULL && !pw_keep_salt((Cursor){cursor->p, close + 1}, parsed))
		return PW_MALFORMED;
	if (close != NULL)
		cursor->p = close + 1;
	return pw_take_derived_hex(cursor, crypto_digest_size(parsed->digest), parsed) ? PW_MATCH : PW_MALFORMED;
}

/* Eight bytes of salt and 32 of hash, in hexadecimal */
PwResult
pw_parse_spring_standard(Cursor *cursor, Parsed *parsed)
{
	uint8_t bytes[8 + SHA256_SIZE];
	size_t length;

	parsed->digest = DIGEST_SHA256;
	if (!pw_take_hex(cursor, sizeof(bytes), sizeof(bytes), bytes, &length) || !pw_at_end(cursor))
		return PW_MALFORMED;
	parsed->salt_length = 8;
	parsed->derived_length = SHA256_SIZE;
	memcpy(parsed->salt, bytes, 8);
	memcpy(parsed->derived, bytes + 8, SHA256_SIZE);
	return PW_MATCH;
}

/*
 * A digest of salt and password, then rounds times a digest of the last digest and of the text that is repeated.
 */
static bool
repeat_digest(const Parsed *parsed, Slice password, Slice repeated, uint32_t rounds, uint8_t *derived)
{
	Slice last = {(const char *) derived, crypto_digest_size(parsed->digest)};
	bool made = crypto_digest(parsed->digest, salt_of(parsed), password, derived);

	for (; made && rounds > 0; rounds--)
		made = crypto_digest(parsed->digest, last, repeated, derived);
	return made;
}

PwResult
pw_verify_spring_standard(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t derived[PW_DERIVED_MAX];
	bool made = repeat_digest(parsed, password, (Slice){"", 0}, SPRING_ITERATIONS - 1, derived);

	return pw_compare(parsed, made, derived);
}

/* Six bits a character, low bits first: three bytes in four characters, what is left in two or three. */
static size_t
encode_phpass(const uint8_t *bytes, size_t n, char *out)
{
	uint32_t bits = 0;
	size_t length = 0;
	int held = 0;
	size_t i;

	for (i = 0; i < n; i++)
	{
		bits |= (uint32_t) bytes[i] << held;
		for (held += 8; held >= 6; held -= 6, bits >>= 6)
			out[length++] = PHPASS_ALPHABET[bits & 0x3f];
	}
	if (held > 0)
		out[length++] = PHPASS_ALPHABET[bits & 0x3f];
	return length;
}

/*
 * Bsalt....hash: log2 of the rounds, eight characters of salt, the hash in phpass's base64, of which Drupal keeps the
 * first 43 characters.  The characters are compared, not the bytes they encode.
 */
PwResult
pw_parse_phpass(Cursor *cursor, Parsed *parsed)
{
	size_t length = parsed->scheme->variant == DIGEST_MD5 ? 22 : 43;
	size_t i;
	uint32_t log_rounds;

	parsed->digest = (CryptoDigest) parsed->scheme->variant;
	if ((size_t) (cursor->end - cursor->p) != 1 + PHPASS_SALT_SIZE + length)
		return PW_MALFORMED;
	for (i = 0; i < 1 + PHPASS_SALT_SIZE + length; i++)
		if (cursor->p[i] == '\0' || strchr(PHPASS_ALPHABET, cursor->p[i]) == NULL)
			return PW_MALFORMED;
	log_rounds = (uint32_t) (strchr(PHPASS_ALPHABET, cursor->p[0]) - PHPASS_ALPHABET);
	if (log_rounds < 7)
		return PW_TOO_CHEAP;
	if (log_rounds > PWHASH_PHPASS_LOG_ROUNDS_MAX)
		return PW_TOO_COSTLY;
	parsed->iterations = UINT32_C(1) << log_rounds;
	parsed->salt_length = PHPASS_SALT_SIZE;
	parsed->derived_length = length;
	memcpy(parsed->salt, cursor->p + 1, PHPASS_SALT_SIZE);
	memcpy(parsed->derived, cursor->p + 1 + PHPASS_SALT_SIZE, length);
	return PW_MATCH;
}

PwResult
pw_verify_phpass(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t digest[DIGEST_MAX];
	uint8_t text[PW_DERIVED_MAX];
	bool made = repeat_digest(parsed, password, password, parsed->iterations, digest);

	if (made)
		encode_phpass(digest, crypto_digest_size(parsed->digest), (char *) text);
	bytes_wipe(digest, sizeof(digest));
	return pw_compare(parsed, made, text);
}
