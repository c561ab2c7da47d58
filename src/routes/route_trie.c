/*
 * route_trie.c
 *		Compiles the patterns of a profile into one block and finds the most
 *		specific one for a path.
 *
 * Owns the order of specificity.  Never allocates.
 *
 * Threat: paths built to make matching slow.  A node of the trie has its
 * {name} child and the rights of the patterns that end in it; literal children
 * are in one hash table keyed by parent and literal.  Each node has one depth,
 * and a search looks at segment d only below nodes of depth d, so it visits no
 * node twice: it costs at most one pass over the path and one step for each
 * node that agrees with the path so far.
 */
#include <string.h>

#include "routes/route_trie.h"

#define ROOT_OF_PATHS 0 /* also means "no node": a root is never a child */
#define ROOT_OF_CODES 1
#define ROOTS 2

#define CAPACITY_MAX ((size_t) 1 << 28)

typedef struct Grant
{
	RouteRight right; /* RIGHT_NO_MATCH: no pattern ends here */
	int tag;
} Grant;

#define CACHE_LINE 64
#define SHORT_LITERAL 32

/* One cache line, so that a search waits for memory once per node. */
typedef struct Node
{
	uint32_t hash;
	uint32_t parent;
	uint32_t parameter; /* the {name} child, or 0 */
	uint32_t length; /* of the literal; 0 for roots and {name} nodes */
	Grant exact; /* of the pattern that ends here */
	Grant rest; /* of the pattern that ends here with ** */
	union
	{
		char bytes[SHORT_LITERAL];
		const char *text; /* if longer */
	} literal;
} Node;

_Static_assert(sizeof(Node) == CACHE_LINE, "nodes do not straddle cache lines");

struct RouteTrie
{
	uint32_t capacity; /* maximum of nodes */
	uint32_t nodes;
	uint32_t bytes; /* maximum of literal bytes */
	uint32_t used;
	uint32_t longest; /* length of the longest literal */
	uint32_t mask; /* slots - 1 */
	uint32_t *slot; /* literal nodes by hash, 0 if free */
	char *text;
	_Alignas(CACHE_LINE) Node node[];
};

typedef struct Search
{
	const RouteTrie *trie;
	const RoutePath *path;
} Search;

/* Hash slots for this many nodes: a power of two, at most half full. */
static size_t
slots_for(size_t nodes)
{
	size_t slots = 4;

	while (slots < 2 * nodes)
		slots *= 2;
	return slots;
}

/* A segment or code needs at most one node. */
static size_t
nodes_for(size_t patterns, size_t segments)
{
	return ROOTS + patterns + segments;
}

/* SIZE_MAX, which every allocator refuses, for absurd numbers. */
size_t
route_trie_size(size_t patterns, size_t segments, size_t bytes)
{
	size_t nodes;

	if (patterns > CAPACITY_MAX || segments > CAPACITY_MAX || bytes > UINT32_MAX)
		return SIZE_MAX;
	nodes = nodes_for(patterns, segments);
	return CACHE_LINE + sizeof(RouteTrie) + nodes * sizeof(Node) + slots_for(nodes) * sizeof(uint32_t) + bytes;
}

static void
init_node(Node *node)
{
	memset(node, 0, sizeof(*node));
	node->exact.right = RIGHT_NO_MATCH;
	node->rest.right = RIGHT_NO_MATCH;
}

/* memory: route_trie_size() bytes for the same numbers, aligned as by malloc; the trie must not move. */
RouteTrie *
route_trie_init(void *memory, size_t patterns, size_t segments, size_t bytes)
{
	RouteTrie *trie = (RouteTrie *) (((uintptr_t) memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	size_t slots = slots_for(nodes_for(patterns, segments));

	trie->capacity = (uint32_t) nodes_for(patterns, segments);
	trie->nodes = ROOTS;
	trie->bytes = (uint32_t) bytes;
	trie->used = 0;
	trie->longest = 0;
	trie->mask = (uint32_t) slots - 1;
	trie->slot = (uint32_t *) (trie->node + trie->capacity);
	trie->text = (char *) (trie->slot + slots);
	memset(trie->slot, 0, slots * sizeof(uint32_t));
	init_node(&trie->node[ROOT_OF_PATHS]);
	init_node(&trie->node[ROOT_OF_CODES]);
	return trie;
}

/* Every input bit affects every output bit, so that similar names under one parent do not cluster. */
static uint32_t
key_hash(uint32_t parent, uint64_t literal)
{
	uint64_t hash = literal ^ ((uint64_t) parent + 1) * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t) (hash ^ (hash >> 33));
}

static const char *
literal_of(const Node *node)
{
	return node->length <= SHORT_LITERAL ? node->literal.bytes : node->literal.text;
}

/* Slot of this child, or the free slot for it; the table is never full. */
static uint32_t *
find_slot(const RouteTrie *trie, uint32_t parent, uint32_t hash, Slice text)
{
	size_t at = hash & trie->mask;

	while (trie->slot[at] != 0)
	{
		const Node *node = &trie->node[trie->slot[at]];

		if (node->hash == hash && node->parent == parent && slice_equal((Slice){literal_of(node), node->length}, text))
			break;
		at = (at + 1) & trie->mask;
	}
	return &trie->slot[at];
}

/* A new node, or 0 if there is no room. */
static uint32_t
new_node(RouteTrie *trie)
{
	if (trie->nodes == trie->capacity)
		return 0;
	init_node(&trie->node[trie->nodes]);
	return trie->nodes++;
}

/* Finds or makes the literal child; 0 if there is no room. */
static uint32_t
obtain_literal(RouteTrie *trie, uint32_t parent, Slice text, uint64_t literal)
{
	uint32_t hash = key_hash(parent, literal);
	uint32_t *slot = find_slot(trie, parent, hash, text);
	Node *node;

	if (*slot != 0)
		return *slot;
	if (text.length > trie->bytes - trie->used || (*slot = new_node(trie)) == 0)
		return 0;
	node = &trie->node[*slot];
	node->hash = hash;
	node->parent = parent;
	node->length = (uint32_t) text.length;
	if (text.length <= SHORT_LITERAL)
		memcpy(node->literal.bytes, text.data, text.length);
	else
		node->literal.text = memcpy(trie->text + trie->used, text.data, text.length);
	trie->used += node->length;
	if (node->length > trie->longest)
		trie->longest = node->length;
	return *slot;
}

/* Finds or makes the {name} child; 0 if there is no room. */
static uint32_t
obtain_parameter(RouteTrie *trie, uint32_t parent)
{
	if (trie->node[parent].parameter == 0)
		trie->node[parent].parameter = new_node(trie);
	return trie->node[parent].parameter;
}

void
route_trie_prefetch(const RouteTrie *trie)
{
	__builtin_prefetch(trie);
	__builtin_prefetch(&trie->node[ROOT_OF_PATHS]);
}

/* If there is no room, nodes without rights may remain; they match nothing. */
bool
route_trie_add(RouteTrie *trie, const RoutePath *pattern, RouteRight right, int tag)
{
	uint32_t at = pattern->is_code ? ROOT_OF_CODES : ROOT_OF_PATHS;
	Grant *grant;
	int i;

	for (i = 0; i < pattern->nsegments; i++)
	{
		at = pattern->segment[i].data == NULL ? obtain_parameter(trie, at) :
												obtain_literal(trie, at, pattern->segment[i], pattern->hash[i]);
		if (at == 0)
			return false;
	}
	grant = pattern->rest ? &trie->node[at].rest : &trie->node[at].exact;
	if (grant->right != RIGHT_NO_MATCH || right == RIGHT_NO_MATCH)
		return false;
	grant->right = right;
	grant->tag = tag;
	return true;
}

/* Literal child of `at` for this segment, or 0; {name} in a searched pattern is never a literal. */
static uint32_t
literal_child(const Search *search, uint32_t at, int depth)
{
	Slice text = search->path->segment[depth];

	if (text.data == NULL || text.length > search->trie->longest)
		return 0;
	return *find_slot(search->trie, at, key_hash(at, search->path->hash[depth]), text);
}

/*
 * The most specific grant at or below a node, in the order literal, {name}, end, **; NULL if none.  A final ** in a
 * searched pattern is matched only by **.  Recursion depth is at most ROUTE_SEGMENTS_MAX; each node is visited once.
 */
static const Grant *
descend(const Search *search, uint32_t at, int depth)
{
	const Node *node = &search->trie->node[at];
	const Grant *found = NULL;

	if (depth < search->path->nsegments)
	{
		uint32_t child = literal_child(search, at, depth);

		if (child != 0)
			found = descend(search, child, depth + 1);
		if (found == NULL && node->parameter != 0)
			found = descend(search, node->parameter, depth + 1);
	}
	else if (!search->path->rest && node->exact.right != RIGHT_NO_MATCH)
		found = &node->exact;

	if (found == NULL && node->rest.right != RIGHT_NO_MATCH)
		found = &node->rest;
	return found;
}

/* The first grant found decides, so that `none` overrides wider patterns. */
RouteRight
route_trie_match(const RouteTrie *trie, const RoutePath *path, int *tag)
{
	Search search = {trie, path};
	const Grant *found = descend(&search, path->is_code ? ROOT_OF_CODES : ROOT_OF_PATHS, 0);

	if (found == NULL)
		return RIGHT_NO_MATCH;
	if (tag != NULL)
		*tag = found->tag;
	return found->right;
}
