/* trie_fuzz.c: the most specific pattern decides, as one that looks at all patterns finds it, and no memory but the given is written. */
#include "fuzz.h"
#include "routes/route_trie.h"

#define RULES 12

typedef struct Rule
{
	RoutePath pattern;
	char canonical[ROUTE_PATH_MAX];
	size_t length;
	RouteRight right; /* RIGHT_NO_MATCH if it was not added */
} Rule;

static Rule rules[RULES];
static RoutePath route;

/*
 * How specific a match is, a letter for each segment: a literal, {name}, the end, **; the first in the alphabet decides.
 * A {name} that is asked for is no literal, and a ** only **.
 */
static bool
rank(const RoutePath *pattern, const RoutePath *asked, char *letters)
{
	int i;

	if (pattern->is_code != asked->is_code || pattern->nsegments > asked->nsegments)
		return false;
	for (i = 0; i < pattern->nsegments; i++)
	{
		letters[i] = pattern->segment[i].data == NULL ? 'b' : 'a';
		if (pattern->segment[i].data != NULL &&
			(asked->segment[i].data == NULL || !slice_equal(pattern->segment[i], asked->segment[i])))
			return false;
	}
	letters[i] = pattern->rest ? 'd' : 'c';
	letters[i + 1] = '\0';
	return pattern->rest || (pattern->nsegments == asked->nsegments && !asked->rest);
}

static void
check_match(const RouteTrie *trie, const RoutePath *asked, size_t count)
{
	char best[ROUTE_SEGMENTS_MAX + 2] = "z", letters[ROUTE_SEGMENTS_MAX + 2];
	int tag = -1, expected = -1;
	size_t i;

	for (i = 0; i < count; i++)
		if (rules[i].right != RIGHT_NO_MATCH && rank(&rules[i].pattern, asked, letters) && strcmp(letters, best) < 0)
		{
			strcpy(best, letters);
			expected = (int) i;
		}
	route_trie_prefetch(trie);
	assert(route_trie_match(trie, asked, &tag) == (expected < 0 ? RIGHT_NO_MATCH : rules[expected].right) &&
		   tag == expected);
	assert(route_trie_match(trie, asked, NULL) == (expected < 0 ? RIGHT_NO_MATCH : rules[expected].right));
}

/* Equal patterns are those with an equal spelling, and they are refused; others only where the room is `scant`. */
static void
check_add(RouteTrie *trie, Rule *rule, bool scant)
{
	bool repeated = false;
	bool added;
	Rule *other;

	rule->length = route_canonical(&rule->pattern, rule->canonical);
	for (other = rules; other < rule; other++)
		repeated |= other->right != RIGHT_NO_MATCH && other->pattern.is_code == rule->pattern.is_code &&
					slice_equal((Slice){other->canonical, other->length}, (Slice){rule->canonical, rule->length});
	added = route_trie_add(trie, &rule->pattern, rule->right, (int) (rule - rules));
	assert(repeated ? !added : added || scant);
	assert(!route_trie_add(trie, &rule->pattern, RIGHT_NO_MATCH, 0));
	if (!added)
		rule->right = RIGHT_NO_MATCH;
}

/* A byte for the room; lines with a right and a pattern; lines with a path or pattern to look for. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice input = {(const char *) data, size}, rest;
	uint8_t room = take_byte(&input);
	size_t count = 0, segments = 0, bytes = 0, i;
	RouteTrie *trie;
	void *memory;

	for (rest = input; rest.length > 0 && rest.data[0] >= '0' && rest.data[0] <= '2' && count < RULES; input = rest)
	{
		rules[count].right = (RouteRight) (take_byte(&rest) - '0');
		if (route_parse_pattern(take_until(&rest, '\n'), &rules[count].pattern) != ROUTE_OK)
			continue;
		segments += (size_t) rules[count].pattern.nsegments;
		for (i = 0; i < (size_t) rules[count].pattern.nsegments; i++)
			bytes += rules[count].pattern.segment[i].length;
		count++;
	}
	if (room % 2)
	{
		segments = room / 2 < segments ? room / 2 : segments;
		bytes = room < bytes ? room : bytes;
	}
	memory = malloc(route_trie_size(count, segments, bytes));
	trie = route_trie_init(memory, count, segments, bytes);
	for (i = 0; i < count; i++)
		check_add(trie, &rules[i], room % 2);
	while (input.length > 0)
	{
		Slice line = take_until(&input, '\n');

		if (route_parse_path(line, &route) == ROUTE_OK)
			check_match(trie, &route, count);
		if (route_parse_pattern(line, &route) == ROUTE_OK)
			check_match(trie, &route, count);
	}
	free(memory);
	assert(route_trie_size(SIZE_MAX, segments, bytes) == SIZE_MAX &&
		   route_trie_size(count, segments, SIZE_MAX) == SIZE_MAX);
	return 0;
}

/* Few names, so that patterns meet. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {"a",
										"b",
										"A",
										"%61",
										"{x}",
										"{y}",
										"**",
										"/",
										"/a",
										"/{x}",
										"/**",
										"/a/b",
										"/a/{x}",
										"/a/**",
										"/{x}/b",
										"/{x}/**",
										"/{}",
										"/%7Bx%7D",
										"\n",
										"\n0/",
										"\n1/",
										"\n2/",
										"\n1/a/{x}/**",
										"\n/a/b/c",
										"\n0a",
										"\na",
										"/?",
										"caf%C3%A9",
										"a-name-of-more-than-thirty-two-characters",
										"0",
										"1",
										"2"};

	return mutate_fields(data, size, max, seed, "/\n", words, COUNT(words));
}
