/* pwhash_fuzz.c: stored hashes are read, never computed: the verdicts on one string agree. */
#define _GNU_SOURCE
#include <assert.h>
#include <string.h>

#include "pwhash/pwhash.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice stored = {(const char *) data, size};
	const PwCost weakest = {1, 1, 1};
	bool good = pwhash_fault(stored) == PW_FAULT_NONE;

	assert(good == (pwhash_reads(stored) > 0));
	if (good)
		assert(size > 0 && size <= PWHASH_MAX && memchr(data, '\0', size) == NULL);
	if (!pwhash_needs_rehash(stored, &weakest))
		assert(good && memmem(data, size, "argon2id$", 9) != NULL);
	return 0;
}
