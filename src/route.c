/*
 * route.c
 *		Parses route patterns and paths; compiles the patterns of a profile
 *		into one block and finds the most specific one for a path.
 *
 * Owns the spelling of routes and the order of specificity.  Never
 * allocates, never repairs a path, never guesses: what cannot be read in one
 * way only is a fault, and a fault means denied.
 *
 * Defends against paths that two programs read differently (encoded slashes
 * and dots, double slashes, dot segments, control characters), and against
 * paths built to make matching slow.
 *
 * A set is a trie.  A node keeps its {name} child and the rights of the
 * patterns that end in it; its literal children are in one hash table keyed
 * by parent and literal.  Each node has one depth, and a search looks at
 * segment d only below nodes of depth d, so it enters no node twice: it costs
 * at most one pass over the path and one step for each node that agrees with
 * the path so far.
 */
#include <string.h>

#include "route.h"

#define ROOT_OF_PATHS 0			/* also "no node": neither root is anybody's child */
#define ROOT_OF_CODES 1
#define ROOTS 2

#define CAPACITY_MAX ((size_t) 1 << 28)

/* The longest canonical spelling has three characters for each byte of the pattern. */
_Static_assert(3 * ROUTE_PATTERN_MAX <= ROUTE_PATH_MAX, "canonical patterns fit where paths do");
_Static_assert(ROUTE_PATH_MAX <= UINT16_MAX, "segment lengths fit");

typedef struct Grant
{
	RouteRight	right;			/* RIGHT_NO_MATCH: no pattern ends here */
	int			tag;
} Grant;

#define CACHE_LINE 64
#define SHORT_LITERAL 32

/* One cache line: a search waits for memory once a node. */
typedef struct Node
{
	uint32_t	hash;
	uint32_t	parent;
	uint32_t	parameter;		/* the {name} child, or 0 */
	uint32_t	length;			/* of the literal, which roots and {name} nodes have not */
	Grant		exact;			/* the pattern that ends in this segment */
	Grant		rest;			/* the same and then ** */
	union
	{
		char		bytes[SHORT_LITERAL];
		const char *text;		/* of a longer one */
	}			literal;
} Node;

_Static_assert(sizeof(Node) == CACHE_LINE, "nodes do not straddle cache lines");

struct RouteSet
{
	uint32_t	capacity;		/* nodes there is room for */
	uint32_t	nodes;
	uint32_t	bytes;			/* literal bytes there is room for */
	uint32_t	used;
	uint32_t	longest;		/* length of the longest literal */
	uint32_t	mask;			/* slots - 1 */
	uint32_t   *slot;			/* literal nodes by hash, 0 when free */
	char	   *text;
	_Alignas(CACHE_LINE) Node node[];
};

typedef struct Search
{
	const RouteSet *set;
	const RoutePath *path;
} Search;

/* Value of a hexadecimal digit, -1 for anything else. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* C0 and DEL; bytes from 0x80 on are parts of letters. */
static bool
is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

/* What forbids this byte in a segment, raw or decoded. */
static RouteFault
byte_fault(unsigned char byte)
{
	if (is_control(byte))
		return ROUTE_CONTROL;
	return byte == '\\' ? ROUTE_BACKSLASH : ROUTE_OK;
}

/* One byte of a segment, raw or %XX, decoded once; *at moves behind it. */
static RouteFault
decode_byte(const char *src, size_t n, size_t *at, unsigned char *byte)
{
	int			high;
	int			low;

	*byte = (unsigned char) src[(*at)++];
	if (*byte == '?' || *byte == '#')
		return ROUTE_QUERY;
	if (*byte != '%')
		return byte_fault(*byte);

	high = n - *at >= 2 ? hex_value(src[*at]) : -1;
	low = high >= 0 ? hex_value(src[*at + 1]) : -1;
	if (low < 0)
		return ROUTE_BAD_ESCAPE;
	*at += 2;
	*byte = (unsigned char) (high << 4 | low);
	if (*byte == '/' || *byte == '.')
		return ROUTE_ENCODED;
	return byte_fault(*byte);
}

/* Eight bytes at a time; key_hash() does the final mixing. */
static uint64_t
literal_hash(const char *text, size_t length)
{
	uint64_t	hash = length;
	uint64_t	word;
	size_t		shift;

	for (; length > 0; hash ^= hash >> 32)
	{
		word = 0;
		if (length >= sizeof(word))
		{
			memcpy(&word, text, sizeof(word));
			text += sizeof(word);
			length -= sizeof(word);
		}
		else
			for (shift = 0; length > 0; length--, shift += 8)
				word |= (uint64_t) (unsigned char) *text++ << shift;
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return hash;
}

/* text is NULL for {name}. */
static RouteFault
add_segment(RoutePath *out, const char *text, size_t length)
{
	if (out->nsegments == ROUTE_SEGMENTS_MAX)
		return ROUTE_TOO_LONG;
	out->segment[out->nsegments] = text;
	out->length[out->nsegments] = (uint16_t) length;
	if (text != NULL)
		out->hash[out->nsegments] = literal_hash(text, length);
	out->nsegments++;
	return ROUTE_OK;
}

/* "." and "..", which other programs resolve. */
static bool
is_dots(const char *text, size_t length)
{
	return (length == 1 && text[0] == '.') || (length == 2 && text[0] == '.' && text[1] == '.');
}

/* Decodes src into out->text from *used on; never more bytes than src has. */
static RouteFault
add_literal(RoutePath *out, size_t *used, const char *src, size_t n)
{
	char	   *text = out->text + *used;
	size_t		length = 0;
	size_t		at = 0;

	while (at < n)
	{
		unsigned char byte;
		RouteFault	fault = decode_byte(src, n, &at, &byte);

		if (fault != ROUTE_OK)
			return fault;
		text[length++] = (char) byte;
	}
	if (is_dots(text, length))
		return ROUTE_DOT_SEGMENT;
	*used += length;
	return add_segment(out, text, length);
}

/* {name}, name as in C; anything between the braces that reads like syntax is refused. */
static bool
is_parameter(const char *src, size_t n)
{
	size_t		i;

	if (n < 3 || src[0] != '{' || src[n - 1] != '}')
		return false;
	for (i = 1; i < n - 1; i++)
	{
		bool		letter = (src[i] >= 'a' && src[i] <= 'z') || (src[i] >= 'A' && src[i] <= 'Z') || src[i] == '_';

		if (!letter && (i == 1 || src[i] < '0' || src[i] > '9'))
			return false;
	}
	return true;
}

/* A segment of a pattern: ** (only as the last), {name}, or a literal. */
static RouteFault
add_pattern_segment(RoutePath *out, size_t *used, const char *src, size_t n, bool last)
{
	if (n == 2 && src[0] == '*' && src[1] == '*' && last)
	{
		out->rest = true;
		return ROUTE_OK;
	}
	if (is_parameter(src, n))
		return add_segment(out, NULL, 0);
	if (memchr(src, '{', n) != NULL || memchr(src, '}', n) != NULL)
		return ROUTE_BAD_PARAMETER;
	if (memchr(src, '*', n) != NULL)
		return ROUTE_BAD_WILDCARD;
	return add_literal(out, used, src, n);
}

/* text begins with a slash and ends without one, unless it is "/" or ends in "//". */
static RouteFault
parse_segments(const char *text, size_t length, bool pattern, RoutePath *out)
{
	size_t		used = 0;
	size_t		at = 1;

	while (at < length)
	{
		const char *src = text + at;
		const char *slash = memchr(src, '/', length - at);
		size_t		n = slash != NULL ? (size_t) (slash - src) : length - at;
		RouteFault	fault;

		if (n == 0)
			return ROUTE_EMPTY_SEGMENT;
		fault = pattern ? add_pattern_segment(out, &used, src, n, slash == NULL) : add_literal(out, &used, src, n);
		if (fault != ROUTE_OK)
			return fault;
		at += n + 1;
	}
	return ROUTE_OK;
}

/* A code asked for may hold anything visible: what no pattern can spell matches nothing. */
static RouteFault
parse_code(const char *code, size_t length, RoutePath *out)
{
	size_t		i;

	for (i = 0; i < length; i++)
	{
		if (is_control((unsigned char) code[i]))
			return ROUTE_CONTROL;
	}
	memcpy(out->text, code, length);
	out->is_code = true;
	return add_segment(out, out->text, length);
}

/* In a pattern, nothing that would make people take the code for a path or for syntax. */
static RouteFault
parse_pattern_code(const char *code, size_t length, RoutePath *out)
{
	static const char forbidden[] = " /{}*?#%\\";
	size_t		i;

	for (i = 0; i < length; i++)
	{
		if (memchr(forbidden, code[i], sizeof(forbidden) - 1) != NULL)
			return ROUTE_BAD_CODE;
	}
	return parse_code(code, length, out);
}

/* No segments yet; the large members need no clearing. */
static void
reset(RoutePath *out)
{
	out->is_code = false;
	out->nsegments = 0;
	out->rest = false;
}

/* True for "/a/", not for "/" nor "//", which is a fault of its own. */
static bool
has_trailing_slash(const char *text, size_t length)
{
	return length > 1 && text[length - 1] == '/' && text[length - 2] != '/';
}

/* What a DBA writes: more is refused than in paths, because a rule that never matches is a hole. */
RouteFault
route_parse_pattern(const char *pattern, size_t length, RoutePath *out)
{
	reset(out);
	if (length == 0)
		return ROUTE_EMPTY;
	if (length > ROUTE_PATTERN_MAX)
		return ROUTE_TOO_LONG;
	if (pattern[0] != '/')
		return parse_pattern_code(pattern, length, out);
	if (has_trailing_slash(pattern, length))
		return ROUTE_TRAILING_SLASH;
	return parse_segments(pattern, length, true, out);
}

/* What a caller asks; the query may be longer than a path, for it is not looked at. */
RouteFault
route_parse_path(const char *path, size_t length, RoutePath *out)
{
	const char *query;

	reset(out);
	if (length == 0)
		return ROUTE_EMPTY;
	query = path[0] == '/' ? memchr(path, '?', length) : NULL;
	if (query != NULL)
		length = (size_t) (query - path);
	if (length > ROUTE_PATH_MAX)
		return ROUTE_TOO_LONG;
	if (path[0] != '/')
		return parse_code(path, length, out);
	if (has_trailing_slash(path, length))
		length--;
	return parse_segments(path, length, false, out);
}

/* Full sentences, in the order of RouteFault; for the detail of an error. */
const char *
route_fault_text(RouteFault fault)
{
	static const char *const texts[] = {
		[ROUTE_OK] = "The route is valid.",
		[ROUTE_EMPTY] = "A route cannot be empty.",
		[ROUTE_TOO_LONG] = "The route has too many bytes or too many segments.",
		[ROUTE_EMPTY_SEGMENT] = "A route cannot have an empty segment, that is, two slashes in a row.",
		[ROUTE_TRAILING_SLASH] = "A route pattern cannot end with a slash.",
		[ROUTE_DOT_SEGMENT] = "A route cannot have a segment \".\" or \"..\".",
		[ROUTE_CONTROL] = "A route cannot contain control characters, percent-encoded or not.",
		[ROUTE_BACKSLASH] = "A route cannot contain a backslash, percent-encoded or not.",
		[ROUTE_ENCODED] = "A route cannot contain a percent-encoded slash or dot.",
		[ROUTE_BAD_ESCAPE] = "A percent sign must be followed by two hexadecimal digits.",
		[ROUTE_QUERY] = "A route cannot contain a query string or a fragment; write \"?\" as %3F and \"#\" as %23.",
		[ROUTE_BAD_PARAMETER] = "Braces must enclose a whole segment, as in /orders/{id}; "
		"the name has ASCII letters, digits and underscores and does not begin with a digit.",
		[ROUTE_BAD_WILDCARD] = "An asterisk can stand only in a last segment **, as in /orders/**.",
		[ROUTE_BAD_CODE] = "A route without a leading slash is a code and cannot contain a slash, "
		"white space, a backslash, or one of {}*?#%."
	};

	if ((unsigned) fault >= sizeof(texts) / sizeof(texts[0]))
		return "The route is not valid.";
	return texts[fault];
}

/* A literal in visible ASCII; what could be read as syntax, and bytes that may be no text at all, as %XX. */
static size_t
spell_literal(const char *text, size_t length, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char syntax[] = "%{}*?#";
	size_t		n = 0;
	size_t		i;

	for (i = 0; i < length; i++)
	{
		unsigned char byte = (unsigned char) text[i];

		if (byte < 0x80 && memchr(syntax, byte, sizeof(syntax) - 1) == NULL)
			out[n++] = (char) byte;
		else
		{
			out[n++] = '%';
			out[n++] = digits[byte >> 4];
			out[n++] = digits[byte & 0x0f];
		}
	}
	return n;
}

/* Equal spellings exactly where route_set_add finds equal patterns. */
size_t
route_canonical(const RoutePath *pattern, char *out)
{
	size_t		n = 0;
	int			i;

	if (pattern->is_code)
	{
		memcpy(out, pattern->segment[0], pattern->length[0]);
		return pattern->length[0];
	}
	for (i = 0; i < pattern->nsegments; i++)
	{
		out[n++] = '/';
		if (pattern->segment[i] != NULL)
			n += spell_literal(pattern->segment[i], pattern->length[i], out + n);
		else
		{
			out[n++] = '{';
			out[n++] = '}';
		}
	}
	if (pattern->rest)
	{
		memcpy(out + n, "/**", 3);
		return n + 3;
	}
	if (n == 0)
		out[n++] = '/';
	return n;
}

/* Slots for that many nodes: a power of two, at most half of it used. */
static size_t
slots_for(size_t nodes)
{
	size_t		slots = 4;

	while (slots < 2 * nodes)
		slots *= 2;
	return slots;
}

/* Every segment and every code makes one node at most. */
static size_t
nodes_for(size_t patterns, size_t segments)
{
	return ROOTS + patterns + segments;
}

/* SIZE_MAX, which no allocator grants, when the numbers are absurd. */
size_t
route_set_size(size_t patterns, size_t segments, size_t bytes)
{
	size_t		nodes;

	if (patterns > CAPACITY_MAX || segments > CAPACITY_MAX || bytes > UINT32_MAX)
		return SIZE_MAX;
	nodes = nodes_for(patterns, segments);
	return CACHE_LINE + sizeof(RouteSet) + nodes * sizeof(Node) + slots_for(nodes) * sizeof(uint32_t) + bytes;
}

/* A node without children or rights. */
static void
init_node(Node *node)
{
	memset(node, 0, sizeof(*node));
	node->exact.right = RIGHT_NO_MATCH;
	node->rest.right = RIGHT_NO_MATCH;
}

/* memory: route_set_size() bytes for the same three numbers, aligned as malloc does; the set must not move. */
RouteSet *
route_set_init(void *memory, size_t patterns, size_t segments, size_t bytes)
{
	RouteSet   *set = (RouteSet *) (((uintptr_t) memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	size_t		slots = slots_for(nodes_for(patterns, segments));

	set->capacity = (uint32_t) nodes_for(patterns, segments);
	set->nodes = ROOTS;
	set->bytes = (uint32_t) bytes;
	set->used = 0;
	set->longest = 0;
	set->mask = (uint32_t) slots - 1;
	set->slot = (uint32_t *) (set->node + set->capacity);
	set->text = (char *) (set->slot + slots);
	memset(set->slot, 0, slots * sizeof(uint32_t));
	init_node(&set->node[ROOT_OF_PATHS]);
	init_node(&set->node[ROOT_OF_CODES]);
	return set;
}

/* Every bit of parent and literal counts in every bit, so that similar names under one parent do not cluster. */
static uint32_t
key_hash(uint32_t parent, uint64_t literal)
{
	uint64_t	hash = literal ^ ((uint64_t) parent + 1) * UINT64_C(0x9e3779b97f4a7c15);

	hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t) (hash ^ (hash >> 33));
}

static const char *
literal_of(const Node *node)
{
	return node->length <= SHORT_LITERAL ? node->literal.bytes : node->literal.text;
}

/* The slot that holds this child, or the free one where it belongs; the table is never full. */
static uint32_t *
find_slot(const RouteSet *set, uint32_t parent, uint32_t hash, const char *text, size_t length)
{
	size_t		at = hash & set->mask;

	while (set->slot[at] != 0)
	{
		const Node *node = &set->node[set->slot[at]];

		if (node->hash == hash && node->parent == parent && node->length == length &&
			memcmp(literal_of(node), text, length) == 0)
			break;
		at = (at + 1) & set->mask;
	}
	return &set->slot[at];
}

/* A fresh node, or 0 when there is no room. */
static uint32_t
new_node(RouteSet *set)
{
	if (set->nodes == set->capacity)
		return 0;
	init_node(&set->node[set->nodes]);
	return set->nodes++;
}

/* The literal child, made when it is not there; 0 when there is no room. */
static uint32_t
obtain_literal(RouteSet *set, uint32_t parent, const char *text, size_t length, uint64_t literal)
{
	uint32_t	hash = key_hash(parent, literal);
	uint32_t   *slot = find_slot(set, parent, hash, text, length);
	Node	   *node;

	if (*slot != 0)
		return *slot;
	if (length > set->bytes - set->used || (*slot = new_node(set)) == 0)
		return 0;
	node = &set->node[*slot];
	node->hash = hash;
	node->parent = parent;
	node->length = (uint32_t) length;
	if (length <= SHORT_LITERAL)
		memcpy(node->literal.bytes, text, length);
	else
		node->literal.text = memcpy(set->text + set->used, text, length);
	set->used += (uint32_t) length;
	if (length > set->longest)
		set->longest = (uint32_t) length;
	return *slot;
}

/* The {name} child, made when it is not there; 0 when there is no room. */
static uint32_t
obtain_parameter(RouteSet *set, uint32_t parent)
{
	if (set->node[parent].parameter == 0)
		set->node[parent].parameter = new_node(set);
	return set->node[parent].parameter;
}

void
route_set_expect(const RouteSet *set)
{
	__builtin_prefetch(set);
	__builtin_prefetch(&set->node[ROOT_OF_PATHS]);
}

/* When there is no room, nodes without rights may stay behind; they match nothing. */
bool
route_set_add(RouteSet *set, const RoutePath *pattern, RouteRight right, int tag)
{
	uint32_t	at = pattern->is_code ? ROOT_OF_CODES : ROOT_OF_PATHS;
	Grant	   *grant;
	int			i;

	for (i = 0; i < pattern->nsegments; i++)
	{
		at = pattern->segment[i] == NULL ? obtain_parameter(set, at) :
			obtain_literal(set, at, pattern->segment[i], pattern->length[i], pattern->hash[i]);
		if (at == 0)
			return false;
	}
	grant = pattern->rest ? &set->node[at].rest : &set->node[at].exact;
	if (grant->right != RIGHT_NO_MATCH || right == RIGHT_NO_MATCH)
		return false;
	grant->right = right;
	grant->tag = tag;
	return true;
}

/* The node below `at` that spells segment `depth` of the question, or 0; a {name} asked for is no literal. */
static uint32_t
literal_child(const Search *search, uint32_t at, int depth)
{
	const char *text = search->path->segment[depth];
	size_t		length = search->path->length[depth];

	if (text == NULL || length > search->set->longest)
		return 0;
	return *find_slot(search->set, at, key_hash(at, search->path->hash[depth]), text, length);
}

/*
 * The most specific grant at or below a node, NULL if none: literal, {name}, end, **.  A final ** in the question is
 * met by ** only.  Depth of recursion is bounded by ROUTE_SEGMENTS_MAX, nodes entered by nodes there are.
 */
static const Grant *
descend(const Search *search, uint32_t at, int depth)
{
	const Node *node = &search->set->node[at];
	const Grant *found = NULL;

	if (depth < search->path->nsegments)
	{
		uint32_t	child = literal_child(search, at, depth);

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

/* A path is the special case without {name} and **. */
RouteRight
route_set_match_pattern(const RouteSet *set, const RoutePath *pattern, int *tag)
{
	Search		search = {set, pattern};
	const Grant *found = descend(&search, pattern->is_code ? ROOT_OF_CODES : ROOT_OF_PATHS, 0);
	if (found == NULL)
		return RIGHT_NO_MATCH;
	if (tag != NULL)
		*tag = found->tag;
	return found->right;
}

/* The first grant reached decides, so that none carves out. */
RouteRight
route_set_match(const RouteSet *set, const RoutePath *path, int *tag)
{
	return route_set_match_pattern(set, path, tag);
}
