/*
 * route_trie.h
 *		The compiled rights of one profile; pure, over caller's memory.
 */
#ifndef DJUST_ROUTE_TRIE_H
#define DJUST_ROUTE_TRIE_H

#include "routes/route.h"

typedef enum RouteRight
{
	RIGHT_NO_MATCH = -1,
	RIGHT_NONE = 0,
	RIGHT_READ = 1,
	RIGHT_WRITE = 2
} RouteRight;

typedef struct RouteTrie RouteTrie;

/* Memory for `patterns` patterns that have at most `segments` segments and `bytes` bytes altogether. */
extern size_t route_trie_size(size_t patterns, size_t segments, size_t bytes);
extern RouteTrie *route_trie_init(void *memory, size_t patterns, size_t segments, size_t bytes);
/* tag: the caller's name for this pattern.  False: no room, or an equal pattern is there already. */
extern bool route_trie_add(RouteTrie *set, const RoutePath *pattern, RouteRight right, int tag);
/* Has the processor fetch what a search begins with, while the caller does something else. */
extern void route_trie_expect(const RouteTrie *set);

/*
 * Right of the most specific pattern: literal before {name} before **, from left to right.  *tag (may be NULL)
 * becomes that pattern's tag.  Time depends on the path and the patterns that can match it, not on how many there are.
 */
extern RouteRight route_trie_match(const RouteTrie *set, const RoutePath *path, int *tag);

/*
 * The same for a whole pattern: the right on those paths for which no more specific literal is known.  {name} in the
 * question is met by {name} and ** only, a final ** by ** only.
 */
extern RouteRight route_trie_match_pattern(const RouteTrie *set, const RoutePath *pattern, int *tag);

#endif
