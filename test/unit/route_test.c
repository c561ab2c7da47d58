/*
 * route_test.c
 *		Spelling of patterns and paths, matching, and a comparison of the
 *		trie with a naive model over random rules.
 */
#include <stdlib.h>

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "check.h"
#include "routes/route_trie.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct Spelling
{
	const char *text;
	RouteFault fault;
	const char *canonical; /* when there is no fault */
} Spelling;

typedef struct Rule
{
	const char *pattern;
	RouteRight right;
} Rule;

typedef struct Question
{
	const char *route;
	RouteRight right;
	int tag; /* index of the rule that decides, -1 for none */
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
	{"/%ff", ROUTE_NOT_UTF8, NULL},
	{"/%7B%7D", ROUTE_OK, "/%7B%7D"},
	{"/%2A%2a", ROUTE_OK, "/%2A%2A"},
	{"/a%3Fb%23c", ROUTE_OK, "/a%3Fb%23c"},
	{"/%252F", ROUTE_ENCODED, NULL},
	{"/a b", ROUTE_OK, "/a b"},
	{"/a%20b", ROUTE_OK, "/a b"},
	{"/...", ROUTE_FINAL_DOT, NULL},
	{"/.a", ROUTE_OK, "/.a"},
	{"ORDER-200", ROUTE_OK, "ORDER-200"},
	{"a.b:c", ROUTE_OK, "a.b:c"},
	{"..", ROUTE_OK, ".."},
	{"caf\xc3\xa9", ROUTE_OK, "caf%C3%A9"},

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
	{"/%256Frders", ROUTE_ENCODED, NULL},
	{"/a%3Fb", ROUTE_OK, "/a?b"},
	{"/{id}/**", ROUTE_OK, "/{id}/**"},
	{"/..a/.a/a.b", ROUTE_OK, "/..a/.a/a.b"},
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

/* Paths that some program reads as another one, named by such a program: as paths and as patterns. */
static const struct
{
	const char *reader;
	const char *text;
	RouteFault fault;
} misread[] = {
	{"Tomcat: path parameter", "/orders/5/approval;x=1", ROUTE_SEMICOLON},
	{"Tomcat: encoded path parameter", "/orders/5/approval%3bx=1", ROUTE_SEMICOLON},
	{"Tomcat: encoded in capitals", "/orders/5/approval%3Bx=1", ROUTE_SEMICOLON},
	{"Tomcat: parameter in a dot segment", "/orders/..;/files/secret", ROUTE_SEMICOLON},
	{"Tomcat: parameter in front", "/orders/;x/secret", ROUTE_SEMICOLON},
	{"Spring: empty parameter", "/orders/5;/approval", ROUTE_SEMICOLON},
	{"IIS: double decoding", "/a%252Fb", ROUTE_ENCODED},
	{"IIS: double decoding of a dot", "/%252e%252e/b", ROUTE_ENCODED},
	{"IIS: %u", "/a%u002fb", ROUTE_BAD_ESCAPE},
	{"IIS: overlong slash", "/a%c0%afb", ROUTE_NOT_UTF8},
	{"IIS: overlong slash, raw",
	 "/a\xc0\xaf"
	 "b",
	 ROUTE_NOT_UTF8},
	{"IIS: overlong backslash", "/a%c1%9cb", ROUTE_NOT_UTF8},
	{"Tomcat: overlong dot", "/%c0%ae%c0%ae/b", ROUTE_NOT_UTF8},
	{"overlong in three bytes", "/a%e0%80%afb", ROUTE_NOT_UTF8},
	{"overlong in four bytes", "/a%f0%80%80%afb", ROUTE_NOT_UTF8},
	{"Java: overlong NUL", "/a%c0%80", ROUTE_NOT_UTF8},
	{"Java: surrogates", "/a%ed%a0%bd%ed%b8%80", ROUTE_NOT_UTF8},
	{"beyond Unicode", "/a%f4%90%80%80", ROUTE_NOT_UTF8},
	{"cut off", "/a%c3", ROUTE_NOT_UTF8},
	{"cut off by ASCII", "/a%e2%80b", ROUTE_NOT_UTF8},
	{"PHP: Latin-1", "/caf%e9", ROUTE_NOT_UTF8},
	{"a lone continuation", "/a%80", ROUTE_NOT_UTF8},
	{"half raw, half encoded, overlong", "/a\xc0%af", ROUTE_NOT_UTF8},
	{"IIS: backslash", "/a\\..\\b", ROUTE_BACKSLASH},
	{"IIS: encoded backslash", "/a%5c..%5cb", ROUTE_BACKSLASH},
	{"IIS: stream", "/secret::$DATA", ROUTE_STREAM},
	{"IIS: encoded stream", "/secret:%3a%24DATA", ROUTE_STREAM},
	{"IIS: directory stream", "/private:$I30:$INDEX_ALLOCATION/x", ROUTE_STREAM},
	{"Apache: encoded slash", "/a%2fb", ROUTE_ENCODED},
	{"Nginx: merge_slashes", "/a//b", ROUTE_EMPTY_SEGMENT},
	{"Nginx: dot segment", "/a/./b", ROUTE_DOT_SEGMENT},
	{"Nginx: encoded dots", "/a/%2e%2e/b", ROUTE_ENCODED},
	{"Nginx: encoded percent before proxy_pass", "/a%25%32%66b", ROUTE_ENCODED},
	{"C: NUL", "/secret%00.html", ROUTE_CONTROL},
	{"browsers: tab", "/se%09cret", ROUTE_CONTROL},
	{"browsers: line feed, raw", "/se\ncret", ROUTE_CONTROL},
	{"C1 controls", "/a%c2%85", ROUTE_SPACE},
	{"C1 controls inside", "/a%c2%85b", ROUTE_CONTROL},
	{"JavaScript: line separator", "/a%e2%80%a8b", ROUTE_CONTROL},
	{"Windows: trailing space", "/orders/5/approval%20", ROUTE_SPACE},
	{"Windows: trailing space, raw", "/orders/5/approval /x", ROUTE_SPACE},
	{"Rails: leading space", "/orders/%20approval", ROUTE_SPACE},
	{"PHP trim: nothing but space", "/orders/%20", ROUTE_SPACE},
	{"Python strip: no-break space", "/approval%c2%a0", ROUTE_SPACE},
	{"Java strip: ideographic space in front", "/%e3%80%80approval", ROUTE_SPACE},
	{"Java strip: ideographic space, raw", "/approval\xe3\x80\x80", ROUTE_SPACE},
	{"JavaScript trim: byte order mark", "/approval%ef%bb%bf", ROUTE_INVISIBLE},
	{"ogham space mark", "/approval\xe1\x9a\x80", ROUTE_SPACE},
	{"Windows: trailing dot", "/approval.", ROUTE_FINAL_DOT},
	{"Windows: trailing dot, inside", "/private./secret", ROUTE_FINAL_DOT},
	{"Windows: trailing dots", "/approval...", ROUTE_FINAL_DOT},
	{"Windows: dots alone", "/.../secret", ROUTE_FINAL_DOT},
	{"Windows: trailing dot and space", "/approval. ", ROUTE_SPACE},
	{"macOS: decomposed", "/produits/cafe%CC%81", ROUTE_NOT_NFC},
	{"macOS: decomposed, raw", "/produits/cafe\xcc\x81", ROUTE_NOT_NFC},
	{"macOS: order of marks", "/q%cc%87%cc%a3", ROUTE_NOT_NFC},
	{"macOS: Kelvin sign", "/%e2%84%aaelvin", ROUTE_NOT_NFC},
	{"macOS: Hangul jamo", "/%e1%84%92%e1%85%a1%e1%86%ab", ROUTE_NOT_NFC},
	{"macOS: compatibility ideograph", "/%ef%a4%80", ROUTE_NOT_NFC},
	{"NFC: Greek question mark is a semicolon", "/a%cd%beb", ROUTE_LOOKALIKE},
	{"HFS+: zero width joiner", "/.gi%e2%80%8dt", ROUTE_INVISIBLE},
	{"HFS+: zero width non-joiner", "/.gi%e2%80%8ct", ROUTE_INVISIBLE},
	{"HFS+: bidirectional control", "/.g%e2%80%aeit", ROUTE_INVISIBLE},
	{"zero width space", "/approval%e2%80%8b", ROUTE_INVISIBLE},
	{"soft hyphen (PHP on Windows: hyphen)", "/ap%c2%adproval", ROUTE_INVISIBLE},
	{"word joiner",
	 "/\xe2\x81\xa0"
	 "approval",
	 ROUTE_INVISIBLE},
	{"combining grapheme joiner", "/a%cd%8fb", ROUTE_INVISIBLE},
	{"variation selector", "/a%ef%b8%8f", ROUTE_INVISIBLE},
	{"variation selector after a digit", "/1%ef%b8%8f", ROUTE_INVISIBLE},
	{"text style", "/\xe2\x98\x8e\xef\xb8\x8e", ROUTE_INVISIBLE},
	{"ideographic variation", "/%e8%91%9b%f3%a0%84%80", ROUTE_INVISIBLE},
	{"tags", "/a%f3%a0%81%81", ROUTE_INVISIBLE},
	{"tags behind a flag that spell no flag", "/%f0%9f%8f%b4%f3%a0%81%81%f3%a0%81%bf", ROUTE_INVISIBLE},
	{"a joiner between an emoji and a letter", "/%f0%9f%91%a9%e2%80%8da", ROUTE_INVISIBLE},
	{"a joiner between a letter and an emoji", "/a%e2%80%8d%f0%9f%91%a9", ROUTE_INVISIBLE},
	{"a joiner at the end", "/%f0%9f%91%a9%e2%80%8d", ROUTE_INVISIBLE},
	{"two joiners", "/%f0%9f%91%a9%e2%80%8d%e2%80%8d%f0%9f%91%a9", ROUTE_INVISIBLE},
	{"emoji style twice", "/%e2%9d%a4%ef%b8%8f%ef%b8%8f", ROUTE_INVISIBLE},
	{"Hangul filler", "/%e3%85%a4", ROUTE_INVISIBLE},
	{"blank braille", "/a%e2%a0%80", ROUTE_INVISIBLE},
	{"NFKC: fullwidth solidus", "/a%ef%bc%8fb", ROUTE_LOOKALIKE},
	{"NFKC: fullwidth dots", "/\xef\xbc\x8e\xef\xbc\x8e/b", ROUTE_LOOKALIKE},
	{"NFKC: one dot leader", "/%e2%80%a4%e2%80%a4/b", ROUTE_LOOKALIKE},
	{"NFKC: two dot leader", "/%e2%80%a5/b", ROUTE_LOOKALIKE},
	{"NFKC: small full stop", "/a%ef%b9%92", ROUTE_LOOKALIKE},
	{"NFKC: ellipsis", "/a\xe2\x80\xa6", ROUTE_LOOKALIKE},
	{"NFKC: fullwidth reverse solidus", "/a%ef%bc%bcb", ROUTE_LOOKALIKE},
	{"NFKC: small reverse solidus", "/a%ef%b9%a8b", ROUTE_LOOKALIKE},
	{"NFKC: fullwidth percent", "/a%ef%bc%852fb", ROUTE_LOOKALIKE},
	{"NFKC: small percent", "/a%ef%b9%aa2fb", ROUTE_LOOKALIKE},
	{"NFKC: fullwidth semicolon", "/a%ef%bc%9bb", ROUTE_LOOKALIKE},
	{"NFKC: small semicolon", "/a%ef%b9%94b", ROUTE_LOOKALIKE},
	{"NFKC: care of", "/a%e2%84%85", ROUTE_LOOKALIKE},
	{"NFKC: digit one full stop", "/a%e2%92%88", ROUTE_LOOKALIKE},
	{"Windows best fit: fraction slash", "/a%e2%81%84b", ROUTE_LOOKALIKE},
	{"Windows best fit: division slash", "/a%e2%88%95b", ROUTE_LOOKALIKE},
	{"Windows best fit: set minus", "/a%e2%88%96b", ROUTE_LOOKALIKE},
	{"Windows best fit: yen", "/a%c2%a5b", ROUTE_LOOKALIKE},
	{"Windows best fit: won", "/a%e2%82%a9b", ROUTE_LOOKALIKE},
	{"Windows best fit: fullwidth yen", "/a%ef%bf%a5b", ROUTE_LOOKALIKE},
	{"Windows best fit: fullwidth yen, raw",
	 "/a\xef\xbf\xa5"
	 "b",
	 ROUTE_LOOKALIKE},
	{"Windows best fit: fullwidth won", "/a%ef%bf%a6b", ROUTE_LOOKALIKE},
	{"not a character: U+FFFE", "/a%ef%bf%beb", ROUTE_NONCHARACTER},
	{"not a character: U+FFFF", "/a\xef\xbf\xbf", ROUTE_NONCHARACTER},
	{"not a character: U+FDD0", "/%ef%b7%90", ROUTE_NONCHARACTER},
	{"not a character: U+FDEF", "/%ef%b7%af", ROUTE_NONCHARACTER},
	{"not a character: U+1FFFE", "/a%f0%9f%bf%be", ROUTE_NONCHARACTER},
	{"not a character: U+10FFFF", "/a%f4%8f%bf%bf", ROUTE_NONCHARACTER},
	{"Windows best fit: Arabic percent", "/a%d9%aa2fb", ROUTE_LOOKALIKE},
};

/* Ordinary text, which must not be caught. */
static const char *const ordinary[] = {
	"/.well-known",
	"/a.b",
	"/a%20b",
	"/a b",
	"/.a/..b/a..b",
	"/v1/orders:cancel",
	"/$metadata",
	"/a$:b",
	"/a%24",
	"/~ann",
	"/a+b",
	"/100,-",
	"/caf%C3%A9",
	"/caf\xc3\xa9",
	"/produits/Gr\xc3\xb6\xc3\x9f"
	"e",
	"/\xe6\x97\xa5\xe6\x9c\xac/\xe7\xae\xa1\xe7\x90\x86",
	"/\xd8\xb9\xd8\xb1\xd8\xa8",
	"/\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\x82\xe0\xa4\xa6\xe0\xa5\x80",
	"/\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4",
	"/\xce\xbd\xce\xaf\xce\xba\xce\xbf\xcf\x82",
	"/a\xe2\x80\x93"
	"b",
	"/\xe2\x82\xac",
	"/q\xcc\xa3\xcc\x87",
	"/1\xc2\xbd",
	"/\xc2\xb7",
	"/a\xc2\xa0"
	"b",
	"/\xe4\xb8\xad\xe3\x80\x82",
	"/\xf0\x9f\x92\x90", /* bouquet */
	"/%f0%9f%92%90",
	"/\xe2\x9d\xa4",
	"/\xe2\x9d\xa4\xef\xb8\x8f", /* heart, then in emoji style */
	"/1\xef\xb8\x8f\xe2\x83\xa3", /* keycap */
	"/\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", /* family */
	"/\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd\xe2\x80\x8d\xf0\x9f\x92\xbb", /* technologist with a skin tone */
	"/\xf0\x9f\x8f\xb3\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x8c\x88", /* rainbow flag */
	"/\xf0\x9f\xa4\xb7\xe2\x80\x8d\xe2\x99\x80\xef\xb8\x8f", /* shrug */
	"/\xf0\x9f\x87\xab\xf0\x9f\x87\xb7", /* flag of France */
	"/\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xb3\xf3\xa0\x81\xa3\xf3\xa0\x81\xb4\xf3\xa0\x81\xbf", /* Scotland */
};

static const Rule rules[] = {
	{"/orders", RIGHT_READ}, /* 0 */
	{"/orders/{id}", RIGHT_WRITE},
	{"/orders/secret", RIGHT_NONE},
	{"/orders/{id}/items", RIGHT_READ},
	{"/orders/archive/**", RIGHT_READ},
	{"/orders/archive/2020", RIGHT_NONE}, /* 5 */
	{"/files/**", RIGHT_WRITE},
	{"/files/{a}/x", RIGHT_NONE},
	{"/a/{x}/c", RIGHT_READ},
	{"/a/b/d", RIGHT_WRITE},
	{"/a/**", RIGHT_NONE}, /* 10 */
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
	size_t n = 0;
	int i;

	for (i = 0; i < path->nsegments; i++)
	{
		out[n++] = '/';
		memcpy(out + n, path->segment[i].data, path->segment[i].length);
		n += path->segment[i].length;
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
	size_t i;

	for (i = 0; i < COUNT(patterns); i++)
	{
		const Spelling *s = &patterns[i];

		CHECK_THAT(route_parse_pattern(slice_of(s->text), &parsed) == s->fault, s->text);
		if (s->fault == ROUTE_OK)
			CHECK_THAT(strcmp(canonical(&parsed), s->canonical) == 0, s->text);
	}
}

/* Each path has its fault or its decoded segments. */
static void
test_path_spellings(void)
{
	size_t i;

	for (i = 0; i < COUNT(paths); i++)
	{
		const Spelling *s = &paths[i];

		CHECK_THAT(route_parse_path(slice_of(s->text), &parsed) == s->fault, s->text);
		if (s->fault == ROUTE_OK)
			CHECK_THAT(strcmp(joined(&parsed), s->canonical) == 0, s->text);
	}
}

/* Every byte, raw and encoded, in both letter cases of the digits. */
static void
test_every_byte(void)
{
	int byte;

	for (byte = 0; byte < 256; byte++)
	{
		char raw[4] = {'/', 'x', (char) byte, 'y'};
		char encoded[8];
		bool control = byte < 0x20 || byte == 0x7f;
		bool ascii = byte < 0x80;
		bool plain = !control && ascii && byte != '\\' && byte != ';';
		bool code = !control && ascii && strchr(" /{}*?#%\\", byte) == NULL;

		CHECK((route_parse_path((Slice){raw, 4}, &parsed) == ROUTE_OK) == (plain && byte != '#' && byte != '%'));
		CHECK((route_parse_pattern((Slice){raw, 4}, &parsed) == ROUTE_OK) ==
			  (plain && (code || byte == ' ' || byte == '/')));
		CHECK((route_parse_path((Slice){raw + 1, 3}, &parsed) == ROUTE_OK) == (!control && ascii));
		CHECK((route_parse_pattern((Slice){raw + 1, 3}, &parsed) == ROUTE_OK) == code);

		snprintf(encoded, sizeof(encoded), byte & 1 ? "/x%%%02X" : "/x%%%02x", byte);
		CHECK((route_parse_path((Slice){encoded, 5}, &parsed) == ROUTE_OK) == (plain && strchr("/.% ", byte) == NULL));
		CHECK((route_parse_pattern((Slice){encoded, 5}, &parsed) == ROUTE_OK) ==
			  (plain && strchr("/.% ", byte) == NULL));
		if (parsed.nsegments == 1)
			CHECK(parsed.segment[0].length == 2 && (unsigned char) parsed.segment[0].data[1] == byte);
	}
	CHECK(route_parse_path((Slice){"/a\0b", 4}, &parsed) == ROUTE_CONTROL);
	CHECK(route_parse_path((Slice){"/a\0b", 2}, &parsed) == ROUTE_OK);
	CHECK(route_parse_path((Slice){"/a%41", 4}, &parsed) == ROUTE_BAD_ESCAPE);
}

/* The longest of each kind is accepted, one more is not. */
static void
test_limits(void)
{
	static char text[3 * ROUTE_PATH_MAX];
	static char spelled[ROUTE_PATH_MAX];
	int i;

	memset(text, 'a', sizeof(text));
	CHECK(route_parse_path((Slice){text, ROUTE_PATH_MAX}, &parsed) == ROUTE_OK);
	CHECK(route_parse_path((Slice){text, ROUTE_PATH_MAX + 1}, &parsed) == ROUTE_TOO_LONG);
	CHECK(route_parse_pattern((Slice){text, ROUTE_PATTERN_MAX}, &parsed) == ROUTE_OK);
	CHECK(route_parse_pattern((Slice){text, ROUTE_PATTERN_MAX + 1}, &parsed) == ROUTE_TOO_LONG);
	text[0] = '/';
	CHECK(route_parse_path((Slice){text, ROUTE_PATH_MAX}, &parsed) == ROUTE_OK &&
		  parsed.segment[0].length == ROUTE_PATH_MAX - 1);
	CHECK(route_parse_path((Slice){text, ROUTE_PATH_MAX + 1}, &parsed) == ROUTE_TOO_LONG);
	text[9] = '?';
	CHECK(route_parse_path((Slice){text, sizeof(text)}, &parsed) == ROUTE_OK && parsed.segment[0].length == 8);

	for (i = 0; i < ROUTE_SEGMENTS_MAX; i++)
		memcpy(text + 2 * i, "/a", 2);
	memcpy(text + 2 * i, "/**", 3);
	CHECK(route_parse_pattern((Slice){text, 2 * i}, &parsed) == ROUTE_OK && parsed.nsegments == i);
	CHECK(route_parse_pattern((Slice){text, 2 * i + 3}, &parsed) == ROUTE_OK && parsed.rest);
	CHECK(route_parse_path((Slice){text, 2 * i}, &parsed) == ROUTE_OK && parsed.nsegments == i);
	CHECK(route_parse_path((Slice){text, 2 * i + 1}, &parsed) == ROUTE_OK && parsed.nsegments == i);
	CHECK(route_parse_path((Slice){text, 2 * i + 3}, &parsed) == ROUTE_TOO_LONG);
	memcpy(text + 2 * i, "/{x}", 4);
	CHECK(route_parse_pattern((Slice){text, 2 * i + 4}, &parsed) == ROUTE_TOO_LONG);

	for (i = 2; i < ROUTE_PATTERN_MAX; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	memcpy(text, "/a", 2);
	CHECK(route_parse_pattern((Slice){text, ROUTE_PATTERN_MAX}, &parsed) == ROUTE_OK);
	CHECK(route_canonical(&parsed, spelled) == 2 + 3 * (ROUTE_PATTERN_MAX - 2));
}

/* A sentence for each fault, no two alike. */
static void
test_fault_texts(void)
{
	int fault;

	for (fault = ROUTE_OK; fault <= ROUTE_BAD_CODE; fault++)
	{
		const char *text = route_fault_text((RouteFault) fault);

		CHECK(text != NULL && text[0] >= 'A' && text[0] <= 'Z' && text[strlen(text) - 1] == '.');
		CHECK(fault == ROUTE_OK || strcmp(text, route_fault_text((RouteFault) (fault - 1))) != 0);
	}
	CHECK(route_fault_text((RouteFault) 1000) != NULL);
}

/* The block that holds the set, which starts at the first cache line in it. */
static void *memory;

/* A set with room for exactly these numbers, in place of the one before. */
static RouteTrie *
new_set(size_t npatterns, size_t nsegments, size_t bytes)
{
	free(memory);
	memory = malloc(route_trie_size(npatterns, nsegments, bytes));
	if (memory == NULL)
		abort();
	return route_trie_init(memory, npatterns, nsegments, bytes);
}

/* Parses a pattern that must be good and adds it. */
static bool
add(RouteTrie *set, const char *pattern, RouteRight right, int tag)
{
	CHECK_THAT(route_parse_pattern(slice_of(pattern), &parsed) == ROUTE_OK, pattern);
	return route_trie_add(set, &parsed, right, tag);
}

/* Asks for a path that must be good. */
static RouteRight
match(const RouteTrie *set, const char *path, int *tag)
{
	CHECK_THAT(route_parse_path(slice_of(path), &parsed) == ROUTE_OK, path);
	return route_trie_match(set, &parsed, tag);
}

/* The rules above answer the questions above, and name the rule that decides. */
static void
test_matches(void)
{
	RouteTrie *set = new_set(COUNT(rules), 4 * COUNT(rules), 512);
	size_t i;

	for (i = 0; i < COUNT(rules); i++)
		CHECK_THAT(add(set, rules[i].pattern, rules[i].right, (int) i), rules[i].pattern);
	for (i = 0; i < COUNT(questions); i++)
	{
		int tag = -1;

		CHECK_THAT(match(set, questions[i].route, &tag) == questions[i].right, questions[i].route);
		CHECK_THAT(tag == questions[i].tag, questions[i].route);
		CHECK_THAT(match(set, questions[i].route, NULL) == questions[i].right, questions[i].route);
	}
	for (i = 0; i < COUNT(pattern_questions); i++)
	{
		const Question *q = &pattern_questions[i];
		int tag = -1;

		CHECK_THAT(route_parse_pattern(slice_of(q->route), &parsed) == ROUTE_OK, q->route);
		CHECK_THAT(route_trie_match(set, &parsed, &tag) == q->right && tag == q->tag, q->route);
	}
}

/* "/" and "/" followed by ** are two patterns; an empty set matches nothing. */
static void
test_root(void)
{
	RouteTrie *set = new_set(2, 0, 0);
	int tag = -1;

	CHECK(match(set, "/", &tag) == RIGHT_NO_MATCH && tag == -1);
	CHECK(match(set, "/a", NULL) == RIGHT_NO_MATCH);
	CHECK(match(set, "a", NULL) == RIGHT_NO_MATCH);
	CHECK(add(set, "/**", RIGHT_WRITE, 1));
	CHECK(match(set, "/", &tag) == RIGHT_WRITE && tag == 1);
	CHECK(add(set, "/", RIGHT_READ, 2));
	CHECK(match(set, "/", &tag) == RIGHT_READ && tag == 2);
	CHECK(match(set, "/a/b", &tag) == RIGHT_WRITE && tag == 1);
	CHECK(match(set, "a", NULL) == RIGHT_NO_MATCH);
}

/* Equal patterns in other spellings are refused and change nothing. */
static void
test_duplicates(void)
{
	RouteTrie *set = new_set(16, 16, 64);
	int tag = -1;

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
}

/* A full set refuses more and still answers; absurd sizes are not granted. */
static void
test_room(void)
{
	RouteTrie *set = new_set(1, 1, 3);

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

	CHECK(route_trie_size(SIZE_MAX, 1, 1) == SIZE_MAX);
	CHECK(route_trie_size(1, SIZE_MAX, 1) == SIZE_MAX);
	CHECK(route_trie_size(1, 1, SIZE_MAX) == SIZE_MAX);
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
	RouteTrie *set = new_set(0, 2 * MANY, 7 * MANY);
	char text[32];
	int good = 0;
	int i;

	for (i = 0; i < MANY; i++)
	{
		int n = snprintf(text, sizeof(text), "/%06d/x", i);

		good += route_parse_pattern((Slice){text, (size_t) n}, &parsed) == ROUTE_OK &&
				route_trie_add(set, &parsed, RIGHT_READ, i);
	}
	CHECK(good == MANY);
	for (i = 0; i < MANY; i++)
	{
		int n = snprintf(text, sizeof(text), "/%06d/x", i);
		int tag = -1;

		good -= route_parse_path((Slice){text, (size_t) n}, &parsed) == ROUTE_OK &&
				route_trie_match(set, &parsed, &tag) == RIGHT_READ && tag == i;
	}
	CHECK(good == 0);
	CHECK(match(set, "/000000/y", NULL) == RIGHT_NO_MATCH);
	CHECK(match(set, "/x/x", NULL) == RIGHT_NO_MATCH);
}

/*
 * The model.  It works on the texts, knows nothing of tries, and ranks each matching pattern by a word: one letter
 * per segment, a literal, b {name}, c **; the smallest word is the most specific.
 */
#define MODEL_RULES 24
#define MODEL_TEXT 64

typedef struct ModelRule
{
	char text[MODEL_TEXT];
	RouteRight right;
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
	size_t n = strcspn(text + 1, "/");

	*rest = text + 1 + n;
	return n;
}

/* Rank of the pattern for the question, which may be a pattern too; false when it does not match. */
static bool
model_rank(const char *pattern, const char *question, char *rank)
{
	const char *pattern_rest;
	const char *question_rest;
	size_t n;

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
	char best[MODEL_TEXT] = "~";
	int found = -1;
	int i;

	for (i = 0; i < n; i++)
	{
		char rank[MODEL_TEXT];

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
	uint32_t n = random_below(pattern ? 5 : 6);

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
	size_t n = 0;
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
random_rules(ModelRule *model, RouteTrie *set)
{
	uint32_t wanted = 1 + random_below(MODEL_RULES);
	int n = 0;

	while (wanted-- > 0)
	{
		bool fresh = true;
		int i;

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
agree(const ModelRule *model, int n, const RouteTrie *set, bool pattern)
{
	char question[MODEL_TEXT];
	char spelled[4 * MODEL_TEXT];
	int expected;
	int tag = -1;
	RouteRight right;

	random_route(question, pattern);
	expected = model_match(model, n, question);
	if (pattern)
	{
		CHECK_THAT(route_parse_pattern(slice_of(question), &parsed) == ROUTE_OK, question);
		right = route_trie_match(set, &parsed, &tag);
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
	ModelRule model[MODEL_RULES + 1];
	int matches = 0;
	int round;

	for (round = 0; round < 4000; round++)
	{
		RouteTrie *set = new_set(MODEL_RULES, 5 * MODEL_RULES, 12 * MODEL_RULES);
		int n = random_rules(model, set);
		int i;

		for (i = 0; i < 20; i++)
			matches += agree(model, n, set, i % 4 == 0);
	}
	CHECK(matches > 20000);
}

static void
test_misread(void)
{
	static RoutePath path;
	size_t i;

	for (i = 0; i < COUNT(misread); i++)
	{
		CHECK_THAT(route_parse_path(slice_of(misread[i].text), &path) == misread[i].fault, misread[i].reader);
		CHECK_THAT(route_parse_pattern(slice_of(misread[i].text), &path) == misread[i].fault, misread[i].reader);
	}
	for (i = 0; i < COUNT(ordinary); i++)
	{
		CHECK_THAT(route_parse_path(slice_of(ordinary[i]), &path) == ROUTE_OK, ordinary[i]);
		CHECK_THAT(route_parse_pattern(slice_of(ordinary[i]), &path) == ROUTE_OK, ordinary[i]);
	}
}

/* Every code point, between two letters: allowed only if it is visible and no normal form makes it another or a separator. */
static void
test_code_points(void)
{
	static RoutePath path;
	uint32_t c;
	int wrong = 0;

	for (c = 0x80; c <= 0x10ffff; c++)
	{
		uint8_t text[8] = "/a";
		uint8_t form[64];
		size_t n = sizeof(form);
		int length = u8_uctomb(text + 2, c, 4);
		bool allowed;
		bool harmless;

		if (length < 0)
			continue;
		text[2 + length] = 'b';
		allowed = route_parse_path((Slice){(const char *) text, 3 + (size_t) length}, &path) == ROUTE_OK;
		harmless = u8_normalize(UNINORM_NFKC, text + 1, 2 + (size_t) length, form, &n) == form &&
				   memchr(form, '/', n) == NULL && memchr(form, '.', n) == NULL && memchr(form, '\\', n) == NULL &&
				   memchr(form, '%', n) == NULL && memchr(form, ';', n) == NULL &&
				   (n = sizeof(form), u8_normalize(UNINORM_NFC, text + 1, 2 + (size_t) length, form, &n) == form) &&
				   n == 2 + (size_t) length && memcmp(form, text + 1, n) == 0 &&
				   !uc_is_property_default_ignorable_code_point(c) && !uc_is_cntrl(c);
		if (allowed && !harmless && wrong++ == 0)
			fprintf(stderr, "U+%04X is allowed\n", c);
		if (!allowed && harmless && uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N) &&
			wrong++ == 0)
			fprintf(stderr, "U+%04X is denied\n", c);
	}
	CHECK_THAT(wrong == 0, "every code point is allowed or denied as Unicode's tables say");
}

int
main(void)
{
	test_misread();
	test_code_points();
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
	free(memory);
	return finish();
}
