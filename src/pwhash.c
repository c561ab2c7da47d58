/*
 * pwhash.c
 *		Password hash strings: one table of schemes, parse, verify, make.
 *
 * Owns: the spelling of stored password hashes and the memory-hard functions
 * behind them.  A string is parsed whole, and its costs compared with the
 * ceilings, before any work is done.  It never keeps a password, never
 * decides which scheme is good enough for a user, and never logs.
 *
 * Threats: a stored hash whose cost stops the server; a clear-text password
 * imported as a hash; two spellings of one hash; a comparison or an early
 * exit whose time tells something; passwords left in freed memory.
 *
 * Not reentrant: libargon2's allocation callbacks carry no argument of ours,
 * so the lent memory stands in a static variable during the call.  Backends
 * have one thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argon2.h>
#include <crypt.h>

#include "bytes.h"
#include "crypto.h"
#include "pwhash.h"

#define SALT_MAX 256
#define ARGON2_SALT_MAX 64
#define DERIVED_MIN 16
#define DERIVED_MAX 64
#define MADE_SIZE 32			/* what pwhash_make writes */
#define BLOCK_SIZE 1024			/* Argon2 */
#define SCRYPT_DJANGO_SIZE 64
#define BCRYPT_LENGTH 60
#define BCRYPT_PASSWORD_MAX 72	/* the rest takes no part, by definition */
#define CRYPT_ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

typedef struct Scheme Scheme;

/* A stored hash taken apart; the cost fields mean what the scheme makes of them. */
typedef struct Parsed
{
	const Scheme *scheme;
	const char *stored;
	size_t		length;
	uint32_t	version;		/* Argon2 */
	uint32_t	memory;			/* Argon2: KiB */
	uint32_t	iterations;
	uint32_t	parallelism;
	uint64_t	n;				/* scrypt */
	uint32_t	r;
	uint8_t		salt[SALT_MAX];
	size_t		salt_length;
	uint8_t		derived[DERIVED_MAX];
	size_t		derived_length;
} Parsed;

/* What is left to read. */
typedef struct Cursor
{
	const char *p;
	const char *end;
} Cursor;

typedef struct Password
{
	const char *bytes;
	size_t		length;
} Password;

struct Scheme
{
	const char *prefix;
	const char *name;
	PwResult	(*parse) (Cursor *cursor, Parsed *parsed);
	PwResult	(*verify) (const Parsed *parsed, Password password, const PwArena *arena);
	int			variant;		/* argon2_type, CryptoDigest, or the length of a sha-crypt hash */
};

/* How a field spells bytes in base64. */
typedef enum Spelling
{
	PHC,						/* standard alphabet, no padding */
	PASSLIB,					/* '.' for '+' (either is read), no padding */
	DJANGO						/* standard alphabet, padded */
} Spelling;

/*
 * Reading: each function consumes what it names or returns false.
 */

/* A string is read to its end, or it is malformed. */
static bool
at_end(const Cursor *cursor)
{
	return cursor->p == cursor->end;
}

/* Exactly this text. */
static bool
take(Cursor *cursor, const char *text)
{
	size_t		n = strlen(text);

	if ((size_t) (cursor->end - cursor->p) < n || memcmp(cursor->p, text, n) != 0)
		return false;
	cursor->p += n;
	return true;
}

/* Digits without a leading zero or sign, below 2^32: a number has one spelling. */
static bool
take_number(Cursor *cursor, uint32_t *number)
{
	const char *start = cursor->p;
	uint64_t	value = 0;

	while (!at_end(cursor) && *cursor->p >= '0' && *cursor->p <= '9' && value <= UINT32_MAX)
		value = value * 10 + (uint64_t) (*cursor->p++ - '0');
	if (cursor->p == start || value > UINT32_MAX || (*start == '0' && cursor->p - start > 1))
		return false;
	*number = (uint32_t) value;
	return true;
}

/* A number after its name: take_named(cursor, "m=", &memory). */
static bool
take_named(Cursor *cursor, const char *name, uint32_t *number)
{
	return take(cursor, name) && take_number(cursor, number);
}

/* Everything up to the next '$', which stays, or to the end. */
static Cursor
take_field(Cursor *cursor)
{
	Cursor		field = *cursor;

	while (!at_end(cursor) && *cursor->p != '$')
		cursor->p++;
	field.end = cursor->p;
	return field;
}

/* The base64 of at least min and at most max bytes. */
static bool
take_base64(Cursor *cursor, Spelling spelling, size_t min, size_t max, uint8_t *out, size_t *length)
{
	Cursor		field = take_field(cursor);
	size_t		n = (size_t) (field.end - field.p);

	if (n == 0 || (spelling == DJANGO && n % 4 != 0))
		return false;
	if (spelling != PASSLIB && memchr(field.p, '.', n) != NULL)
		return false;
	if (spelling != DJANGO && memchr(field.p, '=', n) != NULL)
		return false;
	return b64_decode(field.p, n, out, max, length) && *length >= min;
}

/* Django's salts are the printable characters themselves. */
static bool
take_salt_text(Cursor *cursor, Parsed *parsed)
{
	Cursor		field = take_field(cursor);
	size_t		i;

	parsed->salt_length = (size_t) (field.end - field.p);
	if (parsed->salt_length == 0 || parsed->salt_length > SALT_MAX)
		return false;
	for (i = 0; i < parsed->salt_length; i++)
	{
		if (field.p[i] <= ' ' || field.p[i] > '~')
			return false;
		parsed->salt[i] = (uint8_t) field.p[i];
	}
	return true;
}

/* "$salt$derived" and the end of the string, both in base64. */
static bool
take_tail(Cursor *cursor, Spelling spelling, size_t salt_min, size_t salt_max, Parsed *parsed)
{
	return take(cursor, "$") &&
		take_base64(cursor, spelling, salt_min, salt_max, parsed->salt, &parsed->salt_length) &&
		take(cursor, "$") &&
		take_base64(cursor, spelling, DERIVED_MIN, DERIVED_MAX, parsed->derived, &parsed->derived_length) &&
		at_end(cursor);
}

/* The last step of every scheme that derives bytes; wipes what was derived. */
static PwResult
compare(const Parsed *parsed, bool made, uint8_t *derived)
{
	PwResult	result = PW_FAILED;

	if (made)
		result = bytes_equal(derived, parsed->derived, parsed->derived_length) ? PW_MATCH : PW_MISMATCH;
	bytes_wipe(derived, DERIVED_MAX);
	return result;
}

/*
 * Argon2
 */

/* The memory of the call under way: lent by the caller, or from malloc. */
static struct
{
	const PwArena *arena;
	uint8_t    *memory;			/* NULL when none is out */
	size_t		size;
} lent;

/* The arena if it is large enough and aligned as malloc would, else malloc. */
static int
lend_memory(uint8_t **memory, size_t size)
{
	const PwArena *arena = lent.arena;

	if (arena != NULL && arena->memory != NULL && arena->size >= size && (uintptr_t) arena->memory % 16 == 0)
		lent.memory = arena->memory;
	else
		lent.memory = malloc(size);
	lent.size = size;
	*memory = lent.memory;
	return lent.memory != NULL ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

/* Back to its owner, wiped. */
static void
return_memory(void)
{
	if (lent.memory == NULL)
		return;
	bytes_wipe(lent.memory, lent.size);
	if (lent.arena == NULL || lent.memory != lent.arena->memory)
		free(lent.memory);
	lent.memory = NULL;
}

/*
 * libargon2 wipes all of the memory before this call unless its global
 * FLAG_clear_internal_memory was cleared, and not all builds let us read that.
 * The last block tells: Argon2 always writes it, and chance does not make it
 * zero.  Wiping again regardless would cost a second pass over the memory at
 * every login.
 */
static void
take_memory_back(uint8_t *memory, size_t size)
{
	static const uint8_t zeros[BLOCK_SIZE];
	bool		wiped = size >= BLOCK_SIZE && memcmp(memory + size - BLOCK_SIZE, zeros, BLOCK_SIZE) == 0;

	if (wiped)
		lent.size = 0;
	return_memory();
}

/* The hash that parsed describes, into out.  One thread whatever the lanes: the result is the same. */
static bool
derive_argon2(const Parsed *parsed, Password password, const PwArena *arena, uint8_t *out)
{
	argon2_context context = {
		.out = out,
		.outlen = (uint32_t) parsed->derived_length,
		.pwd = (uint8_t *) password.bytes,
		.pwdlen = (uint32_t) password.length,
		.salt = (uint8_t *) parsed->salt,
		.saltlen = (uint32_t) parsed->salt_length,
		.t_cost = parsed->iterations,
		.m_cost = parsed->memory,
		.lanes = parsed->parallelism,
		.threads = 1,
		.version = parsed->version,
		.allocate_cbk = lend_memory,
		.free_cbk = take_memory_back,
		.flags = ARGON2_DEFAULT_FLAGS	/* the password is const to us */
	};
	bool		good;

	lent.arena = arena;
	good = argon2_ctx(&context, (argon2_type) parsed->scheme->variant) == ARGON2_OK;
	return_memory();			/* some failures of the library skip free_cbk */
	lent.arena = NULL;
	return good;
}

/* RFC 9106 section 3.1 wants eight blocks a lane; below that the string means nothing. */
static PwResult
judge_argon2(const Parsed *parsed)
{
	if (parsed->iterations == 0 || parsed->parallelism == 0 ||
		parsed->memory < (uint64_t) parsed->parallelism * 8)
		return PW_MALFORMED;
	if (parsed->memory > PWHASH_ARGON2_MEMORY_MAX ||
		parsed->iterations > PWHASH_ARGON2_ITERATIONS_MAX ||
		parsed->parallelism > PWHASH_ARGON2_PARALLELISM_MAX)
		return PW_TOO_COSTLY;
	return PW_MATCH;
}

/* v=19$m=65536,t=3,p=4$salt$hash */
static PwResult
parse_argon2(Cursor *cursor, Parsed *parsed)
{
	if (!take_named(cursor, "v=", &parsed->version) ||
		!take_named(cursor, "$m=", &parsed->memory) ||
		!take_named(cursor, ",t=", &parsed->iterations) ||
		!take_named(cursor, ",p=", &parsed->parallelism) ||
		!take_tail(cursor, PHC, ARGON2_MIN_SALT_LENGTH, ARGON2_SALT_MAX, parsed))
		return PW_MALFORMED;
	if (parsed->version != ARGON2_VERSION_10 && parsed->version != ARGON2_VERSION_13)
		return PW_MALFORMED;
	return judge_argon2(parsed);
}

/* The only scheme that uses the arena. */
static PwResult
verify_argon2(const Parsed *parsed, Password password, const PwArena *arena)
{
	uint8_t		derived[DERIVED_MAX];

	return compare(parsed, derive_argon2(parsed, password, arena, derived), derived);
}

/*
 * scrypt
 */

/*
 * N is a power of two above 1 and below 2^(16 * r) (RFC 7914 section 2).  The
 * memory is N blocks of 128 * r bytes and p more: a small N under a large r
 * would hide the second part, so both are bounded, by division.
 */
static PwResult
judge_scrypt(const Parsed *parsed)
{
	uint64_t	n = parsed->n;
	uint64_t	blocks_max;

	if (n < 2 || (n & (n - 1)) != 0 || parsed->r == 0 || parsed->parallelism == 0)
		return PW_MALFORMED;
	if (parsed->r < 4 && n >> (16 * parsed->r) != 0)
		return PW_MALFORMED;
	blocks_max = PWHASH_SCRYPT_MEMORY_MAX / 128 / parsed->r;
	if (parsed->parallelism > PWHASH_SCRYPT_PARALLELISM_MAX ||
		n > blocks_max || parsed->parallelism > blocks_max)
		return PW_TOO_COSTLY;
	return PW_MATCH;
}

/* ln=16,r=8,p=1$salt$hash, as PHC and passlib write it */
static PwResult
parse_scrypt(Cursor *cursor, Parsed *parsed)
{
	uint32_t	log_n;

	if (!take_named(cursor, "ln=", &log_n) || log_n > 63 ||
		!take_named(cursor, ",r=", &parsed->r) ||
		!take_named(cursor, ",p=", &parsed->parallelism) ||
		!take_tail(cursor, PHC, 1, SALT_MAX, parsed))
		return PW_MALFORMED;
	parsed->n = UINT64_C(1) << log_n;
	return judge_scrypt(parsed);
}

/* 16384$salt$8$5$hash: Django writes N before the salt and derives 64 bytes */
static PwResult
parse_scrypt_django(Cursor *cursor, Parsed *parsed)
{
	uint32_t	n;

	if (!take_number(cursor, &n) ||
		!take(cursor, "$") || !take_salt_text(cursor, parsed) ||
		!take_named(cursor, "$", &parsed->r) ||
		!take_named(cursor, "$", &parsed->parallelism) ||
		!take(cursor, "$") ||
		!take_base64(cursor, DJANGO, SCRYPT_DJANGO_SIZE, DERIVED_MAX, parsed->derived, &parsed->derived_length) ||
		!at_end(cursor))
		return PW_MALFORMED;
	parsed->n = n;
	return judge_scrypt(parsed);
}

/* The library allocates and wipes its own memory. */
static PwResult
verify_scrypt(const Parsed *parsed, Password password, const PwArena *arena)
{
	uint8_t		derived[DERIVED_MAX];
	bool		made;

	(void) arena;
	made = crypto_scrypt(password.bytes, password.length, parsed->salt, parsed->salt_length,
						 parsed->n, parsed->r, parsed->parallelism, derived, parsed->derived_length);
	return compare(parsed, made, derived);
}

/*
 * PBKDF2
 */

/* The output of the digest a variant names. */
static size_t
digest_size(int variant)
{
	return variant == DIGEST_SHA512 ? 64 : variant == DIGEST_SHA256 ? 32 : 20;
}

/* Iterations are the whole cost. */
static PwResult
judge_pbkdf2(const Parsed *parsed)
{
	if (parsed->iterations == 0)
		return PW_MALFORMED;
	return parsed->iterations > PWHASH_PBKDF2_ITERATIONS_MAX ? PW_TOO_COSTLY : PW_MATCH;
}

/* 310000,l=32$salt$hash after "i=", as PHC strings write it; l may be left out */
static PwResult
parse_pbkdf2_phc(Cursor *cursor, Parsed *parsed)
{
	uint32_t	length = 0;
	bool		stated;

	if (!take_number(cursor, &parsed->iterations))
		return PW_MALFORMED;
	stated = take(cursor, ",l=");
	if ((stated && !take_number(cursor, &length)) ||
		!take_tail(cursor, PHC, 1, SALT_MAX, parsed) ||
		(stated && length != parsed->derived_length))
		return PW_MALFORMED;
	return judge_pbkdf2(parsed);
}

/* 29000$salt$hash; passlib derives as much as the digest gives */
static PwResult
parse_pbkdf2_passlib(Cursor *cursor, Parsed *parsed)
{
	if (!take_number(cursor, &parsed->iterations) ||
		!take_tail(cursor, PASSLIB, 1, SALT_MAX, parsed) ||
		parsed->derived_length != digest_size(parsed->scheme->variant))
		return PW_MALFORMED;
	return judge_pbkdf2(parsed);
}

/* 260000$salt$hash, the hash padded and as long as the digest */
static PwResult
parse_pbkdf2_django(Cursor *cursor, Parsed *parsed)
{
	size_t		size = digest_size(parsed->scheme->variant);

	if (!take_number(cursor, &parsed->iterations) ||
		!take(cursor, "$") || !take_salt_text(cursor, parsed) ||
		!take(cursor, "$") ||
		!take_base64(cursor, DJANGO, size, size, parsed->derived, &parsed->derived_length) ||
		!at_end(cursor))
		return PW_MALFORMED;
	return judge_pbkdf2(parsed);
}

/* As many bytes as were stored, by the scheme's digest. */
static PwResult
verify_pbkdf2(const Parsed *parsed, Password password, const PwArena *arena)
{
	uint8_t		derived[DERIVED_MAX];
	bool		made;

	(void) arena;
	made = crypto_pbkdf2((CryptoDigest) parsed->scheme->variant, password.bytes, password.length,
						 parsed->salt, parsed->salt_length, parsed->iterations, derived, parsed->derived_length);
	return compare(parsed, made, derived);
}

/*
 * bcrypt and sha-crypt, by crypt(3)
 */

/* n characters of the alphabet, the last of them one of those that leave no spare bits set. */
static bool
take_encoded(Cursor *cursor, size_t n, const char *last)
{
	size_t		i;

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
 * 12$ and 22 + 31 characters: 128 bits of salt in 132, 184 of hash in 186, in
 * bcrypt's own order of the alphabet.  The cost starts at 4; that it has two
 * digits follows from the length of the whole.
 */
static PwResult
parse_bcrypt(Cursor *cursor, Parsed *parsed)
{
	(void) take(cursor, "0");
	if (parsed->length != BCRYPT_LENGTH ||
		!take_number(cursor, &parsed->iterations) ||
		parsed->iterations < 4 || parsed->iterations > 31 ||
		!take(cursor, "$") ||
		!take_encoded(cursor, 22, ".Oeu") ||
		!take_encoded(cursor, 31, ".CGKOSWaeimquy26") ||
		!at_end(cursor))
		return PW_MALFORMED;
	return parsed->iterations > PWHASH_BCRYPT_COST_MAX ? PW_TOO_COSTLY : PW_MATCH;
}

/*
 * rounds=5000$salt$hash, the rounds optional and never written below 1000.
 * 256 bits in 43 characters, 512 in 86, low bits first: the last character is
 * below 16 and below 4.
 */
static PwResult
parse_sha_crypt(Cursor *cursor, Parsed *parsed)
{
	size_t		hash_length = (size_t) parsed->scheme->variant;
	Cursor		salt;

	parsed->iterations = 5000;
	if (take(cursor, "rounds=") &&
		(!take_number(cursor, &parsed->iterations) || parsed->iterations < 1000 ||
		 parsed->iterations > 999999999 || !take(cursor, "$")))
		return PW_MALFORMED;
	salt = take_field(cursor);
	parsed->salt_length = (size_t) (salt.end - salt.p);
	if (parsed->salt_length < 1 || parsed->salt_length > 16 ||
		!take_encoded(&salt, parsed->salt_length, CRYPT_ALPHABET) ||
		!take(cursor, "$") ||
		!take_encoded(cursor, hash_length, hash_length == 43 ? "./0123456789ABCD" : "./01") ||
		!at_end(cursor))
		return PW_MALFORMED;
	return parsed->iterations > PWHASH_SHACRYPT_ROUNDS_MAX ? PW_TOO_COSTLY : PW_MATCH;
}

/* Everything crypt_r touches, in one block that is wiped as one. */
typedef struct CryptWork
{
	struct crypt_data data;
	char		setting[PWHASH_MAX + 1];
	char		phrase[CRYPT_MAX_PASSPHRASE_SIZE];
} CryptWork;

/* crypt_r under the stored string as setting; the result must be that string again. */
static PwResult
run_crypt(CryptWork *work, const Parsed *parsed)
{
	const char *made = crypt_r(work->phrase, work->setting, &work->data);

	if (made == NULL || made[0] != '$')
		return PW_FAILED;
	if (strlen(made) != parsed->length || !bytes_equal(made, parsed->stored, parsed->length))
		return PW_MISMATCH;
	return PW_MATCH;
}

/*
 * crypt(3) ends at a NUL and takes fewer than CRYPT_MAX_PASSPHRASE_SIZE bytes:
 * a password that cannot be told whole costs the same and never matches.
 * bcrypt itself reads 72 bytes, so those are the whole for it.
 */
static PwResult
verify_crypt(const Parsed *parsed, Password password, size_t most)
{
	CryptWork  *work = calloc(1, sizeof(*work));
	size_t		n = password.length < most ? password.length : most;
	bool		whole = n < CRYPT_MAX_PASSPHRASE_SIZE && memchr(password.bytes, '\0', password.length) == NULL;
	PwResult	result;

	if (work == NULL)
		return PW_FAILED;
	if (n >= CRYPT_MAX_PASSPHRASE_SIZE)
		n = CRYPT_MAX_PASSPHRASE_SIZE - 1;
	memcpy(work->phrase, password.bytes, n);
	memcpy(work->setting, parsed->stored, parsed->length);
	result = run_crypt(work, parsed);
	bytes_wipe(work, sizeof(*work));
	free(work);
	return result == PW_MATCH && !whole ? PW_MISMATCH : result;
}

/* Two passwords that agree in 72 bytes are one to bcrypt. */
static PwResult
verify_bcrypt(const Parsed *parsed, Password password, const PwArena *arena)
{
	(void) arena;
	return verify_crypt(parsed, password, BCRYPT_PASSWORD_MAX);
}

/* Every byte counts. */
static PwResult
verify_sha_crypt(const Parsed *parsed, Password password, const PwArena *arena)
{
	(void) arena;
	return verify_crypt(parsed, password, PWHASH_PASSWORD_MAX);
}

/*
 * The schemes
 */

/* The first prefix that fits is the scheme: "$pbkdf2-sha256$i=" stands before "$pbkdf2-sha256$". */
static const Scheme schemes[] = {
	{"$argon2id$", "argon2id", parse_argon2, verify_argon2, Argon2_id},
	{"$argon2i$", "argon2i", parse_argon2, verify_argon2, Argon2_i},
	{"$argon2d$", "argon2d", parse_argon2, verify_argon2, Argon2_d},
	{"argon2$argon2id$", "argon2id", parse_argon2, verify_argon2, Argon2_id},
	{"argon2$argon2i$", "argon2i", parse_argon2, verify_argon2, Argon2_i},
	{"argon2$argon2d$", "argon2d", parse_argon2, verify_argon2, Argon2_d},
	{"$scrypt$", "scrypt", parse_scrypt, verify_scrypt, 0},
	{"scrypt$", "scrypt", parse_scrypt_django, verify_scrypt, 0},
	{"$pbkdf2-sha256$i=", "pbkdf2", parse_pbkdf2_phc, verify_pbkdf2, DIGEST_SHA256},
	{"$pbkdf2-sha512$i=", "pbkdf2", parse_pbkdf2_phc, verify_pbkdf2, DIGEST_SHA512},
	{"$pbkdf2-sha256$", "pbkdf2", parse_pbkdf2_passlib, verify_pbkdf2, DIGEST_SHA256},
	{"$pbkdf2-sha512$", "pbkdf2", parse_pbkdf2_passlib, verify_pbkdf2, DIGEST_SHA512},
	{"$pbkdf2$", "pbkdf2", parse_pbkdf2_passlib, verify_pbkdf2, DIGEST_SHA1},
	{"pbkdf2_sha256$", "pbkdf2", parse_pbkdf2_django, verify_pbkdf2, DIGEST_SHA256},
	{"pbkdf2_sha1$", "pbkdf2", parse_pbkdf2_django, verify_pbkdf2, DIGEST_SHA1},
	{"$2a$", "bcrypt", parse_bcrypt, verify_bcrypt, 0},
	{"$2b$", "bcrypt", parse_bcrypt, verify_bcrypt, 0},
	{"$2y$", "bcrypt", parse_bcrypt, verify_bcrypt, 0},
	{"$5$", "sha-crypt", parse_sha_crypt, verify_sha_crypt, 43},
	{"$6$", "sha-crypt", parse_sha_crypt, verify_sha_crypt, 86}
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

		if (!take(&cursor, schemes[i].prefix))
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
	PwResult	result = judge_argon2(&parsed);

	out[0] = '\0';
	if (result != PW_MATCH)
		return result;
	if (password_length > PWHASH_PASSWORD_MAX)
		return PW_FAILED;
	memcpy(parsed.salt, salt, PWHASH_SALT_SIZE);
	if (derive_argon2(&parsed, given, arena, parsed.derived))
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
