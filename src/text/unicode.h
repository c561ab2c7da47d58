/*
 * unicode.h
 *		Unicode functions for the rules on addresses, passwords and paths;
 *		pure, over libunistring, independent of locale and database encoding.
 *		The prefix is uni_ because the server has functions called unicode_.
 */
#ifndef DJUST_UNICODE_H
#define DJUST_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/bytes.h"

/* NFC, NFD and case mappings are at most this many times as long as their input, in bytes (UAX #15). */
#define UNI_GROWTH 3
#define UNI_NFKC_GROWTH 11

typedef enum UniForm
{
	UNI_NFC,
	UNI_NFD,
	UNI_NFKC /* up to UNI_NFKC_GROWTH times as long */
} UniForm;

/* Length of the code point at text; 0 if there is none: malformed, overlong, a surrogate, truncated, or n is 0. */
extern size_t uni_next(Slice text, uint32_t *c);
/* The same for the code point that ends at text + n. */
extern size_t uni_last(Slice text, uint32_t *c);
/* Number of code points; false if text is not UTF-8. */
extern bool uni_count(Slice text, size_t *characters);

extern bool uni_is_ascii(Slice text);

/* White_Space. */
extern bool uni_is_space(uint32_t c);
/* C0, DEL, C1, line and paragraph separators. */
extern bool uni_is_control(uint32_t c);
/* Never assigned to a character: the last two code points of each plane, U+FDD0 to U+FDEF. */
extern bool uni_is_noncharacter(uint32_t c);
/* Has no visible glyph: default ignorable code points, bidirectional and other format controls, blank symbols. */
extern bool uni_is_invisible(uint32_t c);
/* Assigned in the library's version of Unicode; normal forms of other code points may change with a version. */
extern bool uni_is_assigned(uint32_t c);
/* Combining character. */
extern bool uni_is_mark(uint32_t c);
extern bool uni_is_pictograph(uint32_t c);
extern bool uni_is_emoji(uint32_t c);
extern bool uni_is_emoji_modifier(uint32_t c);
/* True if the compatibility form (NFKC) of this code point contains one of these ASCII characters. */
extern bool uni_is_compatible(uint32_t c, const char *characters);

/* Simple case folding of a code point, always to lower case (even for Cherokee). */
extern uint32_t uni_fold(uint32_t c);

/*
 * Normalises UTF-8; out takes capacity bytes, at most UNI_GROWTH * text.length are needed.  Sets *made to the text in
 * out.  False if text is not UTF-8, out is too small, or memory is exhausted.  Leaves no copy of text elsewhere.
 */
extern bool uni_normalize(UniForm form, Slice text, char *out, size_t capacity, Slice *made);
/* Lower case, code point by code point: a final sigma stays one.  The result may not be normalised. */
extern bool uni_lower(Slice text, char *out, size_t capacity, Slice *made);
/* NFC with every code point folded; idempotent.  work and out take capacity bytes each. */
extern bool uni_normalize_folded(Slice text, char *work, char *out, size_t capacity, Slice *made);

#endif
