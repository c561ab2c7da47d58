/* pwhash_fuzz.c: stored hashes are read, never computed: the verdicts on one string agree. */
#include <assert.h>
#include <string.h>

#include "pwhash/pwhash.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *stored = (const char *) data;
	const PwCost weakest = {1, 1, 1};
	PwResult	result = pwhash_check(stored, size);
	const char *scheme = pwhash_scheme(stored, size);

	assert(result == PW_MATCH || result == PW_MALFORMED || result == PW_TOO_COSTLY || result == PW_TOO_CHEAP);
	assert((pwhash_fault(stored, size) == PW_FAULT_NONE) == (result == PW_MATCH));
	if (result == PW_MATCH)
		assert(scheme != NULL && size > 0 && size <= PWHASH_MAX && memchr(stored, '\0', size) == NULL);
	if (!pwhash_needs_rehash(stored, size, &weakest))
		assert(result == PW_MATCH && strcmp(scheme, "argon2id") == 0);
	return 0;
}
