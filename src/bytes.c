/*
 * bytes.c
 *		Encodings and comparisons of secrets; libc only.
 *
 * Owns: base64url, base64, hexadecimal, the comparison and the wiping of
 * secrets.  It never allocates, never logs, and never trusts a terminating
 * NUL: every length is an argument.
 *
 * Threats: a comparison whose time tells how much of a guess was right; a
 * wipe that the compiler removes; a token with a second spelling that decodes
 * to the same bytes and so slips past whatever remembers the first.
 */
#include <string.h>

#include "bytes.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hexdigits[] = "0123456789abcdef";

/* Reads every byte whatever it finds; volatile keeps the compiler from an early exit. */
bool
bytes_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint8_t		differences = 0;
	size_t		i;

	for (i = 0; i < n; i++)
		differences |= x[i] ^ y[i];
	return differences == 0;
}

/* A NULL of no length is allowed, which explicit_bzero does not promise. */
void
bytes_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

/* Writes no padding: two or three characters for a last group of one or two bytes. */
static size_t
encode(const char *alphabet, const uint8_t *src, size_t n, char *dst)
{
	uint32_t	pending = 0;
	unsigned	bits = 0;
	size_t		length = 0;
	size_t		i;

	for (i = 0; i < n; i++)
	{
		pending = (pending << 8 | src[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			dst[length++] = alphabet[pending >> (bits - 6) & 0x3f];
	}
	if (bits > 0)
		dst[length++] = alphabet[pending << (6 - bits) & 0x3f];
	return length;
}

/* -1 for a character that is not in the alphabet, whose last two are given. */
static int
digit_value(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == c62)
		return 62;
	return c == c63 ? 63 : -1;
}

/*
 * Unpadded base64.  The room is checked before the first write, and the bits
 * left over at the end must be zero (RFC 4648 section 3.5), so that bytes have
 * one spelling.  dot_is_plus reads '.' as the character before the last.
 */
static bool
decode(const char *src, size_t n, const char *alphabet, bool dot_is_plus, uint8_t *dst, size_t cap, size_t *length)
{
	uint32_t	pending = 0;
	unsigned	bits = 0;
	size_t		used = 0;
	size_t		i;

	if (n % 4 == 1 || n / 4 * 3 + n % 4 * 3 / 4 > cap)
		return false;
	for (i = 0; i < n; i++)
	{
		char		c = dot_is_plus && src[i] == '.' ? alphabet[62] : src[i];
		int			value = digit_value(c, alphabet[62], alphabet[63]);

		if (value < 0)
			return false;
		pending = pending << 6 | (uint32_t) value;
		bits += 6;
		if (bits >= 8)
		{
			bits -= 8;
			dst[used++] = (uint8_t) (pending >> bits);
			pending &= (1U << bits) - 1;
		}
	}
	if (pending != 0)
		return false;
	*length = used;
	return true;
}

/* Tokens and keys. */
size_t
b64url_encode(const uint8_t *src, size_t n, char *dst)
{
	return encode(urlsafe, src, n, dst);
}

/* The only reading of tokens: what is not exactly the encoding of some bytes is refused. */
bool
b64url_decode(const char *src, size_t n, uint8_t *dst, size_t cap, size_t *length)
{
	return decode(src, n, urlsafe, false, dst, cap, length);
}

/* Padding counts only where it completes a group of four; any other '=' is a foreign character. */
bool
b64_decode(const char *src, size_t n, uint8_t *dst, size_t cap, size_t *length)
{
	size_t		padding = 0;

	if (n > 0 && n % 4 == 0)
		while (padding < 2 && src[n - 1 - padding] == '=')
			padding++;
	return decode(src, n - padding, standard, true, dst, cap, length);
}

/* PHC strings. */
size_t
b64_encode(const uint8_t *src, size_t n, char *dst)
{
	return encode(standard, src, n, dst);
}

/* Log lines and fingerprints. */
void
bytes_hex_encode(const uint8_t *src, size_t n, char *dst)
{
	size_t		i;

	for (i = 0; i < n; i++)
	{
		dst[2 * i] = hexdigits[src[i] >> 4];
		dst[2 * i + 1] = hexdigits[src[i] & 0x0f];
	}
}

/* -1 for what is not a hexadecimal digit. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The length is compared by division: 2 * n could wrap. */
bool
bytes_hex_decode(const char *src, size_t length, uint8_t *dst, size_t n)
{
	size_t		i;

	if (length % 2 != 0 || length / 2 != n)
		return false;
	for (i = 0; i < n; i++)
	{
		int			high = hex_value(src[2 * i]);
		int			low = hex_value(src[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		dst[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}
