/* bytes_fuzz.c: bytes come back from every encoding, and text that decodes has one spelling. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "text/bytes.h"

static uint8_t raw[4096];
static char text[2 * sizeof(raw)];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *given = (const char *) data;
	size_t n = 0, i;

	if (size > sizeof(raw) / 2)
		return 0;
	if (b64_decode(BASE64_URL, (Slice){given, size}, raw, sizeof(raw), &n))
		assert(b64_encode(BASE64_URL, raw, n, text) == size && memcmp(text, data, size) == 0);
	if (b64_decode(BASE64_STANDARD, (Slice){given, size}, raw, sizeof(raw), &n))
		assert(b64_encode(BASE64_STANDARD, raw, n, text) <= size &&
			   (size == 0 || text[0] == (given[0] == '.' ? '+' : given[0])));
	bytes_hex_encode(raw, bytes_hex_decode((Slice){given, size}, raw, size / 2) ? size / 2 : 0, text);
	for (i = 0; size % 2 == 0 && i < size && bytes_hex_decode((Slice){given, size}, raw, size / 2); i++)
		assert(text[i] == tolower(data[i]));
	b64_encode(BASE64_URL, data, size, text);
	assert(b64_decode(BASE64_URL, (Slice){text, B64URL_LENGTH(size)}, raw, size, &n) && n == size &&
		   bytes_equal(raw, data, n));
	assert(size == 0 || !b64_decode(BASE64_URL, (Slice){text, B64URL_LENGTH(size)}, raw, size - 1, &n));
	n = b64_encode(BASE64_STANDARD, data, size, text);
	assert(b64_decode(BASE64_STANDARD, (Slice){text, n}, raw, size, &n) && n == size && bytes_equal(raw, data, n));
	return 0;
}
