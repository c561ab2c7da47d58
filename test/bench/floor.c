/*
 * floor.c
 *		What the measurements are held against: functions that do nothing, with
 *		the signatures of djust_can and djust_request_can; the bare check of a
 *		session, without rights; a signature, and the check of one.
 *
 * They call the same files of src/crypto as the extension, compiled into this
 * module, so that the difference is what the extension does around them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "text/bytes.h"
#include "server/compat.h"
#include "crypto/jwt.h"
#include "tables/catalog.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(bench_nothing);
PG_FUNCTION_INFO_V1(bench_bare_can);
PG_FUNCTION_INFO_V1(bench_sign);
PG_FUNCTION_INFO_V1(bench_verify);

Datum
bench_nothing(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* The session's row by its primary key, in the latest snapshot: has it this hash? */
static bool
session_has_hash(const pg_uuid_t *sid, const uint8_t hash[SHA256_SIZE])
{
	static Oid	table = InvalidOid;
	static Oid	index;
	Oid			schema;
	Relation	relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		null;
	bool		same = false;

	if (!OidIsValid(table))
	{
		schema = get_namespace_oid("djust_auth", false);
		index = get_relname_relid("session_pkey", schema);
		table = get_relname_relid("session", schema);
	}
	ScanKeyInit(&key, Anum_session_sid, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(sid));
	relation = table_open(table, AccessShareLock);
	scan = systable_beginscan(relation, index, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		same = bytes_equal(hash, VARDATA_ANY(DatumGetByteaPP(heap_getattr(tuple, Anum_session_access_hash,
																	  RelationGetDescr(relation), &null))),
						   SHA256_SIZE);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return same;
}

/* bare_can(token text, path text, access text): looks at the token and its session only. */
Datum
bench_bare_can(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_TEXT_PP(0);
	Slice		token = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
	pg_uuid_t	sid;
	uint8_t		hash[SHA256_SIZE];

	PG_RETURN_BOOL(jwt_peek_sid(token, sid.data) && crypto_sha256(token.data, token.length, hash) &&
				   session_has_hash(&sid, hash));
}

/* sign(input text): ES256, with a key of this backend's own. */
Datum
bench_sign(PG_FUNCTION_ARGS)
{
	static CryptoKey *key = NULL;
	text	   *input = PG_GETARG_TEXT_PP(0);
	uint8_t		private_der[CRYPTO_PRIVATE_MAX];
	uint8_t		public_der[CRYPTO_PUBLIC_MAX];
	uint8_t		signature[CRYPTO_SIGNATURE_MAX];
	size_t		private_length;
	size_t		length;

	if (key == NULL && crypto_generate(ALG_ES256, private_der, &private_length, public_der, &length))
		key = crypto_key_private(ALG_ES256, private_der, private_length);
	if (key == NULL || !crypto_sign(key, VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), signature, &length))
		elog(ERROR, "could not sign");
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
	PG_RETURN_BOOL(jwt_split((Slice) {VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token)}, &parts) &&
				   b64_decode(BASE64_URL, parts.signature, signature, sizeof(signature), &length) &&
				   crypto_verify(key, parts.signed_part.data, parts.signed_part.length, signature, length));
}
