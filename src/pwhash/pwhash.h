/*
 * pwhash.h
 *		Password hash strings: one table of schemes, parse, verify, make.
 *
 * Written: Argon2id as PHC strings.  Also verified, so that users of other
 * systems can be imported: the schemes in the table of pwhash.c.
 */
#ifndef DJUST_PWHASH_H
#define DJUST_PWHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/bytes.h"

#define PWHASH_MAX 512 /* longest stored hash, bytes */
#define PWHASH_SALT_SIZE 16
#define PWHASH_PASSWORD_MAX 1024 /* longest password, bytes */

/* Higher costs are refused: a stored hash must not be able to stop the server. */
#define PWHASH_ARGON2_MEMORY_MAX (1024 * 1024) /* KiB */
#define PWHASH_ARGON2_ITERATIONS_MAX 64
#define PWHASH_ARGON2_PARALLELISM_MAX 64
#define PWHASH_SCRYPT_MEMORY_MAX (1024UL * 1024 * 1024) /* bytes, 128 * N * r */
#define PWHASH_SCRYPT_PARALLELISM_MAX 16 /* p multiplies the time, not the memory */
#define PWHASH_PBKDF2_ITERATIONS_MAX 10000000
#define PWHASH_BCRYPT_COST_MAX 16
#define PWHASH_CRYPT_ROUNDS_MAX 5000000
#define PWHASH_PHPASS_LOG_ROUNDS_MAX 22

typedef enum PwResult
{
	PW_MATCH,
	PW_MISMATCH,
	PW_MALFORMED, /* not a hash of a known scheme in its canonical spelling */
	PW_TOO_COSTLY, /* above the bounds above */
	PW_TOO_CHEAP, /* below the scheme's own minimum */
	PW_FAILED /* no memory, or the library failed */
} PwResult;

/* Why a string is refused as a hash. */
typedef enum PwFault
{
	PW_FAULT_NONE,
	PW_FAULT_CLEAR_TEXT, /* does not begin like any hash */
	PW_FAULT_SPELLING, /* begins like a supported scheme */
	PW_FAULT_TOO_COSTLY,
	PW_FAULT_TOO_CHEAP,
	PW_FAULT_UNSUPPORTED /* looks like an unsupported scheme */
} PwFault;

typedef struct PwCost
{
	uint32_t memory; /* KiB */
	uint32_t iterations;
	uint32_t parallelism;
} PwCost;

/* Memory for Argon2, aligned to 16 bytes; malloc is used without one, or if it is too small.  It is left wiped. */
typedef struct PwArena
{
	void *memory;
	size_t size;
} PwArena;

/*
 * Fault of a stored hash, and texts about it, which quote nothing of the string.  Hashes nothing.  Sets *scheme to the
 * name of the scheme that the string has or resembles, or to NULL.  Some texts have a %s for that name.
 */
extern PwFault pwhash_fault(Slice stored, const char **scheme);
extern const char *pwhash_fault_text(PwFault fault);
extern const char *pwhash_fault_hint(PwFault fault);

/* Django's mark of a user without a password: "!", and 40 random characters in newer versions. */
extern bool pwhash_is_unusable(Slice stored);

extern PwResult pwhash_verify(Slice stored, Slice password, const PwArena *arena);

/* Argon2id v=19, 32-byte output; out takes PWHASH_MAX bytes, NUL-terminated.  PW_MATCH on success. */
extern PwResult pwhash_make(const PwCost *cost, const uint8_t salt[PWHASH_SALT_SIZE], Slice password,
							const PwArena *arena, char *out);

/* True unless stored is Argon2id v=19 with at least this memory and iterations and exactly this parallelism. */
extern bool pwhash_needs_rehash(Slice stored, const PwCost *cost);

/* Number of a password's bytes the scheme reads; 0 if it cannot be verified. */
extern size_t pwhash_reads(Slice stored);

#endif
