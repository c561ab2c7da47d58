/* route_fuzz.c: what parses has one spelling, which parses again to the same pattern (a code if it is ASCII), and matches itself. */
#include <assert.h>
#include <string.h>

#include "routes/route_trie.h"

static RoutePath route, again;
static char memory[65536] __attribute__((aligned(16)));

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice text = {(const char *) data, size};
	char once[ROUTE_PATH_MAX] = "", twice[ROUTE_PATH_MAX];
	RouteTrie *set = route_trie_init(memory, 2, 2 * ROUTE_SEGMENTS_MAX, 2 * ROUTE_PATTERN_MAX);
	size_t n;

	if (route_parse_pattern(text, &route) == ROUTE_OK)
	{
		n = route_canonical(&route, once);
		assert(route_trie_add(set, &route, RIGHT_READ, 1) && !route_trie_add(set, &route, RIGHT_READ, 2));
		assert(route_trie_match(set, &route, NULL) == RIGHT_READ);
		if (n <= ROUTE_PATTERN_MAX && strstr(once, "{}") == NULL && (once[0] == '/' || memchr(once, '%', n) == NULL))
			assert(route_parse_pattern((Slice){once, n}, &again) == ROUTE_OK &&
				   !route_trie_add(set, &again, RIGHT_READ, 3) && route_canonical(&again, twice) == n &&
				   memcmp(once, twice, n) == 0);
	}
	if (route_parse_path(text, &again) == ROUTE_OK)
		(void) route_trie_match(set, &again, NULL);
	return 0;
}
