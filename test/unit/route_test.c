/*
 * route_test.c
 *		Spelling of patterns and paths, matching, and a comparison of the
 *		trie with a naive model over random rules.
 */
#include <stdlib.h>

#include "check.h"
#include "routeset.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Spelling
{
	const char *text;
	RouteFault	fault;
	const char *canonical;		/* when there is no fault */
} Spelling;

typedef struct Rule
{
	const char *pattern;
	RouteRight	right;
} Rule;

typedef struct Question
{
	const char *route;
	RouteRight	right;
	int			tag;			/* index of the rule that decides, -1 for none */
} Question;

static const Spelling patterns[] = {
	{"/", ROUTE_OK, "/"},
	{"/**", ROUTE_OK, "/**"},
	{"/orders", ROUTE_OK, "/orders"},
	{"/%6Frders", ROUTE_OK, "/orders"},
	{"/%6frders", ROUTE_OK, "/orders"},
	{"/orders/{id}", ROUTE_OK, "/orders/{}"},
	{"/orders/{_order_2}/**", ROUTE_OK, "/orders/{}/**"},
	{"/caf\xc3\xa9", ROUTE_OK, "/caf%C3%A9"},
	{"/caf%c3%a9", ROUTE_OK, "/caf%C3%A9"},
	{"/%ff", ROUTE_OK, "/%FF"},
	{"/%7B%7D", ROUTE_OK, "/%7B%7D"},
	{"/%2A%2a", ROUTE_OK, "/%2A%2A"},
	{"/a%3Fb%23c", ROUTE_OK, "/a%3Fb%23c"},
	{"/%252F", ROUTE_OK, "/%252F"},
	{"/a b", ROUTE_OK, "/a b"},
	{"/a%20b", ROUTE_OK, "/a b"},
	{"/...", ROUTE_OK, "/..."},
	{"/.a", ROUTE_OK, "/.a"},
	{"ORDER-200", ROUTE_OK, "ORDER-200"},
	{"a.b:c", ROUTE_OK, "a.b:c"},
	{"..", ROUTE_OK, ".."},
	{"caf\xc3\xa9", ROUTE_OK, "caf\xc3\xa9"},

	{"", ROUTE_EMPTY, NULL},
	{"//", ROUTE_EMPTY_SEGMENT, NULL},
	{"///", ROUTE_EMPTY_SEGMENT, NULL},
	{"//a", ROUTE_EMPTY_SEGMENT, NULL},
	{"/a//b", ROUTE_EMPTY_SEGMENT, NULL},
	{"/a//", ROUTE_EMPTY_SEGMENT, NULL},
	{"/a/", ROUTE_TRAILING_SLASH, NULL},
	{"/**/", ROUTE_TRAILING_SLASH, NULL},
	{"/.", ROUTE_DOT_SEGMENT, NULL},
	{"/..", ROUTE_DOT_SEGMENT, NULL},
	{"/a/../b", ROUTE_DOT_SEGMENT, NULL},
	{"/a/./b", ROUTE_DOT_SEGMENT, NULL},
	{"/a\n", ROUTE_CONTROL, NULL},
	{"/a\x7f", ROUTE_CONTROL, NULL},
	{"/a%00", ROUTE_CONTROL, NULL},
	{"/a%1F", ROUTE_CONTROL, NULL},
	{"/a%7f", ROUTE_CONTROL, NULL},
	{"/a\\b", ROUTE_BACKSLASH, NULL},
	{"/a%5Cb", ROUTE_BACKSLASH, NULL},
	{"/a%5cb", ROUTE_BACKSLASH, NULL},
	{"/a%2Fb", ROUTE_ENCODED, NULL},
	{"/a%2fb", ROUTE_ENCODED, NULL},
	{"/%2E", ROUTE_ENCODED, NULL},
	{"/%2e%2e", ROUTE_ENCODED, NULL},
	{"/a%", ROUTE_BAD_ESCAPE, NULL},
	{"/a%2", ROUTE_BAD_ESCAPE, NULL},
	{"/a%2/F", ROUTE_BAD_ESCAPE, NULL},
	{"/a%g0", ROUTE_BAD_ESCAPE, NULL},
	{"/a%0g", ROUTE_BAD_ESCAPE, NULL},
	{"/a%%41", ROUTE_BAD_ESCAPE, NULL},
	{"/a% 1", ROUTE_BAD_ESCAPE, NULL},
	{"/a?b", ROUTE_QUERY, NULL},
	{"/a#b", ROUTE_QUERY, NULL},
	{"/{}", ROUTE_BAD_PARAMETER, NULL},
	{"/{", ROUTE_BAD_PARAMETER, NULL},
	{"/}", ROUTE_BAD_PARAMETER, NULL},
	{"/{1}", ROUTE_BAD_PARAMETER, NULL},
	{"/{a-b}", ROUTE_BAD_PARAMETER, NULL},
	{"/{a}b", ROUTE_BAD_PARAMETER, NULL},
	{"/b{a}", ROUTE_BAD_PARAMETER, NULL},
	{"/{a}{b}", ROUTE_BAD_PARAMETER, NULL},
	{"/{\xc3\xa9}", ROUTE_BAD_PARAMETER, NULL},
	{"/{**}", ROUTE_BAD_PARAMETER, NULL},
	{"/*", ROUTE_BAD_WILDCARD, NULL},
	{"/***", ROUTE_BAD_WILDCARD, NULL},
	{"/a*", ROUTE_BAD_WILDCARD, NULL},
	{"/a**", ROUTE_BAD_WILDCARD, NULL},
	{"/**/a", ROUTE_BAD_WILDCARD, NULL},
	{"/**/**", ROUTE_BAD_WILDCARD, NULL},
	{"a/b", ROUTE_BAD_CODE, NULL},
	{"a b", ROUTE_BAD_CODE, NULL},
	{" /a", ROUTE_BAD_CODE, NULL},
	{"{a}", ROUTE_BAD_CODE, NULL},
	{"**", ROUTE_BAD_CODE, NULL},
	{"a?", ROUTE_BAD_CODE, NULL},
	{"a#", ROUTE_BAD_CODE, NULL},
	{"a%41", ROUTE_BAD_CODE, NULL},
	{"a\\b", ROUTE_BAD_CODE, NULL},
	{"a\tb", ROUTE_CONTROL, NULL},
	{"a\x7f", ROUTE_CONTROL, NULL},
};

/* canonical: the segments as decoded, each behind a slash. */
static const Spelling paths[] = {
	{"/", ROUTE_OK, ""},
	{"/?", ROUTE_OK, ""},
	{"/?a=/../%2F#\\", ROUTE_OK, ""},
	{"/orders", ROUTE_OK, "/orders"},
	{"/orders/", ROUTE_OK, "/orders"},
	{"/orders/?x=1", ROUTE_OK, "/orders"},
	{"/orders?x=1/", ROUTE_OK, "/orders"},
	{"/%6Frders", ROUTE_OK, "/orders"},
	{"/%256Frders", ROUTE_OK, "/%6Frders"},
	{"/a%3Fb", ROUTE_OK, "/a?b"},
	{"/{id}/**", ROUTE_OK, "/{id}/**"},
	{"/.../..a/a..", ROUTE_OK, "/.../..a/a.."},
	{"/a+b%20c", ROUTE_OK, "/a+b c"},

	{"", ROUTE_EMPTY, NULL},
	{"//", ROUTE_EMPTY_SEGMENT, NULL},
	{"//a", ROUTE_EMPTY_SEGMENT, NULL},
	{"/a//", ROUTE_EMPTY_SEGMENT, NULL},
	{"/a//?x", ROUTE_EMPTY_SEGMENT, NULL},
	{"/a//b", ROUTE_EMPTY_SEGMENT, NULL},
	{"/.", ROUTE_DOT_SEGMENT, NULL},
	{"/./", ROUTE_DOT_SEGMENT, NULL},
	{"/a/..", ROUTE_DOT_SEGMENT, NULL},
	{"/a/../", ROUTE_DOT_SEGMENT, NULL},
	{"/a/..?x", ROUTE_DOT_SEGMENT, NULL},
	{"/..%2Fb", ROUTE_ENCODED, NULL},
	{"/a/%2e%2e/b", ROUTE_ENCODED, NULL},
	{"/a/.%2E/b", ROUTE_ENCODED, NULL},
	{"/a%2Fb", ROUTE_ENCODED, NULL},
	{"/a%5cb", ROUTE_BACKSLASH, NULL},
	{"/a\\b", ROUTE_BACKSLASH, NULL},
	{"/a%00", ROUTE_CONTROL, NULL},
	{"/a%0d%0a", ROUTE_CONTROL, NULL},
	{"/a\r", ROUTE_CONTROL, NULL},
	{"/a\x7f", ROUTE_CONTROL, NULL},
	{"/a%", ROUTE_BAD_ESCAPE, NULL},
	{"/a%4", ROUTE_BAD_ESCAPE, NULL},
	{"/a%4?1", ROUTE_BAD_ESCAPE, NULL},
	{"/a%u0041", ROUTE_BAD_ESCAPE, NULL},
	{"/a#b", ROUTE_QUERY, NULL},
	{"/a#b?c", ROUTE_QUERY, NULL},
	{"ORDER\n", ROUTE_CONTROL, NULL},
	{"\x7f", ROUTE_CONTROL, NULL},
};

static const Rule rules[] = {
	{"/orders", RIGHT_READ},	/* 0 */
	{"/orders/{id}", RIGHT_WRITE},
	{"/orders/secret", RIGHT_NONE},
	{"/orders/{id}/items", RIGHT_READ},
	{"/orders/archive/**", RIGHT_READ},
	{"/orders/archive/2020", RIGHT_NONE},	/* 5 */
	{"/files/**", RIGHT_WRITE},
	{"/files/{a}/x", RIGHT_NONE},
	{"/a/{x}/c", RIGHT_READ},
	{"/a/b/d", RIGHT_WRITE},
	{"/a/**", RIGHT_NONE},		/* 10 */
	{"ORDER-200", RIGHT_READ},
	{"/", RIGHT_READ},
	{"/{any}/deep/{any}/**", RIGHT_READ},
};

static const Question questions[] = {
	{"/", RIGHT_READ, 12},
	{"/?x", RIGHT_READ, 12},
	{"/orders", RIGHT_READ, 0},
	{"/orders/", RIGHT_READ, 0},
	{"/Orders", RIGHT_NO_MATCH, -1},
	{"/%6frders", RIGHT_READ, 0},
	{"/orders/7", RIGHT_WRITE, 1},
	{"/orders/secret", RIGHT_NONE, 2},
	{"/orders/%73ecret", RIGHT_NONE, 2},
	{"/orders/secret?x", RIGHT_NONE, 2},
	{"/orders/secret/items", RIGHT_READ, 3},
	{"/orders/7/items", RIGHT_READ, 3},
	{"/orders/7/other", RIGHT_NO_MATCH, -1},
	{"/orders/archive", RIGHT_READ, 4},
	{"/orders/archive/2020", RIGHT_NONE, 5},
	{"/orders/archive/2020/x", RIGHT_READ, 4},
	{"/orders/archive/items", RIGHT_READ, 4},
	{"/files", RIGHT_WRITE, 6},
	{"/files/1", RIGHT_WRITE, 6},
	{"/files/1/x", RIGHT_NONE, 7},
	{"/files/1/x/y", RIGHT_WRITE, 6},
	{"/a", RIGHT_NONE, 10},
	{"/a/b/c", RIGHT_READ, 8},
	{"/a/b/d", RIGHT_WRITE, 9},
	{"/a/b", RIGHT_NONE, 10},
	{"/a/z/d", RIGHT_NONE, 10},
	{"ORDER-200", RIGHT_READ, 11},
	{"ORDER-200?x", RIGHT_NO_MATCH, -1},
	{"order-200", RIGHT_NO_MATCH, -1},
	{"/ORDER-200", RIGHT_NO_MATCH, -1},
	{"orders", RIGHT_NO_MATCH, -1},
	{"http://host/orders", RIGHT_NO_MATCH, -1},
	{"/x/deep/y", RIGHT_READ, 13},
	{"/x/deep/y/z/z/z", RIGHT_READ, 13},
	{"/x/deep", RIGHT_NO_MATCH, -1},
};

static const Question pattern_questions[] = {
	{"/orders", RIGHT_READ, 0},
	{"/orders/{other}", RIGHT_WRITE, 1},
	{"/orders/secret", RIGHT_NONE, 2},
	{"/orders/**", RIGHT_NO_MATCH, -1},
	{"/orders/archive/**", RIGHT_READ, 4},
	{"/orders/archive/{y}", RIGHT_READ, 4},
	{"/files/**", RIGHT_WRITE, 6},
	{"/files/{b}", RIGHT_WRITE, 6},
	{"/files/{b}/x", RIGHT_NONE, 7},
	{"/files/{b}/{c}", RIGHT_WRITE, 6},
	{"/files/q/**", RIGHT_WRITE, 6},
	{"/a/{y}/d", RIGHT_NONE, 10},
	{"/{y}", RIGHT_NO_MATCH, -1},
	{"/**", RIGHT_NO_MATCH, -1},
	{"/p/deep/q/**", RIGHT_READ, 13},
	{"ORDER-200", RIGHT_READ, 11},
};

static RoutePath parsed;

/* Segments as decoded, each behind a slash, as a string. */
static const char *
joined(const RoutePath *path)
{
	static char out[2 * ROUTE_PATH_MAX];
	size_t		n = 0;
	int			i;

	for (i = 0; i < path->nsegments; i++)
	{
		out[n++] = '/';
		memcpy(out + n, path->segment[i], path->length[i]);
		n += path->length[i];
	}
	out[n] = '\0';
	return out;
}

/* The canonical spelling as a string. */
static const char *
canonical(const RoutePath *pattern)
{
	static char out[ROUTE_PATH_MAX + 1];

	out[route_canonical(pattern, out)] = '\0';
	return out;
}

/* Each pattern has its fault or its canonical spelling. */
static void
test_pattern_spellings(void)
{
	size_t		i;

	for (i = 0; i < COUNT(patterns); i++)
	{
		const Spelling *s = &patterns[i];

		CHECK_THAT(route_parse_pattern(s->text, strlen(s->text), &parsed) == s->fault, s->text);
		if (s->fault == ROUTE_OK)
			CHECK_THAT(strcmp(canonical(&parsed), s->canonical) == 0, s->text);
	}
}

/* Each path has its fault or its decoded segments. */
static void
test_path_spellings(void)
{
	size_t		i;

	for (i = 0; i < COUNT(paths); i++)
	{
		const Spelling *s = &paths[i];

		CHECK_THAT(route_parse_path(s->text, strlen(s->text), &parsed) == s->fault, s->text);
		if (s->fault == ROUTE_OK)
			CHECK_THAT(strcmp(joined(&parsed), s->canonical) == 0, s->text);
	}
}

/* Every byte, raw and encoded, in both letter cases of the digits. */
static void
test_every_byte(void)
{
	int			byte;

	for (byte = 0; byte < 256; byte++)
	{
		char		raw[4] = {'/', 'x', (char) byte, 'y'};
		char		encoded[8];
		bool		control = byte < 0x20 || byte == 0x7f;
		bool		plain = !control && byte != '\\';
		bool		code = plain && byte != 0x20 && strchr("/{}*?#%", byte) == NULL;

		CHECK((route_parse_path(raw, 4, &parsed) == ROUTE_OK) == (plain && byte != '#' && byte != '%'));
		CHECK((route_parse_pattern(raw, 4, &parsed) == ROUTE_OK) == (code || byte == ' ' || byte == '/'));
		CHECK((route_parse_path(raw + 1, 3, &parsed) == ROUTE_OK) == !control);
		CHECK((route_parse_pattern(raw + 1, 3, &parsed) == ROUTE_OK) == code);

		snprintf(encoded, sizeof(encoded), byte & 1 ? "/x%%%02X" : "/x%%%02x", byte);
		CHECK((route_parse_path(encoded, 5, &parsed) == ROUTE_OK) == (plain && byte != '/' && byte != '.'));
		CHECK((route_parse_pattern(encoded, 5, &parsed) == ROUTE_OK) == (plain && byte != '/' && byte != '.'));
		if (parsed.nsegments == 1)
			CHECK(parsed.length[0] == 2 && (unsigned char) parsed.segment[0][1] == byte);
	}
	CHECK(route_parse_path("/a\0b", 4, &parsed) == ROUTE_CONTROL);
	CHECK(route_parse_path("/a\0b", 2, &parsed) == ROUTE_OK);
	CHECK(route_parse_path("/a%41", 4, &parsed) == ROUTE_BAD_ESCAPE);
}

/* The longest of each kind is accepted, one more is not. */
static void
test_limits(void)
{
	static char text[3 * ROUTE_PATH_MAX];
	static char spelled[ROUTE_PATH_MAX];
	int			i;

	memset(text, 'a', sizeof(text));
	CHECK(route_parse_path(text, ROUTE_PATH_MAX, &parsed) == ROUTE_OK);
	CHECK(route_parse_path(text, ROUTE_PATH_MAX + 1, &parsed) == ROUTE_TOO_LONG);
	CHECK(route_parse_pattern(text, ROUTE_PATTERN_MAX, &parsed) == ROUTE_OK);
	CHECK(route_parse_pattern(text, ROUTE_PATTERN_MAX + 1, &parsed) == ROUTE_TOO_LONG);
	text[0] = '/';
	CHECK(route_parse_path(text, ROUTE_PATH_MAX, &parsed) == ROUTE_OK && parsed.length[0] == ROUTE_PATH_MAX - 1);
	CHECK(route_parse_path(text, ROUTE_PATH_MAX + 1, &parsed) == ROUTE_TOO_LONG);
	text[9] = '?';
	CHECK(route_parse_path(text, sizeof(text), &parsed) == ROUTE_OK && parsed.length[0] == 8);

	for (i = 0; i < ROUTE_SEGMENTS_MAX; i++)
		memcpy(text + 2 * i, "/a", 2);
	memcpy(text + 2 * i, "/**", 3);
	CHECK(route_parse_pattern(text, 2 * i, &parsed) == ROUTE_OK && parsed.nsegments == i);
	CHECK(route_parse_pattern(text, 2 * i + 3, &parsed) == ROUTE_OK && parsed.rest);
	CHECK(route_parse_path(text, 2 * i, &parsed) == ROUTE_OK && parsed.nsegments == i);
	CHECK(route_parse_path(text, 2 * i + 1, &parsed) == ROUTE_OK && parsed.nsegments == i);
	CHECK(route_parse_path(text, 2 * i + 3, &parsed) == ROUTE_TOO_LONG);
	memcpy(text + 2 * i, "/{x}", 4);
	CHECK(route_parse_pattern(text, 2 * i + 4, &parsed) == ROUTE_TOO_LONG);

	memset(text, 0xff, ROUTE_PATTERN_MAX);
	text[0] = '/';
	CHECK(route_parse_pattern(text, ROUTE_PATTERN_MAX, &parsed) == ROUTE_OK);
	CHECK(route_canonical(&parsed, spelled) == 1 + 3 * (ROUTE_PATTERN_MAX - 1));
}

/* A sentence for each fault, no two alike. */
static void
test_fault_texts(void)
{
	int			fault;

	for (fault = ROUTE_OK; fault <= ROUTE_BAD_CODE; fault++)
	{
		const char *text = route_fault_text((RouteFault) fault);

		CHECK(text != NULL && text[0] >= 'A' && text[0] <= 'Z' && text[strlen(text) - 1] == '.');
		CHECK(fault == ROUTE_OK || strcmp(text, route_fault_text((RouteFault) (fault - 1))) != 0);
	}
	CHECK(route_fault_text((RouteFault) 1000) != NULL);
}

/* A set with room for exactly these numbers. */
static RouteSet *
new_set(size_t npatterns, size_t nsegments, size_t bytes)
{
	void	   *memory = malloc(route_set_size(npatterns, nsegments, bytes));

	if (memory == NULL)
		abort();
	return route_set_init(memory, npatterns, nsegments, bytes);
}

/* Parses a pattern that must be good and adds it. */
static bool
add(RouteSet *set, const char *pattern, RouteRight right, int tag)
{
	CHECK_THAT(route_parse_pattern(pattern, strlen(pattern), &parsed) == ROUTE_OK, pattern);
	return route_set_add(set, &parsed, right, tag);
}

/* Asks for a path that must be good. */
static RouteRight
match(const RouteSet *set, const char *path, int *tag)
{
	CHECK_THAT(route_parse_path(path, strlen(path), &parsed) == ROUTE_OK, path);
	return route_set_match(set, &parsed, tag);
}

/* The rules above answer the questions above, and name the rule that decides. */
static void
test_matches(void)
{
	RouteSet   *set = new_set(COUNT(rules), 4 * COUNT(rules), 512);
	size_t		i;

	for (i = 0; i < COUNT(rules); i++)
		CHECK_THAT(add(set, rules[i].pattern, rules[i].right, (int) i), rules[i].pattern);
	for (i = 0; i < COUNT(questions); i++)
	{
		int			tag = -1;

		CHECK_THAT(match(set, questions[i].route, &tag) == questions[i].right, questions[i].route);
		CHECK_THAT(tag == questions[i].tag, questions[i].route);
		CHECK_THAT(match(set, questions[i].route, NULL) == questions[i].right, questions[i].route);
	}
	for (i = 0; i < COUNT(pattern_questions); i++)
	{
		const Question *q = &pattern_questions[i];
		int			tag = -1;

		CHECK_THAT(route_parse_pattern(q->route, strlen(q->route), &parsed) == ROUTE_OK, q->route);
		CHECK_THAT(route_set_match_pattern(set, &parsed, &tag) == q->right && tag == q->tag, q->route);
	}
	free(set);
}

/* "/" and "/" followed by ** are two patterns; an empty set matches nothing. */
static void
test_root(void)
{
	RouteSet   *set = new_set(2, 0, 0);
	int			tag = -1;

	CHECK(match(set, "/", &tag) == RIGHT_NO_MATCH && tag == -1);
	CHECK(match(set, "/a", NULL) == RIGHT_NO_MATCH);
	CHECK(match(set, "a", NULL) == RIGHT_NO_MATCH);
	CHECK(add(set, "/**", RIGHT_WRITE, 1));
	CHECK(match(set, "/", &tag) == RIGHT_WRITE && tag == 1);
	CHECK(add(set, "/", RIGHT_READ, 2));
	CHECK(match(set, "/", &tag) == RIGHT_READ && tag == 2);
	CHECK(match(set, "/a/b", &tag) == RIGHT_WRITE && tag == 1);
	CHECK(match(set, "a", NULL) == RIGHT_NO_MATCH);
	free(set);
}

/* Equal patterns in other spellings are refused and change nothing. */
static void
test_duplicates(void)
{
	RouteSet   *set = new_set(16, 16, 64);
	int			tag = -1;

	CHECK(add(set, "/a/{x}", RIGHT_READ, 1));
	CHECK(!add(set, "/a/{x}", RIGHT_WRITE, 2));
	CHECK(!add(set, "/a/{y}", RIGHT_WRITE, 2));
	CHECK(!add(set, "/%61/{y}", RIGHT_WRITE, 2));
	CHECK(match(set, "/a/z", &tag) == RIGHT_READ && tag == 1);
	CHECK(add(set, "/a/{x}/**", RIGHT_NONE, 3));
	CHECK(!add(set, "/a/{z}/**", RIGHT_READ, 4));
	CHECK(add(set, "/a/%7Bx%7D", RIGHT_WRITE, 5));
	CHECK(match(set, "/a/{x}", &tag) == RIGHT_WRITE && tag == 5);
	CHECK(add(set, "a", RIGHT_WRITE, 6));
	CHECK(!add(set, "a", RIGHT_READ, 7));
	CHECK(!add(set, "/new", RIGHT_NO_MATCH, 8));
	free(set);
}

/* A full set refuses more and still answers; absurd sizes are not granted. */
static void
test_room(void)
{
	RouteSet   *set = new_set(1, 1, 3);

	CHECK(!add(set, "/four", RIGHT_READ, 0));
	CHECK(match(set, "/four", NULL) == RIGHT_NO_MATCH);
	CHECK(add(set, "/abc", RIGHT_READ, 1));
	CHECK(!add(set, "/abc/d", RIGHT_READ, 2));
	CHECK(add(set, "/abc/**", RIGHT_WRITE, 3));
	CHECK(add(set, "/{x}", RIGHT_NONE, 4));
	CHECK(!add(set, "/{x}/{y}", RIGHT_NONE, 5));
	CHECK(match(set, "/abc", NULL) == RIGHT_READ);
	CHECK(match(set, "/abc/d", NULL) == RIGHT_WRITE);
	CHECK(match(set, "/d", NULL) == RIGHT_NONE);
	free(set);

	CHECK(route_set_size(SIZE_MAX, 1, 1) == SIZE_MAX);
	CHECK(route_set_size(1, SIZE_MAX, 1) == SIZE_MAX);
	CHECK(route_set_size(1, 1, SIZE_MAX) == SIZE_MAX);
}

/*
 * Similar names under one parent and one name under many, in a set of exactly the right size.  So many that some of
 * their 32-bit hashes are equal.
 */
static void
test_many(void)
{
	enum
	{
		MANY = 200000
	};
	RouteSet   *set = new_set(0, 2 * MANY, 7 * MANY);
	char		text[32];
	int			good = 0;
	int			i;

	for (i = 0; i < MANY; i++)
	{
		int			n = snprintf(text, sizeof(text), "/%06d/x", i);

		good += route_parse_pattern(text, (size_t) n, &parsed) == ROUTE_OK && route_set_add(set, &parsed, RIGHT_READ, i);
	}
	CHECK(good == MANY);
	for (i = 0; i < MANY; i++)
	{
		int			n = snprintf(text, sizeof(text), "/%06d/x", i);
		int			tag = -1;

		good -= route_parse_path(text, (size_t) n, &parsed) == ROUTE_OK &&
			route_set_match(set, &parsed, &tag) == RIGHT_READ && tag == i;
	}
	CHECK(good == 0);
	CHECK(match(set, "/000000/y", NULL) == RIGHT_NO_MATCH);
	CHECK(match(set, "/x/x", NULL) == RIGHT_NO_MATCH);
	free(set);
}

/*
 * The model.  It works on the texts, knows nothing of tries, and ranks each matching pattern by a word: one letter
 * per segment, a literal, b {name}, c **; the smallest word is the most specific.
 */
#define MODEL_RULES 24
#define MODEL_TEXT 64

typedef struct ModelRule
{
	char		text[MODEL_TEXT];
	RouteRight	right;
} ModelRule;

static uint32_t random_state = 20240607;

/* xorshift32: the same cases in every run. */
static uint32_t
random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % n;
}

/* First segment of a text, without slash; *rest becomes what follows. */
static size_t
head(const char *text, const char **rest)
{
	size_t		n = strcspn(text + 1, "/");

	*rest = text + 1 + n;
	return n;
}

/* Rank of the pattern for the question, which may be a pattern too; false when it does not match. */
static bool
model_rank(const char *pattern, const char *question, char *rank)
{
	const char *pattern_rest;
	const char *question_rest;
	size_t		n;

	if (pattern[0] != '/' || question[0] != '/')
	{
		strcpy(rank, "a");
		return strcmp(pattern, question) == 0;
	}
	if (strcmp(pattern, "/**") == 0)
	{
		strcpy(rank, "c");
		return true;
	}
	if (strcmp(pattern, "/") == 0 || strcmp(question, "/") == 0 || strcmp(question, "/**") == 0)
	{
		strcpy(rank, "a");
		return strcmp(pattern, question) == 0;
	}
	n = head(pattern, &pattern_rest);
	if (pattern[1] == '{')
		*rank++ = 'b';
	else if (n == head(question, &question_rest) && strncmp(pattern, question, n + 1) == 0)
		*rank++ = 'a';
	else
		return false;
	(void) head(question, &question_rest);
	return model_rank(*pattern_rest ? pattern_rest : "/", *question_rest ? question_rest : "/", rank);
}

/* Index of the most specific rule, -1 for none. */
static int
model_match(const ModelRule *model, int n, const char *question)
{
	char		best[MODEL_TEXT] = "~";
	int			found = -1;
	int			i;

	for (i = 0; i < n; i++)
	{
		char		rank[MODEL_TEXT];

		if (model_rank(model[i].text, question, rank) && strcmp(rank, best) < 0)
		{
			strcpy(best, rank);
			found = i;
		}
	}
	return found;
}

/* A route of up to five segments from few names, so that most rules meet; every parameter is called {x}. */
static void
random_route(char *out, bool pattern)
{
	static const char *const names[] = {"a", "b", "ab"};
	uint32_t	n = random_below(pattern ? 5 : 6);

	out[0] = '\0';
	if (random_below(16) == 0)
	{
		strcpy(out, names[random_below(COUNT(names))]);
		return;
	}
	while (n-- > 0)
	{
		strcat(out, "/");
		strcat(out, pattern && random_below(3) == 0 ? "{x}" : names[random_below(COUNT(names))]);
	}
	if (pattern && random_below(3) == 0)
		strcat(out, "/**");
	if (out[0] == '\0')
		strcpy(out, "/");
}

/* The same path in another spelling: an escape, a trailing slash, a query. */
static void
respell(const char *path, char *out)
{
	size_t		n = 0;
	const char *p;

	for (p = path; *p; p++)
	{
		if (path[0] == '/' && *p != '/' && random_below(4) == 0)
			n += (size_t) sprintf(out + n, "%%%02x", (unsigned) *p);
		else
			out[n++] = *p;
	}
	out[n] = '\0';
	if (path[0] == '/' && path[1] != '\0' && random_below(4) == 0)
		strcat(out, "/");
	if (path[0] == '/' && random_below(4) == 0)
		strcat(out, "?/a");
}

/* Random rules into both; equal ones must be refused. */
static int
random_rules(ModelRule *model, RouteSet *set)
{
	uint32_t	wanted = 1 + random_below(MODEL_RULES);
	int			n = 0;

	while (wanted-- > 0)
	{
		bool		fresh = true;
		int			i;

		random_route(model[n].text, true);
		model[n].right = (RouteRight) random_below(3);
		for (i = 0; i < n; i++)
			fresh = fresh && strcmp(model[i].text, model[n].text) != 0;
		CHECK_THAT(add(set, model[n].text, model[n].right, n) == fresh, model[n].text);
		n += fresh;
	}
	return n;
}

/* One question to both. */
static bool
agree(const ModelRule *model, int n, const RouteSet *set, bool pattern)
{
	char		question[MODEL_TEXT];
	char		spelled[4 * MODEL_TEXT];
	int			expected;
	int			tag = -1;
	RouteRight	right;

	random_route(question, pattern);
	expected = model_match(model, n, question);
	if (pattern)
	{
		CHECK_THAT(route_parse_pattern(question, strlen(question), &parsed) == ROUTE_OK, question);
		right = route_set_match_pattern(set, &parsed, &tag);
	}
	else
	{
		respell(question, spelled);
		right = match(set, spelled, &tag);
	}
	CHECK_THAT(tag == expected, question);
	CHECK_THAT(right == (expected < 0 ? RIGHT_NO_MATCH : model[expected].right), question);
	return expected >= 0;
}

/* Random rules and questions; the trie and the model name the same rule. */
static void
test_against_model(void)
{
	ModelRule	model[MODEL_RULES + 1];
	int			matches = 0;
	int			round;

	for (round = 0; round < 4000; round++)
	{
		RouteSet   *set = new_set(MODEL_RULES, 5 * MODEL_RULES, 12 * MODEL_RULES);
		int			n = random_rules(model, set);
		int			i;

		for (i = 0; i < 20; i++)
			matches += agree(model, n, set, i % 4 == 0);
		free(set);
	}
	CHECK(matches > 20000);
}

int
main(void)
{
	test_pattern_spellings();
	test_path_spellings();
	test_every_byte();
	test_limits();
	test_fault_texts();
	test_matches();
	test_root();
	test_duplicates();
	test_room();
	test_many();
	test_against_model();
	return finish();
}
