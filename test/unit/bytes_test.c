/*
 * bytes_test.c
 *		Encodings against RFC 4648 section 10, and every spelling that must be
 *		refused.
 */
#include <stdlib.h>

#include "text/bytes.h"
#include "check.h"

/* Text is decoded into a block of exactly this size, so that the sanitizer sees one byte too many. */
static bool
decodes_in(bool urlsafe, const char *text, size_t cap, const char *expected, size_t expected_length)
{
	uint8_t *out = malloc(cap > 0 ? cap : 1);
	size_t length = 0;
	bool good;

	good = b64_decode(urlsafe ? BASE64_URL : BASE64_STANDARD, slice_of(text), out, cap, &length) &&
		   length == expected_length && memcmp(out, expected, length) == 0;
	free(out);
	return good;
}

/* As many bytes of room as are expected. */
static bool
decodes(bool urlsafe, const char *text, const char *expected)
{
	return decodes_in(urlsafe, text, strlen(expected), expected, strlen(expected));
}

/* Refused, and the length untouched. */
static bool
refused(bool urlsafe, const char *text)
{
	uint8_t out[64];
	size_t length = 99;

	return !b64_decode(urlsafe ? BASE64_URL : BASE64_STANDARD, slice_of(text), out, sizeof(out), &length) &&
		   length == 99;
}

/* Exactly this text and length. */
static bool
encodes(bool urlsafe, const void *bytes, size_t n, const char *expected)
{
	char out[64];
	size_t length = b64_encode(urlsafe ? BASE64_URL : BASE64_STANDARD, bytes, n, out);

	return length == strlen(expected) && length == B64URL_LENGTH(n) && memcmp(out, expected, length) == 0;
}

/* RFC 4648 section 10. */
static void
test_base64_vectors(void)
{
	static const struct
	{
		const char *plain;
		const char *padded;
		const char *bare;
	} vectors[] = {{"", "", ""},
				   {"f", "Zg==", "Zg"},
				   {"fo", "Zm8=", "Zm8"},
				   {"foo", "Zm9v", "Zm9v"},
				   {"foob", "Zm9vYg==", "Zm9vYg"},
				   {"fooba", "Zm9vYmE=", "Zm9vYmE"},
				   {"foobar", "Zm9vYmFy", "Zm9vYmFy"}};
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		CHECK_THAT(encodes(true, vectors[i].plain, strlen(vectors[i].plain), vectors[i].bare), vectors[i].bare);
		CHECK_THAT(encodes(false, vectors[i].plain, strlen(vectors[i].plain), vectors[i].bare), vectors[i].bare);
		CHECK_THAT(decodes(true, vectors[i].bare, vectors[i].plain), vectors[i].bare);
		CHECK_THAT(decodes(false, vectors[i].bare, vectors[i].plain), vectors[i].bare);
		CHECK_THAT(decodes(false, vectors[i].padded, vectors[i].plain), vectors[i].padded);
	}
}

/* RFC 7515 appendix C: octets that need both special characters and no padding. */
static void
test_alphabets(void)
{
	static const uint8_t octets[] = {3, 236, 255, 224, 193};

	CHECK(encodes(true, octets, sizeof(octets), "A-z_4ME"));
	CHECK(encodes(false, octets, sizeof(octets), "A+z/4ME"));
	CHECK(decodes_in(true, "A-z_4ME", 5, (const char *) octets, 5));
	CHECK(decodes_in(false, "A+z/4ME", 5, (const char *) octets, 5));
	CHECK(decodes_in(false, "A+z/4ME=", 5, (const char *) octets, 5));
	CHECK(decodes_in(false, "A.z/4ME", 5, (const char *) octets, 5));
	CHECK(refused(true, "A+z/4ME"));
	CHECK(refused(true, "A.z_4ME"));
	CHECK(refused(false, "A-z_4ME"));
}

/* libjwt's list of base64url attacks: padding, foreign characters, spare bits. */
static void
test_base64_refusals(void)
{
	static const char *const both[] = {"A",     "AAAAA", /* no byte ends there */
									   "Zh",    "Zm9vYh", "Zm9", /* spare bits: of two, of two after a group, of four */
									   "Zg=",   "Zg===",  "=",        "==",       "===",  "====",    "Z===",
									   "Zm9v=", "Zm9v==", "Zm9v====", "Zg==Zg==", "Z=g=", " Zg",     "Zg ",
									   "Zg\n",  "Z g",    "Zm9v\n",   "Zm\t9v",   "Zm9*", "Zm9\xff", "Zm9\x80",
									   "Zm9@",  "Zm9[",   "Zm9`",     "Zm9{",     "Zm9:"};
	size_t i;

	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++)
	{
		CHECK_THAT(refused(true, both[i]), both[i]);
		CHECK_THAT(refused(false, both[i]), both[i]);
	}
	CHECK(refused(true, "Zg=="));
	CHECK(refused(true, "Zm8="));
	CHECK(refused(false, "Zh=="));
	CHECK(refused(false, "Zm9="));
}

/* A NUL is a foreign character, not an end. */
static void
test_embedded_nul(void)
{
	uint8_t out[8];
	size_t length;

	CHECK(!b64_decode(BASE64_URL, (Slice){"Zm9v\0Zm9", 8}, out, sizeof(out), &length));
	CHECK(!b64_decode(BASE64_STANDARD, (Slice){"Zg\0=", 4}, out, sizeof(out), &length));
}

/* The room is counted before anything is written. */
static void
test_room(void)
{
	CHECK(!decodes_in(true, "Zm9v", 2, "foo", 3));
	CHECK(!decodes_in(true, "Zm9vYg", 3, "foob", 4));
	CHECK(!decodes_in(false, "Zm9vYg==", 3, "foob", 4));
	CHECK(!decodes_in(true, "Zg", 0, "f", 1));
	CHECK(decodes_in(true, "", 0, "", 0));
	CHECK(decodes_in(true, "Zm9v", 9, "foo", 3));
}

/* Every length and every last byte comes back. */
static void
test_round_trip(void)
{
	uint8_t bytes[5] = {0x00, 0xff, 0x10, 0x83, 0};
	uint8_t back[5];
	char text[8];
	size_t n;
	size_t length;
	int last;
	bool good = true;

	for (n = 1; n <= sizeof(bytes); n++)
	{
		for (last = 0; last < 256; last++)
		{
			bytes[n - 1] = (uint8_t) last;
			length = b64_encode(BASE64_URL, bytes, n, text);
			good = good && b64_decode(BASE64_URL, (Slice){text, length}, back, n, &length) && length == n &&
				   memcmp(back, bytes, n) == 0;
		}
	}
	CHECK(good);
}

/* One byte has one spelling: of 64 second characters four are left. */
static void
test_one_spelling(void)
{
	const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[3] = "AA";
	uint8_t out[2];
	size_t length;
	int accepted = 0;
	int i;

	for (i = 0; i < 64; i++)
	{
		text[1] = alphabet[i];
		if (b64_decode(BASE64_URL, (Slice){text, 2}, out, sizeof(out), &length))
			accepted++;
	}
	CHECK(accepted == 4);
}

/* RFC 4648 section 10, base16. */
static void
test_hex(void)
{
	char text[13];
	uint8_t out[6];

	bytes_hex_encode((const uint8_t *) "foobar", 6, text);
	CHECK(strcmp(text, "666f6f626172") == 0);
	CHECK(bytes_hex_decode((Slice){"666F6f626172", 12}, out, 6) && memcmp(out, "foobar", 6) == 0);
	CHECK(bytes_hex_decode((Slice){"aBcDeF", 6}, out, 3) && memcmp(out, "\xab\xcd\xef", 3) == 0);
	CHECK(bytes_hex_decode((Slice){"", 0}, out, 0));
	CHECK(!bytes_hex_decode((Slice){"666f6", 5}, out, 2));
	CHECK(!bytes_hex_decode((Slice){"666f6f", 6}, out, 2));
	CHECK(!bytes_hex_decode((Slice){"666f", 4}, out, 3));
	CHECK(!bytes_hex_decode((Slice){"66 f", 4}, out, 2));
	CHECK(!bytes_hex_decode((Slice){"6g", 2}, out, 1));
	CHECK(!bytes_hex_decode((Slice){"0x", 2}, out, 1));
	CHECK(!bytes_hex_decode((Slice){"6\0", 2}, out, 1));
	CHECK(!bytes_hex_decode((Slice){"", 0}, out, ((size_t) -1) / 2 + 1));
}

static int
value_of(int c)
{
	const char *found = c == 0 ? NULL : strchr("0123456789abcdefABCDEF", c);
	int value = found ? (int) (found - "0123456789abcdefABCDEF") : -1;

	return value < 16 ? value : value - 6;
}

/* Every byte as the first and as the second of two digits. */
static void
test_hex_digits(void)
{
	uint8_t out;
	int c;
	bool good = true;

	for (c = 0; c < 256; c++)
	{
		char first[] = {(char) c, '5'};
		char second[] = {'5', (char) c};
		int value = value_of(c);

		good = good && bytes_hex_decode((Slice){first, 2}, &out, 1) == (value >= 0) &&
			   (value < 0 || out == 16 * value + 5) && bytes_hex_decode((Slice){second, 2}, &out, 1) == (value >= 0) &&
			   (value < 0 || out == 16 * 5 + value);
	}
	CHECK(good);
}

/* A difference in any byte is seen. */
static void
test_equal(void)
{
	uint8_t a[33];
	uint8_t b[33];
	size_t i;
	bool good = true;

	memset(a, 0x5a, sizeof(a));
	memset(b, 0x5a, sizeof(b));
	CHECK(bytes_equal(a, b, sizeof(a)));
	CHECK(bytes_equal(NULL, NULL, 0));
	for (i = 0; i < sizeof(a); i++)
	{
		b[i] ^= 1 << i % 8;
		good = good && !bytes_equal(a, b, sizeof(a)) && bytes_equal(a, b, i);
		b[i] = a[i];
	}
	CHECK(good);
}

/* Exactly the bytes named. */
static void
test_wipe(void)
{
	uint8_t secret[5] = {1, 2, 3, 4, 5};

	bytes_wipe(secret + 1, 3);
	CHECK(memcmp(secret, "\1\0\0\0\5", 5) == 0);
	bytes_wipe(NULL, 0);
}

int
main(void)
{
	test_base64_vectors();
	test_alphabets();
	test_base64_refusals();
	test_embedded_nul();
	test_room();
	test_round_trip();
	test_one_spelling();
	test_hex();
	test_hex_digits();
	test_equal();
	test_wipe();
	return finish();
}
