/* pwargon2_fuzz.c: Argon2: libargon2's hashes match, ours are the same to the letter, and memory that was lent is wiped. */
#include <stdio.h>

#include <argon2.h>

#include "stored.h"

static uint8_t memory[32 * 1024] __attribute__((aligned(16)));

/* What the bytes of an input choose. */
typedef struct Choice
{
	uint8_t type, version, memory, iterations, length, arena;
	uint32_t lanes;
	Slice salt, password;
} Choice;

/* Enough memory, too little, misaligned, or none. */
static PwArena
arena_of(const Choice *c)
{
	PwArena arenas[] = {
		{memory, sizeof(memory)}, {memory, 8191}, {memory + 1, sizeof(memory) - 1}, {NULL, sizeof(memory)}};

	return arenas[c->arena % COUNT(arenas)];
}

/* libargon2 writes PHC strings; Django puts a word before them. */
static void
check_library(const Choice *c)
{
	static const argon2_type types[] = {Argon2_id, Argon2_i, Argon2_d};
	PwArena arena = arena_of(c);
	uint8_t salt[64] = "saltsalt", hash[64];
	char stored[PWHASH_MAX] = "argon2";
	size_t length = 16 + c->length % 49;

	memcpy(salt, c->salt.data, c->salt.length);
	assert(argon2_hash(1 + c->iterations % 2,
					   8 * c->lanes + c->memory % 9,
					   c->lanes,
					   c->password.data,
					   c->password.length,
					   salt,
					   8 + c->salt.length,
					   hash,
					   length,
					   stored + 6,
					   sizeof(stored) - 6,
					   types[c->type % 3],
					   c->version % 2 ? ARGON2_VERSION_10 : ARGON2_VERSION_13) == ARGON2_OK);
	check_stored(slice_of(c->version & 2 ? stored : stored + 6), c->password, &arena);
}

/* Renewed for another cost only. */
static void
check_made(const Choice *c)
{
	PwArena arena = arena_of(c);
	PwCost cost = {16 + c->memory % 9, 1 + c->iterations % 2, c->lanes}, dearer = cost;
	char made[PWHASH_MAX], expected[PWHASH_MAX];
	uint8_t salt[PWHASH_SALT_SIZE] = {0}, hash[32];

	memcpy(salt, c->salt.data, c->salt.length < sizeof(salt) ? c->salt.length : sizeof(salt));
	assert(pwhash_make(&cost, salt, c->password, &arena, made) ==
		   (c->password.length > PWHASH_PASSWORD_MAX ? PW_FAILED : PW_MATCH));
	if (*made == '\0')
		return;
	assert(argon2_hash(cost.iterations,
					   cost.memory,
					   cost.parallelism,
					   c->password.data,
					   c->password.length,
					   salt,
					   sizeof(salt),
					   hash,
					   sizeof(hash),
					   expected,
					   sizeof(expected),
					   Argon2_id,
					   ARGON2_VERSION_13) == ARGON2_OK &&
		   strcmp(made, expected) == 0);
	dearer.memory += c->length % 2;
	dearer.iterations += 1 - c->length % 2;
	assert(!pwhash_needs_rehash(slice_of(made), &cost) && pwhash_needs_rehash(slice_of(made), &dearer));
	cost.memory = cost.parallelism * 8 - 1;
	assert(pwhash_make(&cost, salt, c->password, &arena, made) == PW_TOO_CHEAP && *made == '\0');
}

/* Six choices, a salt, and the password.  The library starts a thread for each lane, so few inputs have two. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[sizeof(memory)];
	Slice input = {(const char *) data, size};
	Choice c = {take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input),
				take_byte(&input)};

	c.lanes = choose((Slice){(const char *) data, size}, 32) ? 1 : 2;
	c.salt = take(&input, c.length % 57);
	c.password = input;
	check_library(&c);
	check_made(&c);
	assert(memcmp(memory, zeros, sizeof(memory)) == 0);
	return 0;
}
