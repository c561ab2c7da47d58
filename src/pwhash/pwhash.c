/*
 * pwhash.c
 *		Password hash strings: one table of schemes, parse, verify, make.
 *
 * Owns: the table of what can be verified.  A string is parsed whole, and its
 * costs compared with the ceilings, before any work is done.  It never keeps a
 * password, never decides which scheme is good enough for a user, and never
 * logs.
 *
 * Threats: a stored hash whose cost stops the server; a clear-text password
 * imported as a hash; an early exit whose time tells something.
 */
#include <stdio.h>
#include <string.h>

#include <argon2.h>

#include "crypto/crypto.h"
#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define MADE_SIZE 32			/* what pwhash_make writes */

/* The first prefix that fits is the scheme: "$pbkdf2-sha256$i=" stands before "$pbkdf2-sha256$". */
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

/* PW_MATCH, and parsed filled, for a string that can be verified. */
static PwResult
parse(const char *stored, size_t length, Parsed *parsed)
{
	size_t		i;

	memset(parsed, 0, sizeof(*parsed));
	if (length > PWHASH_MAX)
		return PW_MALFORMED;
	parsed->stored = stored;
	parsed->length = length;
	for (i = 0; i < SCHEME_COUNT; i++)
	{
		Cursor		cursor = {stored, stored + length};

		if (!pw_take(&cursor, schemes[i].prefix))
			continue;
		parsed->scheme = &schemes[i];
		return schemes[i].parse(&cursor, parsed);
	}
	return PW_MALFORMED;
}

/* For imports: the same parser as at login, so what passes here can be verified there. */
PwResult
pwhash_check(const char *stored, size_t length)
{
	Parsed		parsed;

	return parse(stored, length, &parsed);
}

/* An overlong password costs what its first PWHASH_PASSWORD_MAX bytes cost, and does not match. */
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
		given.bytes = "";		/* NULL is allowed to us, not to the libraries */
	result = parsed.scheme->verify(&parsed, given, arena);
	return result == PW_MATCH && password_length > PWHASH_PASSWORD_MAX ? PW_MISMATCH : result;
}

/* The PHC string of what parsed holds, NUL-terminated; out takes PWHASH_MAX bytes. */
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

/* A password that pwhash_verify would never match, or a cost it would refuse, makes no hash. */
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

/* Anything that cannot be verified needs one too.  Lanes are compared exactly: more of them is not stronger. */
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

/* Named even when too costly to verify: the report of an import tells the two apart. */
const char *
pwhash_scheme(const char *stored, size_t length)
{
	Parsed		parsed;

	return parse(stored, length, &parsed) != PW_MALFORMED ? parsed.scheme->name : NULL;
}

/*
 * A scheme that reads less than the whole password matches others that begin alike.  bcrypt reads the NUL behind a password
 * too: one that fills its 72 bytes may be the beginning of a longer one.
 */
size_t
pwhash_reads(const char *stored, size_t length)
{
	Parsed		parsed;

	if (parse(stored, length, &parsed) != PW_MATCH)
		return 0;
	return parsed.scheme->reads > 0 ? parsed.scheme->reads : PWHASH_PASSWORD_MAX;
}
