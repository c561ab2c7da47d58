/*
 * pwhash.h
 *		Password hash strings: one table of schemes, parse, verify, make.
 *
 * Written: Argon2id as PHC strings.  Verified as well: Argon2i and Argon2d,
 * scrypt, PBKDF2 (PHC, passlib and Django spellings), bcrypt, sha-crypt.
 */
#ifndef DJUST_PWHASH_H
#define DJUST_PWHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PWHASH_MAX 512			/* longest stored hash, bytes */
#define PWHASH_SALT_SIZE 16
#define PWHASH_PASSWORD_MAX 1024	/* longest password, bytes */

/* Costs beyond these are refused: a stored hash must not be a way to stop the server. */
#define PWHASH_ARGON2_MEMORY_MAX (1024 * 1024)	/* KiB */
#define PWHASH_ARGON2_ITERATIONS_MAX 64
#define PWHASH_ARGON2_PARALLELISM_MAX 64
#define PWHASH_SCRYPT_MEMORY_MAX (1024UL * 1024 * 1024) /* bytes, 128 * N * r */
#define PWHASH_SCRYPT_PARALLELISM_MAX 16	/* p multiplies the time, not the memory */
#define PWHASH_PBKDF2_ITERATIONS_MAX 10000000
#define PWHASH_BCRYPT_COST_MAX 16
#define PWHASH_SHACRYPT_ROUNDS_MAX 5000000

typedef enum PwResult
{
	PW_MATCH,
	PW_MISMATCH,
	PW_MALFORMED,				/* not a hash of a known scheme in its canonical spelling */
	PW_TOO_COSTLY,				/* of a known scheme, beyond the bounds above */
	PW_TOO_CHEAP,				/* of a known scheme, below what the scheme itself allows */
	PW_FAILED					/* no memory, or the library failed */
} PwResult;

/* Why a string is refused as a hash, for people. */
typedef enum PwFault
{
	PW_FAULT_NONE,
	PW_FAULT_CLEAR_TEXT,		/* begins like no hash */
	PW_FAULT_SPELLING,			/* begins like a scheme of ours */
	PW_FAULT_TOO_COSTLY,
	PW_FAULT_TOO_CHEAP,
	PW_FAULT_UNSUPPORTED		/* has the form of a scheme that is not ours */
} PwFault;

typedef struct PwCost
{
	uint32_t	memory;			/* KiB */
	uint32_t	iterations;
	uint32_t	parallelism;
} PwCost;

/* Memory lent for Argon2, aligned to 16 bytes; larger needs, or no arena, fall back to malloc.  Left wiped. */
typedef struct PwArena
{
	void	   *memory;
	size_t		size;
} PwArena;

/* Can this string be verified?  PW_MATCH if so, else PW_MALFORMED, PW_TOO_COSTLY or PW_TOO_CHEAP.  Does no hashing. */
extern PwResult pwhash_check(const char *stored, size_t length);

/* The same verdict with its cause, and what to say of it; neither text repeats any of the string. */
extern PwFault pwhash_fault(const char *stored, size_t length);
extern const char *pwhash_fault_text(PwFault fault);
extern const char *pwhash_fault_hint(PwFault fault);

extern PwResult pwhash_verify(const char *stored, size_t length, const char *password, size_t password_length,
							  const PwArena *arena);

/* Argon2id v=19, 32-byte output; out takes PWHASH_MAX bytes, NUL-terminated.  PW_MATCH when made. */
extern PwResult pwhash_make(const PwCost *cost, const uint8_t salt[PWHASH_SALT_SIZE],
							const char *password, size_t password_length, const PwArena *arena, char *out);

/* True unless stored is Argon2id v=19 with at least this memory and iterations and exactly this parallelism. */
extern bool pwhash_needs_rehash(const char *stored, size_t length, const PwCost *cost);

/* How many bytes of a password the scheme reads; 0 for what cannot be verified. */
extern size_t pwhash_reads(const char *stored, size_t length);

/* "argon2id", "argon2i", "argon2d", "scrypt", "pbkdf2", "bcrypt", "sha-crypt", or NULL; for people. */
extern const char *pwhash_scheme(const char *stored, size_t length);

#endif
