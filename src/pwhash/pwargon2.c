/*
 * pwargon2.c
 *		Argon2, by libargon2, in memory of the caller.
 *
 * Not reentrant: the library's allocation callbacks take no argument, so the
 * memory is passed in a static variable.  Backends have one thread.
 *
 * Threat: intermediate values left in memory that others use next.
 */
#include <stdlib.h>
#include <string.h>

#include <argon2.h>

#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define ARGON2_SALT_MAX 64
#define BLOCK_SIZE 1024

/* Memory of the running call: the caller's, or from malloc. */
static struct
{
	const PwArena *arena;
	uint8_t *memory; /* NULL if none is in use */
	size_t size;
} lent;

/* Uses the arena if it is large enough and aligned like malloc's memory, else malloc. */
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

/* Wipes the memory, and frees it if it is not the arena. */
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
 * libargon2 wipes all of the memory before this call, unless its global FLAG_clear_internal_memory was cleared, which
 * not all builds let us read.  The last block shows it: Argon2 always writes it, and it is never zero by chance.
 * Always wiping here would cost a second pass over the memory at every login.
 */
static void
take_memory_back(uint8_t *memory, size_t size)
{
	static const uint8_t zeros[BLOCK_SIZE];
	bool wiped = size >= BLOCK_SIZE && memcmp(memory + size - BLOCK_SIZE, zeros, BLOCK_SIZE) == 0;

	if (wiped)
		lent.size = 0;
	return_memory();
}

/* Computes the hash.  One thread for any number of lanes: the result is the same. */
bool
pw_derive_argon2(const Parsed *parsed, Slice password, const PwArena *arena, uint8_t *out)
{
	argon2_context context = {
		.out = out,
		.outlen = (uint32_t) parsed->derived_length,
		.pwd = (uint8_t *) password.data,
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
		.flags = ARGON2_DEFAULT_FLAGS /* do not wipe the password, which is const */
	};
	bool good;

	lent.arena = arena;
	good = argon2_ctx(&context, (argon2_type) parsed->scheme->variant) == ARGON2_OK;
	return_memory(); /* some failures of the library skip free_cbk */
	lent.arena = NULL;
	return good;
}

/* RFC 9106 section 3.1 requires eight blocks per lane. */
PwResult
pw_judge_argon2(const Parsed *parsed)
{
	if (parsed->memory > PWHASH_ARGON2_MEMORY_MAX || parsed->iterations > PWHASH_ARGON2_ITERATIONS_MAX ||
		parsed->parallelism > PWHASH_ARGON2_PARALLELISM_MAX)
		return PW_TOO_COSTLY;
	if (parsed->iterations == 0 || parsed->parallelism == 0 || parsed->memory < parsed->parallelism * 8)
		return PW_TOO_CHEAP;
	return PW_MATCH;
}

/* v=19$m=65536,t=3,p=4$salt$hash; without v= it is version 16, which was written before there was another */
PwResult
pw_parse_argon2(Cursor *cursor, Parsed *parsed)
{
	PwResult result;

	parsed->version = ARGON2_VERSION_10;
	if (pw_take(cursor, "v=") && (!pw_take_number(cursor, &parsed->version) || !pw_take(cursor, "$")))
		return PW_MALFORMED;
	if (!pw_take_named(cursor, "m=", &parsed->memory) || !pw_take_named(cursor, ",t=", &parsed->iterations) ||
		!pw_take_named(cursor, ",p=", &parsed->parallelism))
		return PW_MALFORMED;
	if (parsed->version != ARGON2_VERSION_10 && parsed->version != ARGON2_VERSION_13)
		return PW_MALFORMED;
	result = pw_judge_argon2(parsed);
	if (result != PW_MATCH)
		return result;
	return pw_take_tail(cursor, PHC, ARGON2_MIN_SALT_LENGTH, ARGON2_SALT_MAX, parsed) ? PW_MATCH : PW_MALFORMED;
}

PwResult
pw_verify_argon2(const Parsed *parsed, Slice password, const PwArena *arena)
{
	uint8_t derived[PW_DERIVED_MAX];

	return pw_compare(parsed, pw_derive_argon2(parsed, password, arena, derived), derived);
}
