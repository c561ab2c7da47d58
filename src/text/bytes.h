/*
 * bytes.h
 *		Slices of text, encodings, and comparisons of secrets; libc only.
 */
#ifndef DJUST_BYTES_H
#define DJUST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A text with its length: not NUL-terminated, may contain NULs. */
typedef struct Slice
{
	const char *data;
	size_t length;
} Slice;

static inline Slice
slice_of(const char *text)
{
	return (Slice){text, strlen(text)};
}

static inline Slice
slice_after(Slice text, size_t n)
{
	return (Slice){text.data + n, text.length - n};
}

/* Not for secrets of others: the time depends on the first difference. */
static inline bool
slice_equal(Slice a, Slice b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool
slice_begins(Slice text, const char *prefix)
{
	return strlen(prefix) <= text.length && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

/* Size that holds n bytes in base64url without padding (no NUL counted). */
#define B64URL_LENGTH(n) (((n) *4 + 2) / 3)

/* Constant time: depends only on n. */
extern bool bytes_equal(const void *a, const void *b, size_t n);

/* Cannot be optimised away. */
extern void bytes_wipe(void *p, size_t n);

/* The alphabets of RFC 4648: section 5 for tokens and keys, section 4 as password hashes spell it. */
typedef enum Base64
{
	BASE64_URL,
	BASE64_STANDARD
} Base64;

/* No padding, no NUL; returns the number of characters written, B64URL_LENGTH(n). */
extern size_t b64_encode(Base64 alphabet, const uint8_t *src, size_t n, char *dst);

/*
 * False if there are other characters or spare bits, or it does not fit in cap.  With BASE64_STANDARD padding is
 * optional, and '.' is read as '+' (passlib's ab64).
 */
extern bool b64_decode(Base64 alphabet, Slice text, uint8_t *dst, size_t cap, size_t *length);

/* Lower-case hexadecimal, NUL-terminated: dst takes 2 * n + 1 bytes. */
extern void bytes_hex_encode(const uint8_t *src, size_t n, char *dst);

/* Exactly 2 * n hexadecimal digits of either case; false otherwise. */
extern bool bytes_hex_decode(Slice text, uint8_t *dst, size_t n);

#endif
