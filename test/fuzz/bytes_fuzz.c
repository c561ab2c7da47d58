/* bytes_fuzz.c: bytes come back from every encoding, text that decodes has one spelling, and any difference is seen. */
#include <ctype.h>

#include "fuzz.h"

static uint8_t raw[FUZZ_MAX];
static char text[2 * sizeof(raw) + 1];

/* What decodes is what would be encoded; a byte too little room is refused. */
static void
check_text(Slice given)
{
	size_t n = 0;
	size_t i;

	if (b64_decode(BASE64_URL, given, raw, sizeof(raw), &n))
	{
		assert(b64_encode(BASE64_URL, raw, n, text) == given.length && memcmp(text, given.data, given.length) == 0);
		assert(n == 0 || !b64_decode(BASE64_URL, given, raw, n - 1, &n));
	}
	if (b64_decode(BASE64_STANDARD, given, raw, sizeof(raw), &n))
	{
		assert(b64_encode(BASE64_STANDARD, raw, n, text) <= given.length &&
			   given.length - b64_encode(BASE64_STANDARD, raw, n, text) <= 2);
		for (i = 0; i < B64URL_LENGTH(n); i++)
			assert(text[i] == (given.data[i] == '.' ? '+' : given.data[i]));
	}
	if (bytes_hex_decode(given, raw, given.length / 2))
	{
		bytes_hex_encode(raw, given.length / 2, text);
		assert(given.length % 2 == 0 && strlen(text) == given.length);
		for (i = 0; i < given.length; i++)
			assert(text[i] == tolower(given.data[i]));
	}
}

static void
check_bytes(const uint8_t *data, size_t size)
{
	Base64 alphabet;
	size_t n = 0;

	for (alphabet = BASE64_URL; alphabet <= BASE64_STANDARD; alphabet++)
	{
		assert(b64_encode(alphabet, data, size, text) == B64URL_LENGTH(size));
		assert(b64_decode(alphabet, (Slice){text, B64URL_LENGTH(size)}, raw, size, &n) && n == size);
		assert(bytes_equal(raw, data, n) && memcmp(raw, data, n) == 0);
	}
	bytes_hex_encode(data, size, text);
	assert(bytes_hex_decode(slice_of(text), raw, size) && bytes_equal(raw, data, size));
	if (size == 0)
		return;
	n = choose((Slice){(const char *) data, size}, 8 * size);
	raw[n / 8] ^= (uint8_t) (1 << n % 8);
	assert(!bytes_equal(raw, data, size));
	bytes_wipe(raw, size);
	for (n = 0; n < size; n++)
		assert(raw[n] == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	assert(size <= sizeof(raw));
	check_text((Slice){(const char *) data, size});
	check_bytes(data, size);
	return 0;
}
