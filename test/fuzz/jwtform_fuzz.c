/* jwtform_fuzz.c: headers have the key id that they were made with, and only payloads that begin as ours do have a session id. */
#include <ctype.h>
#include <stdio.h>

#include "crypto/jwt.h"
#include "fuzz.h"

#define SID "01234567-89ab-cdef-0123-456789abcdef"

/* No other names than those of the four algorithms are known. */
static void
check_name(const char *name)
{
	CryptoAlg alg = ALG_HS256;
	bool known = false;
	int i;

	for (i = ALG_ES256; i <= ALG_EDDSA; i++)
		known |= strcmp(name, crypto_alg_name((CryptoAlg) i)) == 0;
	assert(crypto_alg_from_name(name, &alg) == known && (!known || strcmp(crypto_alg_name(alg), name) == 0));
}

/* A key id of base64url characters makes a header that has it, and any other none. */
static void
check_header(const char *kid)
{
	char header[JWT_HEADER_MAX], json[JWT_HEADER_MAX] = "", expected[JWT_HEADER_MAX];
	size_t n = jwt_header(ALG_EDDSA, kid, header);
	size_t i, length = 0;

	for (i = 0; isalnum((unsigned char) kid[i]) || kid[i] == '-' || kid[i] == '_'; i++)
		;
	assert((n > 0) == (i > 0 && i <= JWT_KID_MAX && kid[i] == '\0'));
	if (n == 0)
		return;
	assert(b64_decode(BASE64_URL, (Slice){header, n}, (uint8_t *) json, sizeof(json) - 1, &length));
	sprintf(expected, "{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"%s\"}", kid);
	assert(length == strlen(expected) && strcmp(json, expected) == 0);
}

/* True for {"sid":"<uuid>", and two more bytes, which all of our payloads have. */
static bool
read_sid(Slice payload, char digits[33])
{
	static const char form[] = "{\"sid\":\"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\",";
	size_t i, n = 0;

	if (payload.length < sizeof(form) - 1 + 2)
		return false;
	for (i = 0; i < sizeof(form) - 1; i++)
	{
		if (form[i] == 'x' ? !isxdigit((unsigned char) payload.data[i]) : payload.data[i] != form[i])
			return false;
		if (form[i] == 'x')
			digits[n++] = (char) tolower(payload.data[i]);
	}
	digits[n] = '\0';
	return true;
}

/* The payload behind a header of this length, and the token cut off after it. */
static void
check_sid(size_t header, Slice payload)
{
	static char text[FUZZ_MAX * 2];
	char digits[33], found[33];
	uint8_t sid[16];
	size_t n = header;
	char *exact;
	bool good;

	memset(text, 'e', header);
	text[n++] = '.';
	n += b64_encode(BASE64_URL, (const uint8_t *) payload.data, payload.length, text + n);
	good = header <= JWT_HEADER_MAX && read_sid(payload, digits);
	exact = copy_of((Slice){text, n});
	assert(jwt_peek_sid((Slice){exact, n}, sid) == good);
	if (good)
	{
		bytes_hex_encode(sid, 16, found);
		assert(strcmp(found, digits) == 0 && !jwt_peek_sid((Slice){text, header + 64}, sid));
	}
	free(exact);
}

/* A byte, a line with a key id, and a payload. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice input = {(const char *) data, size};
	size_t header = take_byte(&input);
	Slice line = take_until(&input, '\n');
	char *kid = calloc(1, line.length + 1);
	JwtParts parts;
	uint8_t sid[16];

	memcpy(kid, line.data, line.length);
	check_name(kid);
	check_header(kid);
	check_sid(header, input);
	(void) jwt_peek_sid(input, sid);
	if (jwt_split(input, &parts))
		assert(parts.header.length > 0 && parts.payload.length > 0 && parts.signature.length > 0 &&
			   input.length <= JWT_MAX &&
			   parts.header.length + parts.payload.length + parts.signature.length + 2 == input.length);
	free(kid);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {"ES256",
										"HS256",
										"RS256",
										"EdDSA",
										"none",
										"es256",
										"k",
										"a-Z_09",
										"\"",
										"\n",
										".",
										"{\"sid\":\"" SID "\",\"exp\":1}",
										"{\"sid\":\"",
										SID,
										"\",",
										"\"}",
										"01234567_89ab-cdef-0123-456789abcdef",
										"01234567-89AB-CDEF-0123-456789abcdeg",
										"0123456789012345678901234567890123456789012345678901234567890123",
										"e30.e30.AA"};

	return mutate_fields(data, size, max, seed, "\n\".", words, COUNT(words));
}
