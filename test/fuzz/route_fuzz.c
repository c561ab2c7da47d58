/* route_fuzz.c: what parses has one spelling, which parses again to the same segments; no path that passes can be read as another one. */
#include "fuzz.h"
#include "routes/route.h"
#include "text/unicode.h"

static RoutePath route, again;

static bool
same_segments(const RoutePath *a, const RoutePath *b)
{
	int i;

	for (i = 0; i < a->nsegments && i < b->nsegments; i++)
		if ((a->segment[i].data == NULL) != (b->segment[i].data == NULL) ||
			!slice_equal(a->segment[i], b->segment[i]) || a->hash[i] != b->hash[i])
			return false;
	return a->nsegments == b->nsegments && a->is_code == b->is_code && a->rest == b->rest;
}

/* No escape of a text that passes stands for a byte that another program could decode into another path. */
static void
check_escapes(Slice text)
{
	const char *escape;
	uint8_t byte;

	while ((escape = memchr(text.data, '%', text.length)) != NULL)
	{
		text = slice_after(text, (size_t) (escape - text.data) + 1);
		assert(bytes_hex_decode(take(&text, 2), &byte, 1) && strchr("/.\\%;", byte) == NULL && byte >= ' ' &&
			   byte != 0x7f);
	}
}

/* The list of the contract, of a decoded segment. */
static void
check_segment(Slice text)
{
	static char buffer[UNI_GROWTH * ROUTE_PATH_MAX];
	uint32_t c = 0, first = 0;
	Slice normal, rest = text;
	size_t n;

	assert(text.length > 0 && text.data[text.length - 1] != '.');
	for (n = 0; n < text.length; n++)
		assert(text.data[n] != '\0' && strchr("/\\%;", text.data[n]) == NULL &&
			   (n == 0 || text.data[n] != '$' || text.data[n - 1] != ':'));
	for (; rest.length > 0; rest = slice_after(rest, n))
	{
		n = uni_next(rest, &c);
		assert(n > 0 && !uni_is_control(c) && !uni_is_noncharacter(c) && !uni_is_compatible(c, "./\\%;"));
		assert(!uni_is_invisible(c) || c == 0x200d || c == 0xfe0f || (c >= 0xe0061 && c <= 0xe007f));
		first = first ? first : c;
	}
	assert(!uni_is_space(first) && !uni_is_space(c));
	assert(uni_normalize(UNI_NFC, text, buffer, sizeof(buffer), &normal) && slice_equal(normal, text));
}

static void
check_pattern(Slice text)
{
	char once[ROUTE_PATH_MAX], twice[ROUTE_PATH_MAX], named[2 * ROUTE_PATH_MAX];
	size_t n = route_canonical(&route, once);
	size_t length = 0;
	size_t i;

	assert(text.length <= ROUTE_PATTERN_MAX && route.nsegments <= ROUTE_SEGMENTS_MAX && uni_is_ascii((Slice){once, n}));
	if (!route.is_code)
		check_escapes(text);
	for (i = 0; i < (size_t) route.nsegments && !route.is_code; i++)
		if (route.segment[i].data != NULL)
			check_segment(route.segment[i]);
	for (i = 0; i < n; named[length++] = once[i++])
		if (once[i] == '}')
			named[length++] = 'x';
	if (length > ROUTE_PATTERN_MAX || (route.is_code && memchr(once, '%', n) != NULL))
		return;
	assert(route_parse_pattern((Slice){named, length}, &again) == ROUTE_OK && same_segments(&route, &again));
	assert(route_canonical(&again, twice) == n && memcmp(once, twice, n) == 0);
}

static void
check_path(Slice text)
{
	char spelled[3 * ROUTE_PATH_MAX];
	Slice path = take_until(&text, '?');
	int i;

	if (!route.is_code)
		check_escapes(path);
	for (i = 0; i < route.nsegments && !route.is_code; i++)
		check_segment(route.segment[i]);
	if (route.is_code || path.length > ROUTE_PATTERN_MAX)
		return;
	assert(route_parse_path((Slice){spelled, route_canonical(&route, spelled)}, &again) == ROUTE_OK &&
		   same_segments(&route, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice text = {(const char *) data, size};
	RouteFault pattern = route_parse_pattern(text, &route);
	RouteFault path;

	assert(*route_fault_text(pattern) != '\0');
	if (pattern == ROUTE_OK)
		check_pattern(text);
	path = route_parse_path(text, &route);
	assert(*route_fault_text(path) != '\0');
	if (path == ROUTE_OK)
		check_path(text);
	assert(pattern != ROUTE_OK || path == ROUTE_OK || route.nsegments == ROUTE_SEGMENTS_MAX);
	return 0;
}

/* A byte is escaped or not, or a segment is one that some program reads differently. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {
		"/",
		"orders",
		"{id}",
		"{}",
		"**",
		"*",
		".",
		"..",
		"...",
		".well-known",
		"%2e",
		"%2E%2e",
		"%2F",
		"%5c",
		"%25",
		"%3b",
		";",
		"\\",
		":$",
		"%3a%24",
		"%20",
		" ",
		"%00",
		"\x7f",
		"?",
		"#",
		"%",
		"%4",
		"%u0041",
		"caf\xc3\xa9",
		"caf%C3%A9",
		"cafe\xcc\x81",
		"%e2%84%aa",
		"\xe1\x84\x92\xe1\x85\xa1",
		"%c0%ae",
		"%ed%a0%80",
		"%c2%85",
		"%e3%80%80",
		"\xef\xbb\xbf",
		"%e2%80%8b",
		"\xe2\x80\x8d",
		"\xef\xb8\x8f",
		"\xf0\x9f\x91\xa9",
		"\xf0\x9f\x8f\xbd",
		"1\xef\xb8\x8f\xe2\x83\xa3",
		"\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xb3\xf3\xa0\x81\xa3\xf3\xa0\x81\xb4\xf3\xa0\x81\xbf",
		"\xf3\xa0\x81\xa7",
		"\xef\xbc\x8f",
		"%ef%bc%8e",
		"%e2%80%a5",
		"\xc2\xa5",
		"%e2%88%95",
		"%cd%be",
		"\xef\xbf\xbf",
		"%ef%b7%90",
		"ORDER-200"};
	char escape[4] = "%";
	size_t at = size > 0 ? draw(&seed, size) : 0;

	if (size == 0 || draw(&seed, 4) > 0)
		return mutate_fields(data, size, max, seed, "/", words, COUNT(words));
	if (size - at >= 3 && data[at] == '%' &&
		bytes_hex_decode((Slice){(const char *) data + at + 1, 2}, (uint8_t *) escape, 1))
		return splice(data, size, max, at, 3, (Slice){escape, 1});
	bytes_hex_encode(data + at, 1, escape + 1);
	return splice(data, size, max, at, 1, (Slice){escape, 3});
}
