/*
 * floor.c
 *		What the measurements are held against: functions that do nothing, with
 *		the signatures of djust_can and djust_request_can, and a signature check
 *		that does nothing else.
 *
 * The check calls the same cryptokey.c and jwt.c as the extension, compiled into
 * this module, so that the difference is what djust_can does around it.
 */
#include "postgres.h"

#include "fmgr.h"

#include "text/bytes.h"
#include "server/compat.h"
#include "crypto/cryptokey.h"
#include "crypto/jwt.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_nothing);
PG_FUNCTION_INFO_V1(bench_verify);

Datum
bench_nothing(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* verify(token text, public_key bytea): ES256; the key is parsed once per backend. */
Datum
bench_verify(PG_FUNCTION_ARGS)
{
	static CryptoKey *key = NULL;
	text	   *token = PG_GETARG_TEXT_PP(0);
	bytea	   *der = PG_GETARG_BYTEA_PP(1);
	uint8_t		signature[CRYPTO_SIGNATURE_MAX];
	size_t		length;
	JwtParts	parts;

	if (key == NULL)
		key = crypto_key_public(ALG_ES256, (const uint8_t *) VARDATA_ANY(der), VARSIZE_ANY_EXHDR(der));
	if (key == NULL)
		elog(ERROR, "not a public key of ES256");
	PG_RETURN_BOOL(jwt_split(VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), &parts) &&
				   b64url_decode(parts.signature, parts.signature_length, signature, sizeof(signature), &length) &&
				   crypto_verify(key, parts.signing_input, parts.signing_length, signature, length));
}
