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

/* Memory for `patterns` patterns with at most `segments` segments and `bytes` bytes in total. */
extern size_t route_trie_size(size_t patterns, size_t segments, size_t bytes);
extern RouteTrie *route_trie_init(void *memory, size_t patterns, size_t segments, size_t bytes);
/* tag identifies the pattern for the caller.  False if there is no room or the trie has an equal pattern. */
extern bool route_trie_add(RouteTrie *trie, const RoutePath *pattern, RouteRight right, int tag);
/* Prefetches the start of a search. */
extern void route_trie_prefetch(const RouteTrie *trie);

/*
 * Right of the most specific pattern: literal before {name} before **, from left to right.  Sets *tag (may be NULL) to
 * that pattern's tag.  Time depends on the path and the patterns that can match it, not on their number.
 *
 * A pattern has a right, too, on its paths for which no more specific literal is known.  A {name} in it is matched only
 * by {name} and **, a final ** only by **.
 */
extern RouteRight route_trie_match(const RouteTrie *trie, const RoutePath *path, int *tag);

#endif
