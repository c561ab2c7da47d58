/* jwt_fuzz.c: a token is its parts, nothing unsigned passes a key, and our own tokens come back. */
#include <assert.h>
#include <string.h>

#include "crypto/jwt.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static CryptoKey *key;
	static char header[JWT_HEADER_MAX], token[JWT_MAX], payload[JWT_MAX];
	Slice given = {(const char *) data, size};
	JwtParts parts;
	uint8_t sid[16];
	size_t n, length, header_length = jwt_header(ALG_HS256, "k", header);

	if (key == NULL)
		key = crypto_key_private(ALG_HS256, (const uint8_t *) "0123456789abcdef0123456789abcdef", 32);
	(void) jwt_peek_sid(given, sid);
	if (jwt_split(given, &parts))
	{
		assert(parts.signed_part.length + 1 + parts.signature.length == size);
		assert(!jwt_payload(&parts, payload, &n) || strnlen(payload, n + 1) <= n);
		assert(!jwt_verify(&parts, (Slice){header, header_length}, key));
		assert(!jwt_verify(&parts, parts.header, key));
	}
	if (jwt_sign(key, (Slice){header, header_length}, given, token, &n))
		assert(jwt_split((Slice){token, n}, &parts) && jwt_verify(&parts, (Slice){header, header_length}, key) &&
			   jwt_payload(&parts, payload, &length) && length == size && memcmp(payload, data, size) == 0);
	return 0;
}
