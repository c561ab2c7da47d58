/*
 * bytes.h
 *		Encodings and comparisons of secrets; libc only.
 */
#ifndef DJUST_BYTES_H
#define DJUST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Size that holds n bytes in base64url without padding (no NUL counted). */
#define B64URL_LENGTH(n) (((n) * 4 + 2) / 3)

/* Constant time: depends only on n. */
extern bool bytes_equal(const void *a, const void *b, size_t n);

/* Cannot be optimised away. */
extern void bytes_wipe(void *p, size_t n);

/* RFC 4648 section 5, no padding, no NUL; returns the characters written, B64URL_LENGTH(n). */
extern size_t b64url_encode(const uint8_t *src, size_t n, char *dst);

/* Strict: no padding, no other characters, no spare bits; false otherwise, or if it does not fit in cap. */
extern bool b64url_decode(const char *src, size_t n, uint8_t *dst, size_t cap, size_t *length);

/* RFC 4648 section 4: padding is optional, '.' is read as '+' (passlib's ab64), spare bits must be zero. */
extern bool b64_decode(const char *src, size_t n, uint8_t *dst, size_t cap, size_t *length);

/* Standard alphabet without padding (PHC strings); returns the characters written. */
extern size_t b64_encode(const uint8_t *src, size_t n, char *dst);

/* Lower-case hexadecimal; dst takes 2 * n characters, no NUL. */
extern void bytes_hex_encode(const uint8_t *src, size_t n, char *dst);

/* Exactly 2 * n hexadecimal digits of either case; false otherwise. */
extern bool bytes_hex_decode(const char *src, size_t length, uint8_t *dst, size_t n);

#endif
