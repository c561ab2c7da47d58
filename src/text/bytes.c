/*
 * bytes.c
 *		Encodings and comparisons of secrets; libc only.
 *
 * Owns: base64url, base64, hexadecimal, the comparison and the wiping of
 * secrets.  Never allocates, never logs, and never relies on a terminating NUL:
 * every length is an argument.
 *
 * Threats: a comparison whose time reveals how much of a guess was right; a
 * wipe that the compiler removes; a second spelling of a token that decodes to
 * the same bytes and bypasses records of the first.
 */
#include <string.h>

#include "text/bytes.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hexdigits[] = "0123456789abcdef";

/* Always reads every byte; volatile prevents an early exit. */
bool
bytes_equal(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a;
	const uint8_t *y = b;
	volatile uint64_t differences = 0;
	uint64_t left;
	uint64_t right;

	for (; n >= sizeof(left); x += sizeof(left), y += sizeof(left), n -= sizeof(left))
	{
		memcpy(&left, x, sizeof(left));
		memcpy(&right, y, sizeof(right));
		differences |= left ^ right;
	}
	for (; n > 0; n--)
		differences |= (uint64_t) (*x++ ^ *y++);
	return differences == 0;
}

/* Accepts NULL if n is 0, which explicit_bzero does not promise. */
void
bytes_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

/* Writes no padding: the last group of one or two bytes becomes two or three characters. */
size_t
b64_encode(Base64 alphabet, const uint8_t *src, size_t n, char *dst)
{
	const char *letters = alphabet == BASE64_URL ? urlsafe : standard;
	size_t length = 0;
	uint32_t bits = 0;
	int held = 0;

	for (; n > 0; n--)
	{
		bits = bits << 8 | *src++;
		for (held += 8; held >= 6; held -= 6)
			dst[length++] = letters[bits >> (held - 6) & 0x3f];
	}
	if (held > 0)
		dst[length++] = letters[bits << (6 - held) & 0x3f];
	return length;
}

/* A character's value, and the alphabets it is in. */
#define DIGIT 0x3f
#define IN_URLSAFE 0x40
#define IN_STANDARD 0x80

/* A table, because branches on random characters would be mispredicted. */
static const uint8_t digits[256] = {
	['+'] = 0xbe, 0x00, 0x7e, 0xbe, 0xbf, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0x00,
	0x00,         0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9,
	0xca,         0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9,
	0x00,         0x00, 0x00, 0x00, 0x7f, 0x00, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xe1, 0xe2, 0xe3,
	0xe4,         0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf2, 0xf3};

/*
 * Checks the capacity before the first write, and that the bits left over are zero (RFC 4648 section 3.5), so that
 * bytes have one spelling.  Padding is accepted only if it completes a group of four; any other '=' is invalid.
 */
bool
b64_decode(Base64 alphabet, Slice text, uint8_t *dst, size_t cap, size_t *length)
{
	size_t n = text.length;
	uint32_t alphabets = IN_URLSAFE | IN_STANDARD;
	uint32_t bits = 0;
	size_t used = 0;
	int held = 0;
	size_t i;

	if (alphabet == BASE64_STANDARD && n % 4 == 0)
		while (n > 0 && text.length - n < 2 && text.data[n - 1] == '=')
			n--;
	if (n % 4 == 1 || n / 4 * 3 + n % 4 * 3 / 4 > cap)
		return false;
	for (i = 0; i < n; i++)
	{
		uint32_t digit = digits[(uint8_t) text.data[i]];

		alphabets &= digit;
		bits = bits << 6 | (digit & DIGIT);
		held += 6;
		if (held >= 8)
			dst[used++] = (uint8_t) (bits >> (held -= 8));
	}
	if ((alphabets & (alphabet == BASE64_URL ? IN_URLSAFE : IN_STANDARD)) == 0 || (bits & ((1u << held) - 1)) != 0)
		return false;
	*length = used;
	return true;
}

void
bytes_hex_encode(const uint8_t *src, size_t n, char *dst)
{
	size_t i;

	for (i = 0; i < n; i++)
	{
		dst[2 * i] = hexdigits[src[i] >> 4];
		dst[2 * i + 1] = hexdigits[src[i] & 0x0f];
	}
	dst[2 * n] = '\0';
}

/*
 * The value of a hexadecimal digit; sets *foreign if c is none.  Constant time, because the master key is read by this:
 * no branch and no table index depends on c.  Negative values wrap, which sets all bits above the lowest eight.
 */
static inline uint32_t
hex_value(uint8_t c, uint32_t *foreign)
{
	uint32_t number = (uint32_t) c ^ '0';
	uint32_t letter = (c & 0xdfu) - 'A';
	uint32_t is_number = (number - 10) >> 8;
	uint32_t is_letter = (~letter & (letter - 6)) >> 8;

	*foreign |= ~(is_number | is_letter) & 0xff;
	return (is_number & number) | (is_letter & (letter + 10));
}

/* The length is compared by division: 2 * n could wrap. */
bool
bytes_hex_decode(Slice text, uint8_t *dst, size_t n)
{
	uint32_t foreign = 0;

	if (text.length % 2 != 0 || text.length / 2 != n)
		return false;
	for (; n > 0; text = slice_after(text, 2), n--)
		*dst++ =
			(uint8_t) (hex_value((uint8_t) text.data[0], &foreign) << 4 | hex_value((uint8_t) text.data[1], &foreign));
	return foreign == 0;
}
