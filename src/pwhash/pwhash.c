/*
 * pwhash.c
 *		Password hash strings: one table of schemes, parse, verify, make.
 *
 * Owns the table of schemes.  A string is parsed completely, and its costs
 * compared with the bounds, before any work is done.  Never keeps a password,
 * never decides which scheme is good enough for a user, and never logs.
 *
 * Threats: a stored hash whose cost stops the server; a clear-text password
 * imported as a hash; an early exit whose time leaks information.
 */
#include <stdio.h>
#include <string.h>

#include <argon2.h>

#include "crypto/crypto.h"
#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define MADE_SIZE 32 /* of hashes that pwhash_make writes */

/* The first matching prefix decides: "$pbkdf2-sha256$i=" must precede "$pbkdf2-sha256$". */
static const Scheme schemes[] = {
	{"$argon2id$", "argon2id", pw_parse_argon2, pw_verify_argon2, Argon2_id},
	{"$argon2i$", "argon2i", pw_parse_argon2, pw_verify_argon2, Argon2_i},
	{"$argon2d$", "argon2d", pw_parse_argon2, pw_verify_argon2, Argon2_d},
	{"argon2$argon2id$", "argon2id", pw_parse_argon2, pw_verify_argon2, Argon2_id},
	{"argon2$argon2i$", "argon2i", pw_parse_argon2, pw_verify_argon2, Argon2_i},
	{"argon2$argon2d$", "argon2d", pw_parse_argon2, pw_verify_argon2, Argon2_d},
	{"$scrypt$", "scrypt", pw_parse_scrypt, pw_verify_scrypt, 0},
	{"scrypt$", "scrypt", pw_parse_scrypt_django, pw_verify_scrypt, 0},
	{"$pbkdf2-sha256$i=", "pbkdf2", pw_parse_pbkdf2_phc, pw_verify_pbkdf2, DIGEST_SHA256},
	{"$pbkdf2-sha512$i=", "pbkdf2", pw_parse_pbkdf2_phc, pw_verify_pbkdf2, DIGEST_SHA512},
	{"$pbkdf2-sha256$", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA256},
	{"$pbkdf2-sha512$", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA512},
	{"$pbkdf2$", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA1},
	{"pbkdf2_sha256$", "pbkdf2", pw_parse_pbkdf2_django, pw_verify_pbkdf2, DIGEST_SHA256},
	{"pbkdf2_sha1$", "pbkdf2", pw_parse_pbkdf2_django, pw_verify_pbkdf2, DIGEST_SHA1},
	{"$2a$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2b$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2y$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$5$", "sha-crypt", pw_parse_sha_crypt, pw_verify_crypt, 43},
	{"$6$", "sha-crypt", pw_parse_sha_crypt, pw_verify_crypt, 86},
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

/* The scheme whose prefix the string has; moves the cursor behind it. */
static const Scheme *
find_scheme(Cursor *cursor)
{
	size_t i;

	for (i = 0; i < SCHEME_COUNT; i++)
		if (pw_take(cursor, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

/* PW_MATCH, with *parsed filled, for a string that can be verified. */
static PwResult
parse(Slice stored, Parsed *parsed)
{
	Cursor cursor = {stored.data, stored.data};

	memset(parsed, 0, sizeof(*parsed));
	if (stored.length > PWHASH_MAX)
		return PW_MALFORMED;
	cursor.end += stored.length;
	parsed->stored = stored;
	parsed->scheme = find_scheme(&cursor);
	return parsed->scheme != NULL ? parsed->scheme->parse(&cursor, parsed) : PW_MALFORMED;
}

/* An overlong password costs as much as its first PWHASH_PASSWORD_MAX bytes, and does not match. */
PwResult
pwhash_verify(Slice stored, Slice password, const PwArena *arena)
{
	bool overlong = password.length > PWHASH_PASSWORD_MAX;
	Parsed parsed;
	PwResult result = parse(stored, &parsed);

	if (result != PW_MATCH)
		return result;
	if (overlong)
		password.length = PWHASH_PASSWORD_MAX;
	if (password.length == 0)
		password.data = ""; /* the libraries do not accept NULL */
	result = parsed.scheme->verify(&parsed, password, arena);
	return result == PW_MATCH && overlong ? PW_MISMATCH : result;
}

/* Writes the PHC string, NUL-terminated; out takes PWHASH_MAX bytes. */
static void
write_argon2(const Parsed *parsed, char *out)
{
	int n = snprintf(out,
					 PWHASH_MAX,
					 "%sv=%u$m=%u,t=%u,p=%u$",
					 parsed->scheme->prefix,
					 parsed->version,
					 parsed->memory,
					 parsed->iterations,
					 parsed->parallelism);

	out += n;
	out += b64_encode(BASE64_STANDARD, parsed->salt, parsed->salt_length, out);
	*out++ = '$';
	out += b64_encode(BASE64_STANDARD, parsed->derived, parsed->derived_length, out);
	*out = '\0';
}

/* Refuses passwords that pwhash_verify would never match, and costs it would refuse. */
PwResult
pwhash_make(const PwCost *cost, const uint8_t salt[PWHASH_SALT_SIZE], Slice password, const PwArena *arena, char *out)
{
	Parsed parsed = {.scheme = &schemes[0],
					 .version = ARGON2_VERSION_13,
					 .memory = cost->memory,
					 .iterations = cost->iterations,
					 .parallelism = cost->parallelism,
					 .salt_length = PWHASH_SALT_SIZE,
					 .derived_length = MADE_SIZE};
	PwResult result = pw_judge_argon2(&parsed);

	out[0] = '\0';
	if (result != PW_MATCH)
		return result;
	if (password.length > PWHASH_PASSWORD_MAX)
		return PW_FAILED;
	if (password.length == 0)
		password.data = "";
	memcpy(parsed.salt, salt, PWHASH_SALT_SIZE);
	if (pw_derive_argon2(&parsed, password, arena, parsed.derived))
		write_argon2(&parsed, out);
	else
		result = PW_FAILED;
	bytes_wipe(&parsed, sizeof(parsed));
	return result;
}

/* Also true for strings that cannot be verified.  Lanes are compared exactly: more lanes are not stronger. */
bool
pwhash_needs_rehash(Slice stored, const PwCost *cost)
{
	Parsed parsed;

	return parse(stored, &parsed) != PW_MATCH || strcmp(parsed.scheme->name, schemes[0].name) != 0 ||
		   parsed.version != ARGON2_VERSION_13 || parsed.memory < cost->memory ||
		   parsed.iterations < cost->iterations || parsed.parallelism != cost->parallelism;
}

/*
 * A scheme that reads only part of a password also matches others with the same start.  bcrypt also reads the NUL after
 * a password: one that fills its 72 bytes may be the start of a longer one.
 */
size_t
pwhash_reads(Slice stored)
{
	Parsed parsed;

	if (parse(stored, &parsed) != PW_MATCH)
		return 0;
	return parsed.scheme->reads > 0 ? parsed.scheme->reads : PWHASH_PASSWORD_MAX;
}

/* Compares without regard to the case of ASCII letters, to recognise hashes in wrong case. */
static bool
begins_like(Slice text, const char *prefix)
{
	for (; *prefix; prefix++, text = slice_after(text, 1))
	{
		char c = text.length == 0 ? '\0' : *text.data;

		if (c != *prefix && !(c >= 'A' && c <= 'Z' && c + ('a' - 'A') == *prefix))
			return false;
	}
	return true;
}

/* True for one of our prefixes after white space, in wrong case, or (if long) without its first "$". */
static bool
resembles_scheme(Slice stored)
{
	size_t i;

	while (stored.length > 0 && *stored.data != '\0' && strchr(" \t\r\n\"'", *stored.data) != NULL)
		stored = slice_after(stored, 1);
	for (i = 0; i < SCHEME_COUNT; i++)
	{
		const char *prefix = schemes[i].prefix;

		if (begins_like(stored, prefix) || (strlen(prefix) > 6 && *prefix == '$' && begins_like(stored, prefix + 1)))
			return true;
	}
	return false;
}

#define ALPHANUMERIC "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool
consists_of(Slice text, const char *set)
{
	for (; text.length > 0; text = slice_after(text, 1))
		if (*text.data == '\0' || strchr(set, *text.data) == NULL)
			return false;
	return true;
}

/* True for "$1$", "{SSHA}", "sha1$" and the like: marks of other schemes. */
static bool
has_scheme_mark(Slice stored)
{
	static const char *const foreign[] = {
		"md5$", "sha1$", "bcrypt$", "bcrypt_sha256$", "pbkdf2_sha512$", "pbkdf2:", "scrypt:", "scram-sha-256$", "md5:"};
	char close = stored.length == 0 ? '\0' : *stored.data == '{' ? '}' : *stored.data == '$' ? '$' : '\0';
	const char *end = close ? memchr(stored.data + 1, close, stored.length - 1) : NULL;
	size_t n = end == NULL ? 0 : (size_t) (end - stored.data) - 1;
	size_t i;

	if (n > 0 && n < 24 && consists_of((Slice){stored.data + 1, n}, ALPHANUMERIC "-_."))
		return true;
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (begins_like(stored, foreign[i]))
			return true;
	return false;
}

/* True for a hexadecimal digest of a usual length, or a DES hash of crypt(3): two characters of salt and 64 bits. */
static bool
is_bare_digest(Slice stored)
{
	size_t length = stored.length;

	if (length == 13)
		return consists_of((Slice){stored.data, 12}, "./" ALPHANUMERIC) &&
			   consists_of(slice_after(stored, 12), ".26AEIMQUYcgkosw");
	return (length == 32 || length == 40 || length == 56 || length == 64 || length == 96 || length == 128) &&
		   consists_of(stored, "0123456789abcdefABCDEF");
}

/* For import reports.  Our schemes take precedence over unsupported ones, and both over clear text. */
PwFault
pwhash_fault(Slice stored)
{
	Parsed parsed;

	switch (parse(stored, &parsed))
	{
		case PW_MATCH:
			return PW_FAULT_NONE;
		case PW_TOO_COSTLY:
			return PW_FAULT_TOO_COSTLY;
		case PW_TOO_CHEAP:
			return PW_FAULT_TOO_CHEAP;
		default:
			break;
	}
	if (stored.length > PWHASH_MAX)
		stored.length = PWHASH_MAX;
	if (parsed.scheme != NULL || resembles_scheme(stored))
		return PW_FAULT_SPELLING;
	return has_scheme_mark(stored) || is_bare_digest(stored) ? PW_FAULT_UNSUPPORTED : PW_FAULT_CLEAR_TEXT;
}

/* Indexed by PwFault. */
static const struct
{
	const char *text;
	const char *hint;
} faults[] = {
	{"", ""},
	{"It does not begin like any password hash, so it may be a password in clear.",
	 "To set a password in clear, call djust_auth.set_password()."},
	{"It begins like a hash of a known scheme, but is cut off, altered, or not in that scheme's canonical spelling.",
	 "Import the hash whole and exactly as the other system wrote it, without white space or quotes around it."},
	{"Its cost is higher than what is accepted: checking it could stop the server.",
	 "Create the user without a hash; a reset mail lets the user choose a new password."},
	{"Its cost is lower than what its scheme allows.",
	 "Create the user without a hash; a reset mail lets the user choose a new password."},
	{"It has the form of a hash of a scheme that cannot be checked here.",
	 "Argon2, scrypt, PBKDF2, bcrypt and sha-crypt can be checked. Otherwise create the user without a hash; "
	 "a reset mail lets the user choose a new password."},
};

const char *
pwhash_fault_text(PwFault fault)
{
	return faults[fault].text;
}

const char *
pwhash_fault_hint(PwFault fault)
{
	return faults[fault].hint;
}
