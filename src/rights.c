/*
 * rights.c
 *		Owns the compiled patterns of profiles, cached per backend.
 *
 * A profile is compiled when it is first asked for.  The cache belongs to one
 * catalog_epoch: a change of any right, here or elsewhere, makes it stale as
 * a whole; a profile read while the epoch moved is read again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "rights.h"

#define PROFILE_KEY_SIZE 256	/* 63 characters of up to four bytes, and a NUL */

typedef struct Compiled
{
	char		profile[PROFILE_KEY_SIZE];
	RouteSet   *set;
	char	  **patterns;		/* by tag */
} Compiled;

static MemoryContext cache_context = NULL;
static HTAB *cache = NULL;
static uint64 cache_epoch = 0;
static const Compiled *anonymous = NULL;	/* its entry, which every check needs */

/* Empties the cache when it belongs to the past. */
static void
synchronise(void)
{
	HASHCTL		control = {.keysize = PROFILE_KEY_SIZE, .entrysize = sizeof(Compiled)};

	AcceptInvalidationMessages();
	if (cache && cache_epoch == catalog_epoch())
		return;
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext, "djust_auth rights", ALLOCSET_DEFAULT_SIZES);
	cache = NULL;
	anonymous = NULL;
	MemoryContextReset(cache_context);
	control.hcxt = cache_context;
	cache_epoch = catalog_epoch();
	cache = hash_create("djust_auth profiles", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
compile(const char *profile, Compiled *out)
{
	List	   *rights = catalog_rights_of(profile);
	MemoryContext old = MemoryContextSwitchTo(cache_context);
	RoutePath	path;
	size_t		segments = 0;
	size_t		bytes = 0;
	ListCell   *cell;
	int			tag = 0;

	foreach(cell, rights)
	{
		const char *route = ((RightRow *) lfirst(cell))->route;

		bytes += strlen(route);
		for (; *route; route++)
			segments += *route == '/';
		segments++;
	}
	out->set = route_set_init(palloc(route_set_size(list_length(rights), segments, bytes)),
							  list_length(rights), segments, bytes);
	out->patterns = palloc(sizeof(char *) * (list_length(rights) + 1));
	foreach(cell, rights)
	{
		RightRow   *row = lfirst(cell);

		out->patterns[tag] = pstrdup(row->route);
		if (route_parse_pattern(row->route, strlen(row->route), &path) == ROUTE_OK)
			route_set_add(out->set, &path, row->access, tag);
		tag++;
	}
	MemoryContextSwitchTo(old);
}

static const Compiled *
compiled(const char *profile)
{
	for (;;)
	{
		Compiled	fresh = {.set = NULL};
		Compiled   *entry;

		synchronise();
		entry = hash_search(cache, profile, HASH_FIND, NULL);
		if (entry)
			return entry;
		compile(profile, &fresh);
		if (cache_epoch != catalog_epoch())
			continue;
		entry = hash_search(cache, profile, HASH_ENTER, NULL);
		entry->set = fresh.set;
		entry->patterns = fresh.patterns;
		return entry;
	}
}

static const Compiled *
compiled_anonymous(void)
{
	synchronise();
	if (anonymous == NULL)
		anonymous = compiled(ANONYMOUS_PROFILE);
	return anonymous;
}

/* Names of the profiles, anonymous last. */
static List *
names_of(ArrayType *profiles)
{
	List	   *names = NIL;
	Datum	   *values;
	int			n = 0;
	int			i;

	if (profiles)
		deconstruct_array(profiles, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (i = 0; i < n; i++)
		names = lappend(names, TextDatumGetCString(values[i]));
	return lappend(names, ANONYMOUS_PROFILE);
}

RouteRight
rights_access(ArrayType *profiles, const char *route, size_t length)
{
	RouteRight	best;
	RoutePath	path;
	Datum	   *values;
	int			n = 0;
	int			i;

	if (route_parse_path(route, length, &path) != ROUTE_OK)
		return RIGHT_NO_MATCH;
	best = route_set_match(compiled_anonymous()->set, &path, NULL);
	if (profiles)
		deconstruct_array(profiles, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (i = 0; i < n && best < RIGHT_WRITE; i++)
		best = Max(best, route_set_match(compiled(TextDatumGetCString(values[i]))->set, &path, NULL));
	return best;
}

RouteRight
rights_of_profile(const char *profile, const char *route, size_t length)
{
	RoutePath	path;

	if (route_parse_pattern(route, length, &path) != ROUTE_OK)
		return RIGHT_NO_MATCH;
	return route_set_match_pattern(compiled(profile)->set, &path, NULL);
}

List *
rights_explain(ArrayType *profiles, const char *route, size_t length, RouteFault *fault)
{
	List	   *decisions = NIL;
	RoutePath	path;
	ListCell   *cell;

	*fault = route_parse_path(route, length, &path);
	if (*fault != ROUTE_OK)
		return NIL;
	foreach(cell, names_of(profiles))
	{
		const Compiled *entry = compiled(lfirst(cell));
		Decision   *decision = palloc0(sizeof(Decision));
		int			tag;

		decision->right = route_set_match(entry->set, &path, &tag);
		if (decision->right == RIGHT_NO_MATCH)
			continue;
		decision->profile = lfirst(cell);
		decision->pattern = pstrdup(entry->patterns[tag]);
		decisions = lappend(decisions, decision);
	}
	return decisions;
}

bool
rights_parse_access(const char *access, RouteRight *needed)
{
	static const char *const reads[] = {"read", "GET", "HEAD", "OPTIONS"};
	static const char *const writes[] = {"write", "POST", "PUT", "PATCH", "DELETE"};
	int			i;

	*needed = RIGHT_READ;
	for (i = 0; i < lengthof(reads); i++)
		if (strcmp(access, reads[i]) == 0)
			return true;
	*needed = RIGHT_WRITE;
	for (i = 0; i < lengthof(writes); i++)
		if (strcmp(access, writes[i]) == 0)
			return true;
	return false;
}

RouteRight
rights_needed(const char *access)
{
	RouteRight	needed;

	if (!rights_parse_access(access, &needed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown access \"%s\"", access),
				 errhint("Use read, write, or one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE.")));
	return needed;
}
