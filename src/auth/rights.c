/*
 * rights.c
 *		Owns the compiled patterns of profiles, cached per backend.
 *
 * A profile is compiled when it is first needed.  The cache is valid for one
 * catalog_epoch: a change of any right, in any backend, invalidates all of it;
 * a profile that was read while the epoch changed is read again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/arrayaccess.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "auth/replica.h"
#include "auth/rights.h"
#include "server/encoding.h"
#include "server/normalize.h"
#include "tables/catalog.h"

/* Profiles whose patterns are prefetched together. */
#define TOGETHER 8

typedef struct Compiled
{
	RouteTrie *trie;
	char **patterns; /* by tag */
	char profile[FLEXIBLE_ARRAY_MEMBER]; /* NUL-terminated */
} Compiled;

typedef struct CacheEntry
{
	Slice name;
	Compiled *compiled;
	uint32 hash;
	char status;
} CacheEntry;

#define SH_PREFIX cache
#define SH_ELEMENT_TYPE CacheEntry
#define SH_KEY_TYPE Slice
#define SH_KEY name
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).data, (int) (key).length)
#define SH_EQUAL(table, a, b) slice_equal(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static MemoryContext cache_context = NULL;
static cache_hash *cache = NULL;
static uint64 cache_epoch = 0;

/* Empties the cache if the epoch has changed. */
static void
synchronise(void)
{
	AcceptInvalidationMessages();
	if (cache && cache_epoch == catalog_epoch())
		return;
	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext, "djust_auth rights", ALLOCSET_DEFAULT_SIZES);
	cache = NULL;
	MemoryContextReset(cache_context);
	cache_epoch = catalog_epoch();
	cache = cache_create(cache_context, 64, NULL);
}

/* The name comes first in its memory, followed by the searched patterns, because they are used together. */
static Compiled *
compile(Slice name)
{
	MemoryContext old = MemoryContextSwitchTo(cache_context);
	Compiled *out = palloc(offsetof(Compiled, profile) + name.length + 1);
	List *rights;
	RoutePath path;
	size_t segments = 0;
	size_t bytes = 0;
	ListCell *cell;
	int tag = 0;

	memcpy(out->profile, name.data, name.length);
	out->profile[name.length] = '\0';
	MemoryContextSwitchTo(old);
	rights = catalog_rights_of(out->profile);
	foreach(cell, rights)
	{
		const char *route = ((RightRow *) lfirst(cell))->route;

		bytes += strlen(route);
		for (; *route; route++)
			segments += *route == '/';
		segments++;
	}
	MemoryContextSwitchTo(cache_context);
	out->trie = route_trie_init(
		palloc(route_trie_size(list_length(rights), segments, bytes)), list_length(rights), segments, bytes);
	out->patterns = palloc(sizeof(char *) * (list_length(rights) + 1));
	foreach(cell, rights)
	{
		RightRow *row = lfirst(cell);

		out->patterns[tag] = pstrdup(row->route);
		if (normalize_pattern(slice_of(row->route), &path) == ROUTE_OK)
			route_trie_add(out->trie, &path, row->access, tag);
		tag++;
	}
	MemoryContextSwitchTo(old);
	return out;
}

/* Call after synchronise(). */
static const Compiled *
compiled(Slice name)
{
	for (;;)
	{
		CacheEntry *entry = cache_lookup(cache, name);
		Compiled *fresh;
		bool found;

		if (entry)
			return entry->compiled;
		fresh = compile(name);
		if (cache_epoch == catalog_epoch())
		{
			name.data = fresh->profile;
			entry = cache_insert(cache, name, &found);
			entry->compiled = fresh;
			return fresh;
		}
		synchronise();
	}
}

/* Names of the profiles, anonymous last. */
static List *
names_of(ArrayType *profiles)
{
	List *names = NIL;
	Datum *values;
	int n = 0;
	int i;

	if (profiles)
		deconstruct_array(profiles, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (i = 0; i < n; i++)
		names = lappend(names, TextDatumGetCString(values[i]));
	return lappend(names, ANONYMOUS_PROFILE);
}

typedef struct ProfileWalk
{
	array_iter iterator;
	int at; /* -1: anonymous is next */
	int n;
} ProfileWalk;

/* Starts with anonymous, also without profiles. */
static ProfileWalk
begin_walk(ArrayType *profiles)
{
	ProfileWalk walk = {.at = -1};

	if (profiles)
	{
		walk.n = ArrayGetNItems(ARR_NDIM(profiles), ARR_DIMS(profiles));
		array_iter_setup(&walk.iterator, (AnyArrayType *) profiles);
	}
	return walk;
}

static bool
next_name(ProfileWalk *walk, Slice *name)
{
	bool is_null = true;
	Datum value = (Datum) 0;

	if (walk->at < 0)
	{
		walk->at = 0;
		*name = slice_of(ANONYMOUS_PROFILE);
		return true;
	}
	while (is_null && walk->at < walk->n)
		value = array_iter_next(&walk->iterator, &is_null, walk->at++, -1, false, TYPALIGN_INT);
	if (is_null)
		return false;
	*name = text_slice((struct varlena *) DatumGetPointer(value));
	return true;
}

/* Prefetches the patterns of the next profiles, because they may be far apart in memory; returns how many. */
static int
gather(ProfileWalk *walk, const RouteTrie **tries)
{
	ProfileWalk start = *walk;
	Slice name;
	int n = 0;

	while (n < TOGETHER && next_name(walk, &name))
	{
		CacheEntry *entry = cache_lookup(cache, name);

		if (entry == NULL)
		{
			/* may empty the cache, and what was gathered from it */
			compiled(name);
			*walk = start;
			n = 0;
			continue;
		}
		tries[n] = entry->compiled->trie;
		route_trie_prefetch(tries[n++]);
	}
	return n;
}

RouteRight
rights_access(ArrayType *profiles, const RoutePath *path)
{
	const RouteTrie *tries[TOGETHER];
	RouteRight best = RIGHT_NO_MATCH;
	ProfileWalk walk = begin_walk(profiles);
	int n;
	int i;

	if (replica_is_behind())
		return RIGHT_NO_MATCH;
	synchronise();
	while (best < RIGHT_WRITE && (n = gather(&walk, tries)) > 0)
		for (i = 0; i < n && best < RIGHT_WRITE; i++)
			best = Max(best, route_trie_match(tries[i], path, NULL));
	return best;
}

RouteRight
rights_of_profile(const char *profile, Slice route)
{
	RoutePath path;

	if (normalize_pattern(route, &path) != ROUTE_OK)
		return RIGHT_NO_MATCH;
	synchronise();
	return route_trie_match(compiled(slice_of(profile))->trie, &path, NULL);
}

List *
rights_explain(ArrayType *profiles, Slice route, RouteFault *fault)
{
	List *decisions = NIL;
	RoutePath path;
	ListCell *cell;

	*fault = normalize_path(route, &path);
	if (*fault != ROUTE_OK)
		return NIL;
	synchronise();
	foreach(cell, names_of(profiles))
	{
		const Compiled *entry = compiled(slice_of(lfirst(cell)));
		Decision *decision = palloc0(sizeof(Decision));
		int tag;

		decision->right = route_trie_match(entry->trie, &path, &tag);
		if (decision->right == RIGHT_NO_MATCH)
			continue;
		decision->profile = lfirst(cell);
		decision->pattern = pstrdup(entry->patterns[tag]);
		decisions = lappend(decisions, decision);
	}
	return decisions;
}

bool
rights_parse_access(Slice access, RouteRight *needed)
{
	static const struct
	{
		const char *name;
		RouteRight right;
	} names[] = {{"read", RIGHT_READ},
				 {"GET", RIGHT_READ},
				 {"HEAD", RIGHT_READ},
				 {"OPTIONS", RIGHT_READ},
				 {"write", RIGHT_WRITE},
				 {"POST", RIGHT_WRITE},
				 {"PUT", RIGHT_WRITE},
				 {"PATCH", RIGHT_WRITE},
				 {"DELETE", RIGHT_WRITE}};
	int i;

	for (i = 0; i < lengthof(names); i++)
	{
		if (slice_equal(slice_of(names[i].name), access))
		{
			*needed = names[i].right;
			return true;
		}
	}
	return false;
}

/* The error does not quote the word: with the arguments in the wrong order it is a token. */
RouteRight
rights_needed(Slice access)
{
	RouteRight needed;

	if (!rights_parse_access(access, &needed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown access word"),
				 errhint("Use read, write, or one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE.")));
	return needed;
}
