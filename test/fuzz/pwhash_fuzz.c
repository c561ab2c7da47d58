/* pwhash_fuzz.c: the verdicts on a stored hash agree, cheap ones are verified, and a changed password does not match. */
#include <stdio.h>

#include "fuzz.h"
#include "pwhash/pwhash.h"

/* The costs of each scheme behind its prefix, or from a mark on: their form, their ceilings, and what is verified here. */
static const struct
{
	const char *prefix, *mark, *form;
	unsigned most[3], cheap[3];
} schemes[] = {{"$argon2",
				"m=",
				"m=%u,t=%u,p=%u$",
				{PWHASH_ARGON2_MEMORY_MAX, PWHASH_ARGON2_ITERATIONS_MAX, PWHASH_ARGON2_PARALLELISM_MAX},
				{256, 4, 64}},
			   {"argon2",
				"m=",
				"m=%u,t=%u,p=%u$",
				{PWHASH_ARGON2_MEMORY_MAX, PWHASH_ARGON2_ITERATIONS_MAX, PWHASH_ARGON2_PARALLELISM_MAX},
				{256, 4, 64}},
			   {"$scrypt$",
				NULL,
				"ln=%u,r=%u,p=%u$",
				{23, PWHASH_SCRYPT_MEMORY_MAX / 256, PWHASH_SCRYPT_PARALLELISM_MAX},
				{6, 8, 4}},
			   {"scrypt$",
				NULL,
				"%u$%*[^$]$%u$%u$",
				{PWHASH_SCRYPT_MEMORY_MAX / 128, PWHASH_SCRYPT_MEMORY_MAX / 256, PWHASH_SCRYPT_PARALLELISM_MAX},
				{64, 8, 4}},
			   {"$pbkdf2", "i=", "i=%u", {PWHASH_PBKDF2_ITERATIONS_MAX}, {32}},
			   {"$pbkdf2-sha", "6$", "6$%u$", {PWHASH_PBKDF2_ITERATIONS_MAX}, {32}},
			   {"$pbkdf2-sha", "2$", "2$%u$", {PWHASH_PBKDF2_ITERATIONS_MAX}, {32}},
			   {"$pbkdf2$", NULL, "%u$", {PWHASH_PBKDF2_ITERATIONS_MAX}, {32}},
			   {"pbkdf2_sha1$", NULL, "%u$", {PWHASH_PBKDF2_ITERATIONS_MAX}, {32}},
			   {"pbkdf2_sha256$", NULL, "%u$", {PWHASH_PBKDF2_ITERATIONS_MAX}, {32}},
			   {"$2", "$2", "$2%*c$%u$", {PWHASH_BCRYPT_COST_MAX}, {4}},
			   {"$5$rounds=", NULL, "%u$", {PWHASH_CRYPT_ROUNDS_MAX}, {1000}},
			   {"$6$rounds=", NULL, "%u$", {PWHASH_CRYPT_ROUNDS_MAX}, {1000}}};

/* Hashes of other systems whose costs are fixed, or part of their beginning: to verify them costs little. */
static const char *const cheap_beginnings[] = {"sha1$",
											   "md5$",
											   "{SHA",
											   "{SSHA",
											   "{MD5}",
											   "{SMD5}",
											   "{sha256}",
											   "{ldap}",
											   "$P$5",
											   "$H$5",
											   "$S$5",
											   "$1$",
											   "$md5$",
											   "$3$$",
											   "$y$j75$",
											   "$7$2U..../....",
											   "$wp$2y$04$",
											   "bcrypt_sha256$$2b$04$",
											   "bcrypt$$2b$04$",
											   "{bcrypt}$2b$04$",
											   "$sha1$1$",
											   "$fbscrypt$v=1,n=1,r=1,p=1,",
											   "pbkdf2:sha256:1$",
											   "pbkdf2:sha1:1$",
											   "pbkdf2:sha512:1$",
											   "scrypt:2:1:1$",
											   "{scrypt}$10101$",
											   "{PBKDF2}1$",
											   "AQAAAAAAAAAB"};

static bool
begins_cheaply(const char *stored)
{
	size_t i;

	for (i = 0; i < COUNT(cheap_beginnings); i++)
		if (strncmp(stored, cheap_beginnings[i], strlen(cheap_beginnings[i])) == 0)
			return true;
	return strspn(stored, "0123456789abcdefABCDEF") == 32 && stored[32] == '\0';
}

/* Numbers are spelled as they would be written, and below their ceilings.  True if to verify the hash costs little. */
static bool
check_costs(const char *stored)
{
	unsigned n[3] = {0}, k;
	char again[64];
	size_t i;

	for (i = 0; i < COUNT(schemes); i++)
	{
		size_t length = strlen(schemes[i].prefix);
		const char *at = strncmp(stored, schemes[i].prefix, length) ? NULL :
						 schemes[i].mark                            ? strstr(stored, schemes[i].mark) :
																	  stored + length;

		if (at == NULL || sscanf(at, schemes[i].form, &n[0], &n[1], &n[2]) < 1)
			continue;
		snprintf(again, sizeof(again), schemes[i].form, n[0], n[1], n[2]);
		assert(strchr(schemes[i].form, '*') != NULL || strncmp(at, again, strlen(again)) == 0);
		for (k = 0; k < 3; k++)
			assert(n[k] <= schemes[i].most[k]);
		return n[0] <= schemes[i].cheap[0] && n[1] <= schemes[i].cheap[1] && n[2] <= schemes[i].cheap[2];
	}
	return begins_cheaply(stored);
}

/* The verdict is the same in other memory, and an arena is left wiped. */
static void
check_verify(Slice stored, Slice password)
{
	static const uint8_t zeros[256 * 1024];
	static uint8_t memory[sizeof(zeros)] __attribute__((aligned(16)));
	PwArena arena = {memory, sizeof(memory)};
	PwResult result = pwhash_verify(stored, password, NULL);
	bool is_crypt = stored.data[0] == '$' && strchr("256", stored.data[1]) != NULL;
	char *other = copy_of(password);
	size_t choice = choose(password, 1 << 16);

	assert(result == PW_MATCH || result == PW_MISMATCH);
	assert(is_crypt || pwhash_verify(stored, password, &arena) == result);
	assert(memcmp(memory, zeros, sizeof(memory)) == 0);
	if (result == PW_MATCH && password.length > 0)
	{
		size_t at = choice % (password.length < pwhash_reads(stored) ? password.length : pwhash_reads(stored));

		other[at] ^= (char) (1 << choice % 8);
		assert(pwhash_verify(stored, (Slice){other, password.length}, NULL) == PW_MISMATCH);
	}
	assert(result == PW_MISMATCH || password.length <= PWHASH_PASSWORD_MAX);
	assert(result == PW_MISMATCH || !is_crypt || memchr(password.data, '\0', password.length) == NULL);
	free(other);
}

/*
 * Of the schemes that begin with a dollar sign only Firebase's has padding: a hash of another is refused with what would
 * complete its last field.
 */
static void
check_padding(const char *stored)
{
	size_t n = strlen(stored), field;
	const char *scheme;
	char padded[PWHASH_MAX + 4];

	if ((*stored != '$' && strncmp(stored, "argon2", 6) != 0) || strncmp(stored, "$fbscrypt$", 10) == 0)
		return;
	assert(stored[n - 1] != '=');
	memcpy(padded, stored, n);
	for (field = strlen(strrchr(stored, '$') + 1); field % 4 != 0; field++)
		padded[n++] = '=';
	assert(n == strlen(stored) || pwhash_fault((Slice){padded, n}, &scheme) == PW_FAULT_SPELLING);
}

/* A line with the password, then the stored hash. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice stored = {(const char *) data, size};
	Slice password = take_until(&stored, '\n');
	const PwCost weakest = {8, 1, 1};
	const char *scheme;
	PwFault fault = pwhash_fault(stored, &scheme);
	char text[PWHASH_MAX + 1] = "";

	assert((fault == PW_FAULT_NONE) == (pwhash_reads(stored) > 0) &&
		   (fault == PW_FAULT_CLEAR_TEXT) == (scheme == NULL));
	assert((*pwhash_fault_text(fault) == '\0') == (fault == PW_FAULT_NONE) &&
		   (*pwhash_fault_hint(fault) == '\0') == (fault == PW_FAULT_NONE));
	if (!pwhash_needs_rehash(stored, &weakest))
		assert(fault == PW_FAULT_NONE && strstr(strncpy(text, stored.data, stored.length), "argon2id$v=19$m=") != NULL);
	if (fault == PW_FAULT_NONE)
	{
		assert(stored.length > 0 && stored.length <= PWHASH_MAX && memchr(stored.data, '\0', stored.length) == NULL);
		memcpy(text, stored.data, stored.length);
		check_padding(text);
		if (check_costs(text))
			check_verify(stored, password);
	}
	else
		assert(pwhash_verify(stored, password, NULL) == (fault == PW_FAULT_TOO_COSTLY ? PW_TOO_COSTLY :
														 fault == PW_FAULT_TOO_CHEAP  ? PW_TOO_CHEAP :
																						PW_MALFORMED));
	return 0;
}

/* The fields of all schemes, and numbers at their bounds. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {"$",
										"$argon2id$v=19$m=8,t=1,p=1$",
										"$argon2i$",
										"$argon2d$",
										"argon2",
										"argon2id",
										"argon2d",
										"v=19",
										"v=16",
										"m=8",
										"m=16",
										"t=1",
										"p=2",
										"m=4294967304",
										"$scrypt$ln=1,r=1,p=1$",
										"scrypt$2$salt$1$1$",
										"scrypt",
										"ln=2",
										"r=2",
										"r=4294967295",
										"$pbkdf2-sha256$i=1,l=32$",
										"$pbkdf2-sha512$1$",
										"$pbkdf2$1$",
										"pbkdf2_sha256$1$salt$",
										"pbkdf2_sha1$1$salt$",
										"i=1",
										"l=32",
										"l=64",
										"l=16",
										"$2a$04$",
										"$2b$04$",
										"$2y$04$",
										"$5$",
										"$6$",
										"rounds=1000",
										"rounds=999",
										"0",
										"1",
										"00",
										"4294967296",
										"18446744073709551617",
										"=",
										"==",
										".",
										"+",
										"c2FsdA",
										"c29tZXNhbHQ",
										"AAAAAAAAAAAAAAAAAAAAAA",
										"$1$",
										"{SSHA}",
										"md5$",
										"5f4dcc3b5aa765d61d8327deb882cf99",
										"xxtHrOGVa3182",
										"password",
										"\n",
										" ",
										"\"",
										"\x80"};

	return mutate_fields(data, size, max, seed, "\n$,=", words, COUNT(words));
}
