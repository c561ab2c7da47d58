/*
 * route.c
 *		Parses route patterns and paths, and writes canonical patterns.
 *
 * Owns the spelling of routes.  Never allocates, never repairs a path, never
 * guesses: text with more than one reading is a fault, and a fault means
 * denied.
 *
 * Threat: paths that two programs read differently, by path parameters (";",
 * Tomcat), double decoding ("%2F", "%25"), double slashes, backslashes, control
 * characters; other spellings are route_segment.c's.
 */
#include <string.h>

#include "routes/route.h"
#include "routes/route_segment.h"
#include "text/unicode.h"

/* The longest canonical spelling has three characters for each byte of the pattern. */
_Static_assert(3 * ROUTE_PATTERN_MAX <= ROUTE_PATH_MAX, "canonical patterns fit where paths do");

/* Why a byte is forbidden in a segment, raw or decoded; check_byte() decides on '%' and '$'. */
static const uint8_t byte_faults[256] = {[0 ... 0x1f] = ROUTE_CONTROL,
										 [0x7f] = ROUTE_CONTROL,
										 ['\\'] = ROUTE_BACKSLASH,
										 [';'] = ROUTE_SEMICOLON,
										 ['?'] = ROUTE_QUERY,
										 ['#'] = ROUTE_QUERY,
										 ['$'] = ROUTE_STREAM,
										 ['%'] = ROUTE_BAD_ESCAPE};

/* Why a byte written as %XX is forbidden. */
static RouteFault
escaped_fault(unsigned char byte)
{
	if (byte == '/' || byte == '.' || byte == '%')
		return ROUTE_ENCODED;
	return byte_faults[byte] == ROUTE_QUERY ? ROUTE_OK : (RouteFault) byte_faults[byte];
}

/* For a byte of byte_faults, just before *at: decodes %XX, moving *at past it; refuses '$' only after a colon. */
static RouteFault
check_byte(Slice src, size_t *at, unsigned char *byte, bool behind_colon)
{
	RouteFault fault = (RouteFault) byte_faults[*byte];

	if (*byte == '%')
	{
		if (src.length - *at < 2 || !bytes_hex_decode((Slice){src.data + *at, 2}, byte, 1))
			return ROUTE_BAD_ESCAPE;
		*at += 2;
		fault = escaped_fault(*byte);
	}
	return fault == ROUTE_STREAM && !behind_colon ? ROUTE_OK : fault;
}

/* Hashes eight bytes at a time; key_hash() does the final mixing. */
static uint64_t
literal_hash(Slice text)
{
	uint64_t hash = text.length;
	uint64_t word;
	size_t n;

	for (; text.length > 0; hash ^= hash >> 32)
	{
		word = 0;
		n = text.length < sizeof(word) ? text.length : sizeof(word);
		memcpy(&word, text.data, n);
		text = slice_after(text, n);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return hash;
}

static RouteFault
add_segment(RoutePath *out, Slice segment)
{
	if (out->nsegments == ROUTE_SEGMENTS_MAX)
		return ROUTE_TOO_LONG;
	out->segment[out->nsegments] = segment;
	out->hash[out->nsegments++] = literal_hash(segment);
	return ROUTE_OK;
}

/* Appends src, decoded, to out->text at *used; it never grows. */
static RouteFault
add_literal(RoutePath *out, size_t *used, Slice src)
{
	char *text = out->text + *used;
	size_t length = 0;
	size_t at = 0;
	unsigned char high = 0;
	RouteFault fault = ROUTE_OK;

	while (at < src.length)
	{
		unsigned char byte = (unsigned char) src.data[at++];

		if (byte_faults[byte] != ROUTE_OK)
			fault = check_byte(src, &at, &byte, length > 0 && text[length - 1] == ':');
		if (fault != ROUTE_OK)
			return fault;
		high |= byte;
		text[length++] = (char) byte;
	}
	fault = segment_fault((Slice){text, length}, high >= 0x80);
	if (fault != ROUTE_OK)
		return fault;
	*used += length;
	return add_segment(out, (Slice){text, length});
}

/* {name}, where name is a C identifier; any other text in braces is refused. */
static bool
is_parameter(Slice src)
{
	size_t i;

	if (src.length < 3 || src.data[0] != '{' || src.data[src.length - 1] != '}')
		return false;
	for (i = 1; i < src.length - 1; i++)
	{
		char c = src.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && (i == 1 || c < '0' || c > '9'))
			return false;
	}
	return true;
}

/* A segment of a pattern: ** (only as the last), {name}, or a literal. */
static RouteFault
add_pattern_segment(RoutePath *out, size_t *used, Slice src, bool last)
{
	if (last && slice_equal(src, slice_of("**")))
	{
		out->rest = true;
		return ROUTE_OK;
	}
	if (is_parameter(src))
		return add_segment(out, (Slice){NULL, 0});
	if (memchr(src.data, '{', src.length) != NULL || memchr(src.data, '}', src.length) != NULL)
		return ROUTE_BAD_PARAMETER;
	if (memchr(src.data, '*', src.length) != NULL)
		return ROUTE_BAD_WILDCARD;
	return add_literal(out, used, src);
}

/* text begins with a slash and ends without one, except for "/" and a final "//". */
static RouteFault
parse_segments(Slice text, bool pattern, RoutePath *out)
{
	size_t used = 0;
	size_t at = 1;

	while (at < text.length)
	{
		Slice src = slice_after(text, at);
		const char *slash = memchr(src.data, '/', src.length);
		RouteFault fault;

		if (slash != NULL)
			src.length = (size_t) (slash - src.data);
		if (src.length == 0)
			return ROUTE_EMPTY_SEGMENT;
		fault = pattern ? add_pattern_segment(out, &used, src, slash == NULL) : add_literal(out, &used, src);
		if (fault != ROUTE_OK)
			return fault;
		at += src.length + 1;
	}
	return ROUTE_OK;
}

/* The code of a request may contain any visible character; if no pattern can spell it, it matches nothing. */
static RouteFault
parse_code(Slice code, RoutePath *out)
{
	RouteFault fault;
	size_t i;

	for (i = 0; i < code.length; i++)
		if (byte_faults[(unsigned char) code.data[i]] == ROUTE_CONTROL)
			return ROUTE_CONTROL;
	fault = uni_is_ascii(code) ? ROUTE_OK : segment_unicode_fault(code);
	if (fault != ROUTE_OK)
		return fault;
	memcpy(out->text, code.data, code.length);
	out->is_code = true;
	return add_segment(out, (Slice){out->text, code.length});
}

/* A code in a pattern must not look like a path or like syntax. */
static RouteFault
parse_pattern_code(Slice code, RoutePath *out)
{
	static const char forbidden[] = " /{}*?#%\\";
	size_t i;

	for (i = 0; i < code.length; i++)
		if (memchr(forbidden, code.data[i], sizeof(forbidden) - 1) != NULL)
			return ROUTE_BAD_CODE;
	return parse_code(code, out);
}

/* No segments yet; the large members need no clearing. */
static void
reset(RoutePath *out)
{
	out->is_code = false;
	out->nsegments = 0;
	out->rest = false;
}

/* True for "/a/", but not for "/" and "//", which have rules of their own. */
static bool
has_trailing_slash(Slice text)
{
	return text.length > 1 && text.data[text.length - 1] == '/' && text.data[text.length - 2] != '/';
}

/* Stricter than for paths, because a rule that never matches is a security hole. */
RouteFault
route_parse_pattern(Slice pattern, RoutePath *out)
{
	reset(out);
	if (pattern.length == 0)
		return ROUTE_EMPTY;
	if (pattern.length > ROUTE_PATTERN_MAX)
		return ROUTE_TOO_LONG;
	if (pattern.data[0] != '/')
		return parse_pattern_code(pattern, out);
	if (has_trailing_slash(pattern))
		return ROUTE_TRAILING_SLASH;
	return parse_segments(pattern, true, out);
}

/* The query is dropped before the length is checked. */
RouteFault
route_parse_path(Slice path, RoutePath *out)
{
	const char *query;

	reset(out);
	if (path.length == 0)
		return ROUTE_EMPTY;
	query = path.data[0] == '/' ? memchr(path.data, '?', path.length) : NULL;
	if (query != NULL)
		path.length = (size_t) (query - path.data);
	if (path.length > ROUTE_PATH_MAX)
		return ROUTE_TOO_LONG;
	if (path.data[0] != '/')
		return parse_code(path, out);
	if (has_trailing_slash(path))
		path.length--;
	return parse_segments(path, false, out);
}

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
		[ROUTE_FINAL_DOT] = "A segment of a route cannot end with a dot.",
		[ROUTE_SPACE] = "A segment of a route cannot begin or end with white space, percent-encoded or not.",
		[ROUTE_CONTROL] = "A route cannot contain control characters, percent-encoded or not.",
		[ROUTE_BACKSLASH] = "A route cannot contain a backslash, percent-encoded or not.",
		[ROUTE_SEMICOLON] = "A route cannot contain a semicolon, percent-encoded or not.",
		[ROUTE_STREAM] = "A route cannot contain \":$\", percent-encoded or not.",
		[ROUTE_ENCODED] = "A route cannot contain a percent-encoded slash, dot or percent sign.",
		[ROUTE_NOT_UTF8] = "A route must be UTF-8, percent-encoded or not.",
		[ROUTE_NOT_NFC] = "A route must be in Unicode's normal form C (NFC).",
		[ROUTE_NONCHARACTER] = "A route cannot contain code points that are no characters, such as U+FFFE.",
		[ROUTE_INVISIBLE] = "A route cannot contain invisible characters, except in emoji sequences.",
		[ROUTE_LOOKALIKE] = "A route cannot contain characters that are taken for one of . / \\ % ;.",
		[ROUTE_BAD_ESCAPE] = "A percent sign must be followed by two hexadecimal digits.",
		[ROUTE_QUERY] = "A route cannot contain a query string or a fragment; write \"?\" as %3F and \"#\" as %23.",
		[ROUTE_BAD_PARAMETER] = "Braces must enclose a whole segment, as in /orders/{id}; "
								"the name has ASCII letters, digits and underscores and does not begin with a digit.",
		[ROUTE_BAD_WILDCARD] = "An asterisk can stand only in a last segment **, as in /orders/**.",
		[ROUTE_BAD_CODE] = "A route without a leading slash is a code and cannot contain a slash, "
						   "white space, a backslash, or one of {}*?#%."};

	if ((unsigned) fault >= sizeof(texts) / sizeof(texts[0]))
		return "The route is not valid.";
	return texts[fault];
}

/* Writes a literal; bytes that look like syntax and non-ASCII bytes become %XX. */
static size_t
spell_literal(Slice text, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char syntax[] = "{}*?#";
	size_t n = 0;
	size_t i;

	for (i = 0; i < text.length; i++)
	{
		unsigned char byte = (unsigned char) text.data[i];

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

/* Spellings are equal exactly for patterns that route_trie_add treats as equal. */
size_t
route_canonical(const RoutePath *pattern, char *out)
{
	size_t n = 0;
	int i;

	if (pattern->is_code)
		return spell_literal(pattern->segment[0], out);
	for (i = 0; i < pattern->nsegments; i++)
	{
		out[n++] = '/';
		if (pattern->segment[i].data != NULL)
			n += spell_literal(pattern->segment[i], out + n);
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
