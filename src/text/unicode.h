/*
 * unicode.h
 *		What the rules for addresses, passwords and paths ask of Unicode; pure,
 *		over libunistring, so that no locale and no encoding of a database takes
 *		part.  Names begin with uni_: the server has functions called unicode_.
 */
#ifndef DJUST_UNICODE_H
#define DJUST_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NFC, NFD and letters in the other case are never longer than this many times their input, in bytes (UAX #15). */
#define UNI_GROWTH 3

typedef enum UniForm
{
	UNI_NFC,
	UNI_NFD
} UniForm;

/* The code point at text and its length; 0 if there is none: malformed, overlong, a surrogate, cut off, or n is 0. */
extern size_t uni_next(const char *text, size_t n, uint32_t *c);
/* The same for the code point that ends at text + n. */
extern size_t uni_last(const char *text, size_t n, uint32_t *c);
/* Number of code points; false if text is not UTF-8. */
extern bool uni_count(const char *text, size_t n, size_t *characters);

extern bool uni_is_ascii(const char *text, size_t n);

/* White_Space. */
extern bool uni_is_space(uint32_t c);
/* C0, DEL, C1, and the separators of lines and paragraphs. */
extern bool uni_is_control(uint32_t c);
/* Set aside by Unicode for no character ever: the last two of each plane, U+FDD0 to U+FDEF. */
extern bool uni_is_noncharacter(uint32_t c);
/* Shows nothing of itself: default ignorable code points, bidirectional and other format controls, blank symbols. */
extern bool uni_is_invisible(uint32_t c);
/* Assigned in the version of Unicode that the library knows; normal forms of others may change with a version. */
extern bool uni_is_assigned(uint32_t c);
/* Combining: belongs to the character before it. */
extern bool uni_is_mark(uint32_t c);
extern bool uni_is_pictograph(uint32_t c);
extern bool uni_is_emoji(uint32_t c);
extern bool uni_is_emoji_modifier(uint32_t c);
/* Does the compatibility form (NFKC) of this code point hold one of these ASCII characters? */
extern bool uni_is_compatible(uint32_t c, const char *characters);

/* Simple case folding of one code point, to lower case (also for Cherokee). */
extern uint32_t uni_fold(uint32_t c);

/*
 * Normalises UTF-8; out takes capacity bytes, the growth above times n at most.  False if text is not UTF-8,
 * out is too small, or there is no memory.  Nothing of text stays elsewhere.
 */
extern bool uni_normalize(UniForm form, const char *text, size_t n, char *out, size_t capacity, size_t *length);
/* Small letters, code point by code point: a final sigma stays one.  What comes out may be in no normal form. */
extern bool uni_lower(const char *text, size_t n, char *out, size_t capacity, size_t *length);
/* NFC with every code point folded; idempotent.  work and out take capacity bytes each. */
extern bool uni_normalize_folded(const char *text, size_t n, char *work, char *out, size_t capacity, size_t *length);

#endif
