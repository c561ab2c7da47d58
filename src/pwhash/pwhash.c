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

/*
 * The first matching prefix decides: "$pbkdf2-sha256$i=" must precede "$pbkdf2-sha256$".  In a prefix in braces a
 * capital stands for the small letter, too: LDAP's names have no case, Spring's are in small letters.  The last rows
 * have no prefix: their parse functions look at the form of the string, and the first that accepts it decides.
 */
static const Scheme schemes[] = {
	{"$argon2id$", "argon2id", pw_parse_argon2, pw_verify_argon2, Argon2_id},
	{"$argon2i$", "argon2i", pw_parse_argon2, pw_verify_argon2, Argon2_i},
	{"$argon2d$", "argon2d", pw_parse_argon2, pw_verify_argon2, Argon2_d},
	{"argon2$argon2id$", "argon2id", pw_parse_argon2, pw_verify_argon2, Argon2_id},
	{"argon2$argon2i$", "argon2i", pw_parse_argon2, pw_verify_argon2, Argon2_i},
	{"argon2$argon2d$", "argon2d", pw_parse_argon2, pw_verify_argon2, Argon2_d},
	{"$scrypt$", "scrypt", pw_parse_scrypt, pw_verify_scrypt},
	{"scrypt$", "scrypt", pw_parse_scrypt_django, pw_verify_scrypt},
	{"scrypt:", "scrypt", pw_parse_scrypt_werkzeug, pw_verify_scrypt},
	{"{scrypt}$", "scrypt", pw_parse_scrypt_spring, pw_verify_scrypt},
	{"{scrypt@SpringSecurity_v5_8}$", "scrypt", pw_parse_scrypt_spring, pw_verify_scrypt},
	{"$fbscrypt$", "firebase-scrypt", pw_parse_scrypt_firebase, pw_verify_scrypt_firebase},
	{"$pbkdf2-sha1$i=", "pbkdf2", pw_parse_pbkdf2_phc, pw_verify_pbkdf2, DIGEST_SHA1},
	{"$pbkdf2-sha256$i=", "pbkdf2", pw_parse_pbkdf2_phc, pw_verify_pbkdf2, DIGEST_SHA256},
	{"$pbkdf2-sha512$i=", "pbkdf2", pw_parse_pbkdf2_phc, pw_verify_pbkdf2, DIGEST_SHA512},
	{"$pbkdf2$i=", "pbkdf2", pw_parse_pbkdf2_phc, pw_verify_pbkdf2, DIGEST_SHA1},
	{"$pbkdf2-sha256$", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA256},
	{"$pbkdf2-sha512$", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA512},
	{"$pbkdf2$", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA1},
	{"pbkdf2_sha256$", "pbkdf2", pw_parse_pbkdf2_django, pw_verify_pbkdf2, DIGEST_SHA256},
	{"pbkdf2_sha1$", "pbkdf2", pw_parse_pbkdf2_django, pw_verify_pbkdf2, DIGEST_SHA1},
	{"pbkdf2:sha1:", "pbkdf2", pw_parse_pbkdf2_werkzeug, pw_verify_pbkdf2, DIGEST_SHA1},
	{"pbkdf2:sha256:", "pbkdf2", pw_parse_pbkdf2_werkzeug, pw_verify_pbkdf2, DIGEST_SHA256},
	{"pbkdf2:sha512:", "pbkdf2", pw_parse_pbkdf2_werkzeug, pw_verify_pbkdf2, DIGEST_SHA512},
	{"{pbkdf2}", "pbkdf2", pw_parse_pbkdf2_spring, pw_verify_pbkdf2, 8},
	{"{pbkdf2@SpringSecurity_v5_8}", "pbkdf2", pw_parse_pbkdf2_spring, pw_verify_pbkdf2, 16},
	{"{PBKDF2}", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA1},
	{"{PBKDF2-SHA1}", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA1},
	{"{PBKDF2-SHA256}", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA256},
	{"{PBKDF2-SHA512}", "pbkdf2", pw_parse_pbkdf2_passlib, pw_verify_pbkdf2, DIGEST_SHA512},
	{"AQAAAA", "aspnet-identity", pw_parse_pbkdf2_aspnet, pw_verify_pbkdf2},
	{"$2a$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2b$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2x$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"$2y$", "bcrypt", pw_parse_bcrypt, pw_verify_crypt, 0, BCRYPT_PASSWORD_MAX - 1},
	{"bcrypt_sha256$$2b$", "django-bcrypt-sha256", pw_parse_bcrypt, pw_verify_bcrypt_sha256, .outer = 14},
	{"bcrypt_sha256$$2a$", "django-bcrypt-sha256", pw_parse_bcrypt, pw_verify_bcrypt_sha256, .outer = 14},
	{"$wp$2y$", "wordpress-bcrypt", pw_parse_bcrypt, pw_verify_bcrypt_wordpress, .outer = 3},
	{"$1$", "md5-crypt", pw_parse_md5_crypt, pw_verify_crypt},
	{"$3$", "nt", pw_parse_nt, pw_verify_crypt},
	{"$5$", "sha256-crypt", pw_parse_sha_crypt, pw_verify_crypt, 43},
	{"$6$", "sha512-crypt", pw_parse_sha_crypt, pw_verify_crypt, 86},
	{"$7$", "scrypt", pw_parse_scrypt_crypt, pw_verify_crypt},
	{"$y$", "yescrypt", pw_parse_yescrypt, pw_verify_crypt},
	{"$gy$", "gost-yescrypt", pw_parse_yescrypt, pw_verify_crypt},
	{"$md5", "sun-md5", pw_parse_sun_md5, pw_verify_crypt},
	{"$sha1$", "sha1-crypt", pw_parse_sha1_crypt, pw_verify_crypt},
	{"_", "bsdi-crypt", pw_parse_bsdi, pw_verify_crypt},
	{"$P$", "phpass", pw_parse_phpass, pw_verify_phpass, DIGEST_MD5},
	{"$H$", "phpass", pw_parse_phpass, pw_verify_phpass, DIGEST_MD5},
	{"$S$", "drupal-sha512", pw_parse_phpass, pw_verify_phpass, DIGEST_SHA512},
	{"sha1$", "salted-sha1", pw_parse_digest_django, pw_verify_salt_first, DIGEST_SHA1},
	{"md5$", "salted-md5", pw_parse_digest_django, pw_verify_salt_first, DIGEST_MD5},
	{"{SHA}", "sha1", pw_parse_digest_ldap, pw_verify_salt_last, DIGEST_SHA1},
	{"{SSHA}", "salted-sha1", pw_parse_digest_ldap_salted, pw_verify_salt_last, DIGEST_SHA1},
	{"{SHA224}", "sha224", pw_parse_digest_ldap, pw_verify_salt_last, DIGEST_SHA224},
	{"{SSHA224}", "salted-sha224", pw_parse_digest_ldap_salted, pw_verify_salt_last, DIGEST_SHA224},
	{"{sha256}", "spring-sha256", pw_parse_spring_standard, pw_verify_spring_standard},
	{"{SHA256}", "sha256", pw_parse_digest_ldap, pw_verify_salt_last, DIGEST_SHA256},
	{"{SSHA256}", "salted-sha256", pw_parse_digest_ldap_salted, pw_verify_salt_last, DIGEST_SHA256},
	{"{SHA384}", "sha384", pw_parse_digest_ldap, pw_verify_salt_last, DIGEST_SHA384},
	{"{SSHA384}", "salted-sha384", pw_parse_digest_ldap_salted, pw_verify_salt_last, DIGEST_SHA384},
	{"{SHA512}", "sha512", pw_parse_digest_ldap, pw_verify_salt_last, DIGEST_SHA512},
	{"{SSHA512}", "salted-sha512", pw_parse_digest_ldap_salted, pw_verify_salt_last, DIGEST_SHA512},
	{"{MD5}", "md5", pw_parse_digest_ldap, pw_verify_salt_last, DIGEST_MD5},
	{"{SMD5}", "salted-md5", pw_parse_digest_ldap_salted, pw_verify_salt_last, DIGEST_MD5},
	{"{SHA-1}", "salted-sha1", pw_parse_digest_spring, pw_verify_salt_last, DIGEST_SHA1},
	{"{SHA-256}", "salted-sha256", pw_parse_digest_spring, pw_verify_salt_last, DIGEST_SHA256},
	{"", "unsalted-md5", pw_parse_digest_bare, pw_verify_salt_last, DIGEST_MD5},
	{"", "better-auth-scrypt", pw_parse_scrypt_better_auth, pw_verify_scrypt_better_auth},
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

/* Marks that other systems put before a hash of a scheme that has its own prefix; the hash must be of this kind. */
static const struct
{
	const char *mark;
	PwResult (*verify)(const Parsed *parsed, Slice password, const PwArena *arena);
} marks[] = {
	{"bcrypt$", pw_verify_crypt},
	{"{bcrypt}", pw_verify_crypt},
	{"{CRYPT}", pw_verify_crypt},
	{"{ARGON2}", pw_verify_argon2},
	{"{argon2@SpringSecurity_v5_8}", pw_verify_argon2},
	{"{ldap}", pw_verify_salt_last},
};

/* Consumes a prefix of the tables above. */
static bool
take_prefix(Cursor *cursor, const char *prefix)
{
	const char *p = cursor->p;
	size_t i;

	if (*prefix != '{')
		return pw_take(cursor, prefix);
	for (i = 0; prefix[i] != '\0'; i++, p++)
		if (p == cursor->end ||
			(*p != prefix[i] && !(prefix[i] >= 'A' && prefix[i] <= 'Z' && *p == prefix[i] + ('a' - 'A'))))
			return false;
	cursor->p = p;
	return true;
}

/* The scheme of the string, without its prefix and the mark before it; parsed->stored is what crypt(3) knows. */
static const Scheme *
find_scheme(Cursor *cursor, Parsed *parsed)
{
	PwResult (*verify)(const Parsed *, Slice, const PwArena *) = NULL;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]) && verify == NULL; i++)
		if (take_prefix(cursor, marks[i].mark))
			verify = marks[i].verify;
	parsed->stored = (Slice){cursor->p, (size_t) (cursor->end - cursor->p)};
	for (i = 0; i < SCHEME_COUNT; i++)
		if ((verify == NULL || schemes[i].verify == verify) && take_prefix(cursor, schemes[i].prefix))
		{
			parsed->stored = slice_after(parsed->stored, schemes[i].outer);
			return &schemes[i];
		}
	return NULL;
}

/* Of the rows without a prefix, the one after this; NULL for all others. */
static const Scheme *
next_without_prefix(const Scheme *scheme)
{
	return *scheme->prefix == '\0' && scheme + 1 < schemes + SCHEME_COUNT ? scheme + 1 : NULL;
}

/* PW_MATCH, with *parsed filled, for a string that can be verified. */
static PwResult
parse(Slice stored, Parsed *parsed)
{
	Cursor cursor = {stored.data, stored.data + stored.length};
	PwResult result = PW_MALFORMED;
	const Scheme *scheme;

	memset(parsed, 0, sizeof(*parsed));
	if (stored.length > PWHASH_MAX)
		return PW_MALFORMED;
	for (scheme = find_scheme(&cursor, parsed); scheme != NULL; scheme = next_without_prefix(scheme))
	{
		Cursor fields = cursor;

		parsed->scheme = scheme;
		result = scheme->parse(&fields, parsed);
		if (result == PW_MATCH)
			break;
	}
	return result;
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

/* Prefixes of one character, or none, say nothing about a string that has not the form of the scheme. */
static bool
has_telling_prefix(const Scheme *scheme)
{
	return strlen(scheme->prefix) > 1;
}

/* The scheme whose prefix it has after white space, in wrong case, or (if long) without its first "$"; NULL if none. */
static const Scheme *
resembled_scheme(Slice stored)
{
	size_t i;

	while (stored.length > 0 && *stored.data != '\0' && strchr(" \t\r\n\"'", *stored.data) != NULL)
		stored = slice_after(stored, 1);
	for (i = 0; i < SCHEME_COUNT; i++)
	{
		const char *prefix = schemes[i].prefix;

		if (has_telling_prefix(&schemes[i]) &&
			(begins_like(stored, prefix) || (strlen(prefix) > 6 && *prefix == '$' && begins_like(stored, prefix + 1))))
			return &schemes[i];
	}
	return NULL;
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

/* True for "$8$", "{X-HASH}" and the like: marks of schemes, whatever they are. */
static bool
has_scheme_mark(Slice stored)
{
	char close = stored.length == 0 ? '\0' : *stored.data == '{' ? '}' : *stored.data == '$' ? '$' : '\0';
	const char *end = close ? memchr(stored.data + 1, close, stored.length - 1) : NULL;
	size_t n = end == NULL ? 0 : (size_t) (end - stored.data) - 1;

	return n > 0 && n < 40 && consists_of((Slice){stored.data + 1, n}, ALPHANUMERIC "-_.@");
}

static bool
is_bare_digest(Slice stored)
{
	size_t length = stored.length;

	return (length == 32 || length == 40 || length == 56 || length == 64 || length == 96 || length == 128) &&
		   consists_of(stored, "0123456789abcdefABCDEF");
}

/* DES of crypt(3): two characters of salt and 64 bits. */
static bool
is_des(Slice stored)
{
	return stored.length == 13 && consists_of((Slice){stored.data, 12}, "./" ALPHANUMERIC) &&
		   consists_of(slice_after(stored, 12), ".26AEIMQUYcgkosw");
}

/* The name of the scheme of a hash that cannot be verified here; NULL if it does not look like a hash. */
static const char *
foreign_scheme(Slice stored)
{
	static const char *const foreign[][2] = {{"scram-sha-256$", "scram-sha-256"},
											 {"{noop}", "noop"},
											 {"md5:", "md5"},
											 {"pbkdf2_sha512$", "pbkdf2"},
											 {"pbkdf2:", "pbkdf2"},
											 {"bcrypt$", "bcrypt"},
											 {"bcrypt_sha256$", "django-bcrypt-sha256"},
											 {"crypt$", "des-crypt"},
											 {"$2$", "bcrypt"}};
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (begins_like(stored, foreign[i][0]))
			return foreign[i][1];
	return is_des(stored)          ? "des-crypt" :
		   is_bare_digest(stored)  ? "hexadecimal digest" :
		   has_scheme_mark(stored) ? "unknown" :
									 NULL;
}

/* For import reports.  Our schemes take precedence over unsupported ones, and both over clear text. */
PwFault
pwhash_fault(Slice stored, const char **name)
{
	Parsed parsed;
	PwResult result = parse(stored, &parsed);
	const Scheme *scheme = parsed.scheme;

	if (result == PW_MALFORMED && stored.length > PWHASH_MAX)
		stored.length = PWHASH_MAX;
	if (result == PW_MALFORMED && (scheme == NULL || !has_telling_prefix(scheme)))
		scheme = resembled_scheme(stored);
	*name = scheme != NULL ? scheme->name : foreign_scheme(stored);
	switch (result)
	{
		case PW_MATCH:
			return PW_FAULT_NONE;
		case PW_TOO_COSTLY:
			return PW_FAULT_TOO_COSTLY;
		case PW_TOO_CHEAP:
			return PW_FAULT_TOO_CHEAP;
		default:
			return scheme != NULL ? PW_FAULT_SPELLING : *name != NULL ? PW_FAULT_UNSUPPORTED : PW_FAULT_CLEAR_TEXT;
	}
}

bool
pwhash_is_unusable(Slice stored)
{
	return stored.length > 0 && *stored.data == '!' &&
		   (stored.length == 1 || (stored.length == 41 && consists_of(slice_after(stored, 1), ALPHANUMERIC)));
}

/* Indexed by PwFault; %s is the name of a scheme. */
static const struct
{
	const char *text;
	const char *hint;
} faults[] = {
	{"", ""},
	{"It does not begin like any password hash, so it may be a password in clear.",
	 "To set a password in clear, call djust_auth.set_password()."},
	{"It begins like a hash of the scheme %s, but is cut off, altered, or not in that scheme's canonical spelling.",
	 "Import the hash whole and exactly as the other system wrote it, without white space or quotes around it."},
	{"It is a hash of the scheme %s, but its cost is higher than what is accepted: checking it could stop the server.",
	 "Create the user without a hash; a reset mail lets the user choose a new password."},
	{"It is a hash of the scheme %s, but its cost is lower than what that scheme allows.",
	 "Create the user without a hash; a reset mail lets the user choose a new password."},
	{"It has the form of a hash of a scheme that cannot be checked here (%s).",
	 "doc/importing-users.md lists the schemes. Otherwise create the user without a hash; "
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
