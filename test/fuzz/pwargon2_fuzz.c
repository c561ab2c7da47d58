/* pwargon2_fuzz.c: Argon2: libargon2's hashes match, ours are the same to the letter, and memory that was lent is wiped. */
#include <stdio.h>

#include <argon2.h>

#include "stored.h"

#define MARK 0xee
#define BLOCK 1024

static uint8_t memory[32 * BLOCK] __attribute__((aligned(16)));

/* What the bytes of an input choose. */
typedef struct Choice
{
	uint8_t type, version, memory, iterations, length, arena;
	uint32_t lanes;
	Slice salt, password;
} Choice;

/* Bytes that Argon2 works in: as many KiB, in whole quarters of each lane. */
static size_t
needed(const Choice *c, size_t kib)
{
	return kib / (4 * c->lanes) * 4 * c->lanes * BLOCK;
}

/* Enough memory, just enough, a byte too little, misaligned, or none; marked. */
static PwArena
arena_of(const Choice *c, size_t kib)
{
	size_t n = needed(c, kib);
	PwArena arenas[] = {{memory, sizeof(memory)}, {memory, n}, {memory, n - 1}, {memory + 1, n}, {NULL, n}};

	memset(memory, MARK, sizeof(memory));
	return arenas[c->arena % COUNT(arenas)];
}

/* What was lent is wiped; nothing else is touched, and nothing at all where the arena does not serve. */
static void
check_lent(const Choice *c, size_t kib)
{
	static const uint8_t zeros[sizeof(memory)];
	size_t used = c->arena % 5 < 2 ? needed(c, kib) : 0;

	assert(memcmp(memory, zeros, used) == 0 && memory[used] == MARK &&
		   memcmp(memory + used, memory + used + 1, sizeof(memory) - used - 1) == 0);
}

/* libargon2 writes PHC strings; Django puts a word before them. */
static void
check_library(const Choice *c)
{
	static const argon2_type types[] = {Argon2_id, Argon2_i, Argon2_d};
	uint32_t kib = 8 * c->lanes + c->memory % 9;
	PwArena arena = arena_of(c, kib);
	Slice password = start_of(c->password);
	uint8_t salt[64] = "saltsalt", hash[64];
	char stored[PWHASH_MAX] = "argon2";
	size_t length = 16 + c->length % 49;

	memcpy(salt, c->salt.data, c->salt.length);
	assert(argon2_hash(1 + c->iterations % 2,
					   kib,
					   c->lanes,
					   password.data,
					   password.length,
					   salt,
					   8 + c->salt.length,
					   hash,
					   length,
					   stored + 6,
					   sizeof(stored) - 6,
					   types[c->type % 3],
					   c->version % 2 ? ARGON2_VERSION_10 : ARGON2_VERSION_13) == ARGON2_OK);
	check_stored(slice_of(c->version & 2 ? stored : stored + 6), c->password, &arena);
	check_lent(c, kib);
}

/* Renewed for another cost only. */
static void
check_made(const Choice *c)
{
	PwCost cost = {16 + c->memory % 9, 1 + c->iterations % 2, c->lanes}, dearer = cost;
	PwArena arena = arena_of(c, cost.memory);
	char made[PWHASH_MAX], expected[PWHASH_MAX];
	uint8_t salt[PWHASH_SALT_SIZE] = {0}, hash[32];

	memcpy(salt, c->salt.data, c->salt.length < sizeof(salt) ? c->salt.length : sizeof(salt));
	assert(pwhash_make(&cost, salt, c->password, &arena, made) ==
		   (c->password.length > PWHASH_PASSWORD_MAX ? PW_FAILED : PW_MATCH));
	if (*made == '\0')
		return;
	check_lent(c, cost.memory);
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
	return 0;
}
