/*
 * route.h
 *		Route patterns and the paths they match, in UTF-8; pure, over caller's
 *		memory.
 *
 * Pattern:  "/" | "/seg/seg..." where seg is a literal or {name}, optionally
 * ended by a last segment ** (the rest, which may be empty); or a code, which
 * does not begin with a slash and matches only itself.
 *
 * Literals and paths are compared after percent-decoding, so that /%6Frders
 * cannot bypass a rule for /orders.  Paths that another program could read
 * differently are denied, not cleaned.
 */
#ifndef DJUST_ROUTE_H
#define DJUST_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/bytes.h"

#define ROUTE_PATTERN_MAX 1024 /* bytes */
#define ROUTE_PATH_MAX 8192 /* longer paths are denied */
#define ROUTE_SEGMENTS_MAX 128 /* more are denied in paths, refused in patterns */

typedef enum RouteFault
{
	ROUTE_OK,
	ROUTE_EMPTY, /* no characters */
	ROUTE_TOO_LONG, /* too many bytes or segments */
	ROUTE_EMPTY_SEGMENT, /* "//" */
	ROUTE_TRAILING_SLASH, /* patterns only: "/a/" */
	ROUTE_DOT_SEGMENT, /* "." or ".." */
	ROUTE_FINAL_DOT, /* a segment that ends in a dot */
	ROUTE_SPACE, /* Unicode white space at an end of a segment */
	ROUTE_CONTROL, /* control character, including C1 */
	ROUTE_BACKSLASH, /* plain or %5C */
	ROUTE_SEMICOLON, /* plain or %3B */
	ROUTE_STREAM, /* ":$", as in name::$DATA */
	ROUTE_ENCODED, /* %2F, %2E or %25 */
	ROUTE_NOT_UTF8, /* malformed, overlong, surrogates */
	ROUTE_NOT_NFC,
	ROUTE_NONCHARACTER, /* U+FFFE and the like */
	ROUTE_INVISIBLE, /* outside emoji sequences */
	ROUTE_LOOKALIKE, /* compatibility form of . / \ % ; */
	ROUTE_BAD_ESCAPE, /* % without two hexadecimal digits */
	ROUTE_QUERY, /* patterns: '?' or '#'; paths: '#' */
	ROUTE_BAD_PARAMETER, /* '{' or '}' that is not a whole segment {name} */
	ROUTE_BAD_WILDCARD, /* '*' that is not a final whole segment ** */
	ROUTE_BAD_CODE /* a code with a slash, white space or one of {}*?#%\ */
} RouteFault;

/* A parsed path or pattern: segments are slices of the decoded text. */
typedef struct RoutePath
{
	bool is_code;
	int nsegments;
	Slice segment[ROUTE_SEGMENTS_MAX]; /* of text; of a pattern, data is NULL for {name} */
	uint64_t hash[ROUTE_SEGMENTS_MAX]; /* of literals */
	bool rest; /* a pattern that ends in ** */
	char text[ROUTE_PATH_MAX];
} RoutePath;

extern RouteFault route_parse_pattern(Slice pattern, RoutePath *out);
/* Drops the query string and one trailing slash; keeps a code whole.  Any result but ROUTE_OK means denied. */
extern RouteFault route_parse_path(Slice path, RoutePath *out);
/* A full sentence for error messages. */
extern const char *route_fault_text(RouteFault fault);

/*
 * Canonical spelling of a pattern, equal for patterns that match the same paths: {name} becomes {}; literals are
 * decoded, except for %{}*?# and non-ASCII bytes, written as %XX, so that /%7B%7D differs from /{} and the result is
 * valid in any encoding.  out takes ROUTE_PATH_MAX bytes; returns the length.
 */
extern size_t route_canonical(const RoutePath *pattern, char *out);

#endif
