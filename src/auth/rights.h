/*
 * rights.h
 *		Rights of profiles: compiled patterns, cached per backend.
 */
#ifndef DJUST_RIGHTS_H
#define DJUST_RIGHTS_H

#include "nodes/pg_list.h"
#include "utils/array.h"

#include "routes/route_trie.h"

#define ANONYMOUS_PROFILE "anonymous"

/* A profile's deciding pattern; strings are in the current context. */
typedef struct Decision
{
	RouteRight right;
	char *profile;
	char *pattern;
} Decision;

/* Highest right on the path of the profiles, which may be NULL, and of anonymous. */
extern RouteRight rights_access(ArrayType *profiles, const RoutePath *path);
/* Right of one profile on a pattern or path; see route_trie_match. */
extern RouteRight rights_of_profile(const char *profile, Slice route);
/* Explains rights_access: a Decision * for each of the profiles and anonymous that has a matching pattern. */
extern List *rights_explain(ArrayType *profiles, Slice route, RouteFault *fault);

/* Accepts read, write, or an HTTP method (upper case); false otherwise. */
extern bool rights_parse_access(Slice access, RouteRight *needed);
/* The same, but raises 22023 instead. */
extern RouteRight rights_needed(Slice access);

#endif
