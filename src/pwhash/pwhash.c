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

#define MADE_SIZE 32			/* of hashes that pwhash_make writes */

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
	{"$2a$", "bcrypt", pw_parse_bcrypt, pw_verify_bcrypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2b$", "bcrypt", pw_parse_bcrypt, pw_verify_bcrypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2y$", "bcrypt", pw_parse_bcrypt, pw_verify_bcrypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$5$", "sha-crypt", pw_parse_sha_crypt, pw_verify_sha_crypt, 43},
	{"$6$", "sha-crypt", pw_parse_sha_crypt, pw_verify_sha_crypt, 86}
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

/* The scheme whose prefix the string has; moves the cursor behind it. */
static const Scheme *
find_scheme(Cursor *cursor)
{
	size_t		i;

	for (i = 0; i < SCHEME_COUNT; i++)
		if (pw_take(cursor, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

/* PW_MATCH, with *parsed filled, for a string that can be verified. */
static PwResult
parse(const char *stored, size_t length, Parsed *parsed)
{
	Cursor		cursor;

	memset(parsed, 0, sizeof(*parsed));
	if (length > PWHASH_MAX)
		return PW_MALFORMED;
	parsed->stored = stored;
	parsed->length = length;
	cursor.p = stored;
	cursor.end = stored + length;
	parsed->scheme = find_scheme(&cursor);
	return parsed->scheme != NULL ? parsed->scheme->parse(&cursor, parsed) : PW_MALFORMED;
}

/* For imports: uses the parser of logins, so a string accepted here can be verified there. */
PwResult
pwhash_check(const char *stored, size_t length)
{
	Parsed		parsed;

	return parse(stored, length, &parsed);
}

/* An overlong password costs as much as its first PWHASH_PASSWORD_MAX bytes, and does not match. */
PwResult
pwhash_verify(const char *stored, size_t length, const char *password, size_t password_length,
			  const PwArena *arena)
{
	Parsed		parsed;
	Password	given = {password, password_length};
	PwResult	result = parse(stored, length, &parsed);

	if (result != PW_MATCH)
		return result;
	if (given.length > PWHASH_PASSWORD_MAX)
		given.length = PWHASH_PASSWORD_MAX;
	if (given.length == 0)
		given.bytes = "";		/* the libraries do not accept NULL */
	result = parsed.scheme->verify(&parsed, given, arena);
	return result == PW_MATCH && password_length > PWHASH_PASSWORD_MAX ? PW_MISMATCH : result;
}

/* Writes the PHC string, NUL-terminated; out takes PWHASH_MAX bytes. */
static void
write_argon2(const Parsed *parsed, char *out)
{
	int			n = snprintf(out, PWHASH_MAX, "%sv=%u$m=%u,t=%u,p=%u$", parsed->scheme->prefix, parsed->version,
							 parsed->memory, parsed->iterations, parsed->parallelism);

	out += n;
	out += b64_encode(parsed->salt, parsed->salt_length, out);
	*out++ = '$';
	out += b64_encode(parsed->derived, parsed->derived_length, out);
	*out = '\0';
}

/* Refuses passwords that pwhash_verify would never match, and costs it would refuse. */
PwResult
pwhash_make(const PwCost *cost, const uint8_t salt[PWHASH_SALT_SIZE],
			const char *password, size_t password_length, const PwArena *arena, char *out)
{
	Parsed		parsed = {.scheme = &schemes[0], .version = ARGON2_VERSION_13, .memory = cost->memory,
		.iterations = cost->iterations, .parallelism = cost->parallelism,
		.salt_length = PWHASH_SALT_SIZE, .derived_length = MADE_SIZE};
	Password	given = {password_length > 0 ? password : "", password_length};
	PwResult	result = pw_judge_argon2(&parsed);

	out[0] = '\0';
	if (result != PW_MATCH)
		return result;
	if (password_length > PWHASH_PASSWORD_MAX)
		return PW_FAILED;
	memcpy(parsed.salt, salt, PWHASH_SALT_SIZE);
	if (pw_derive_argon2(&parsed, given, arena, parsed.derived))
		write_argon2(&parsed, out);
	else
		result = PW_FAILED;
	bytes_wipe(&parsed, sizeof(parsed));
	return result;
}

/* Also true for strings that cannot be verified.  Lanes are compared exactly: more lanes are not stronger. */
bool
pwhash_needs_rehash(const char *stored, size_t length, const PwCost *cost)
{
	Parsed		parsed;

	return parse(stored, length, &parsed) != PW_MATCH ||
		strcmp(parsed.scheme->name, schemes[0].name) != 0 ||
		parsed.version != ARGON2_VERSION_13 ||
		parsed.memory < cost->memory ||
		parsed.iterations < cost->iterations ||
		parsed.parallelism != cost->parallelism;
}

/* Also for hashes that are too costly to verify, so that import reports can name the scheme. */
const char *
pwhash_scheme(const char *stored, size_t length)
{
	Parsed		parsed;

	return parse(stored, length, &parsed) != PW_MALFORMED ? parsed.scheme->name : NULL;
}

/*
 * A scheme that reads only part of a password also matches others with the same start.  bcrypt also reads the NUL after
 * a password: one that fills its 72 bytes may be the start of a longer one.
 */
size_t
pwhash_reads(const char *stored, size_t length)
{
	Parsed		parsed;

	if (parse(stored, length, &parsed) != PW_MATCH)
		return 0;
	return parsed.scheme->reads > 0 ? parsed.scheme->reads : PWHASH_PASSWORD_MAX;
}

/* Compares without regard to the case of ASCII letters, to recognise hashes in wrong case. */
static bool
begins_like(const char *text, size_t length, const char *prefix)
{
	for (; *prefix; prefix++, text++, length--)
	{
		char c = length > 0 && *text >= 'A' && *text <= 'Z' ? (char) (*text + ('a' - 'A')) : length > 0 ? *text : '\0';

		if (c != *prefix)
			return false;
	}
	return true;
}

/* True for one of our prefixes after white space, in wrong case, or (if long) without its first "$". */
static bool
resembles_scheme(const char *stored, size_t length)
{
	size_t		i;

	for (; length > 0 && strchr(" \t\r\n\"'", *stored) != NULL && *stored != '\0'; length--)
		stored++;
	for (i = 0; i < SCHEME_COUNT; i++)
	{
		const char *prefix = schemes[i].prefix;

		if (begins_like(stored, length, prefix) ||
			(strlen(prefix) > 6 && *prefix == '$' && begins_like(stored, length, prefix + 1)))
			return true;
	}
	return false;
}

#define ALPHANUMERIC "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool
consists_of(const char *text, size_t length, const char *set)
{
	while (length > 0)
		if (text[--length] == '\0' || strchr(set, text[length]) == NULL)
			return false;
	return true;
}

/* True for "$1$", "{SSHA}", "sha1$" and the like: marks of other schemes. */
static bool
has_scheme_mark(const char *stored, size_t length)
{
	static const char *const foreign[] = {
		"md5$", "sha1$", "bcrypt$", "bcrypt_sha256$", "pbkdf2_sha512$", "pbkdf2:", "scrypt:", "scram-sha-256$", "md5:"
	};
	char		close = length == 0 ? '\0' : *stored == '{' ? '}' : *stored == '$' ? '$' : '\0';
	const char *end = close ? memchr(stored + 1, close, length - 1) : NULL;
	size_t		i;

	if (end != NULL && end > stored + 1 && end - stored <= 24 &&
		consists_of(stored + 1, (size_t) (end - stored) - 1, ALPHANUMERIC "-_."))
		return true;
	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (begins_like(stored, length, foreign[i]))
			return true;
	return false;
}

/* True for a hexadecimal digest of a usual length, or a DES hash of crypt(3): two characters of salt and 64 bits. */
static bool
is_bare_digest(const char *stored, size_t length)
{
	if (length == 13)
		return consists_of(stored, 12, "./" ALPHANUMERIC) && consists_of(stored + 12, 1, ".26AEIMQUYcgkosw");
	return (length == 32 || length == 40 || length == 56 || length == 64 || length == 96 || length == 128) &&
		consists_of(stored, length, "0123456789abcdefABCDEF");
}

/* For import reports.  Our schemes take precedence over unsupported ones, and both over clear text. */
PwFault
pwhash_fault(const char *stored, size_t length)
{
	Parsed		parsed;

	switch (parse(stored, length, &parsed))
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
	if (length > PWHASH_MAX)
		length = PWHASH_MAX;
	if (parsed.scheme != NULL || resembles_scheme(stored, length))
		return PW_FAULT_SPELLING;
	return has_scheme_mark(stored, length) || is_bare_digest(stored, length) ? PW_FAULT_UNSUPPORTED :
																			   PW_FAULT_CLEAR_TEXT;
}

/* Indexed by PwFault. */
static const struct
{
	const char *text;
	const char *hint;
}			faults[] = {
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
	"a reset mail lets the user choose a new password."}
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
