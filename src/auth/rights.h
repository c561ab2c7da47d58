/*
 * rights.h
 *		What profiles allow: compiled patterns, cached per backend.
 */
#ifndef DJUST_RIGHTS_H
#define DJUST_RIGHTS_H

#include "nodes/pg_list.h"
#include "utils/array.h"

#include "routes/route_trie.h"

#define ANONYMOUS_PROFILE "anonymous"

/* Who decided; strings live in the current context, NULL where nothing matched. */
typedef struct Decision
{
	RouteRight	right;
	char	   *profile;
	char	   *pattern;
} Decision;

/* Highest right of the profiles, which may be NULL, and of anonymous on the path. */
extern RouteRight rights_access(ArrayType *profiles, const RoutePath *path);
/* One profile's right on a pattern or path; see route_trie_match. */
extern RouteRight rights_of_profile(const char *profile, const char *route, size_t length);
/* The same with the reasons: one Decision * for each of the profiles and anonymous that has a matching pattern. */
extern List *rights_explain(ArrayType *profiles, const char *route, size_t length, RouteFault *fault);

/* read, write, or an HTTP method (upper case); false for anything else. */
extern bool rights_parse_access(const char *access, size_t length, RouteRight *needed);
/* The same, but anything else raises 22023. */
extern RouteRight rights_needed(const char *access, size_t length);

#endif
