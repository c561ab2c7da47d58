/*
 * key_file.c
 *		Owns MACs and sealing with the keys of the key file.
 *
 * Threat: a stolen dump, backup of tables or replica.  The tables are useless
 * without this file: refresh tokens are MACs under it, private keys and
 * addresses of reset requests are sealed under it, account names in the audit
 * are keyed hashes under it.
 *
 * A database records its key file when keys are first needed for writing: the
 * loaded file, or a new one if there is none and no database of this server
 * knows any.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"

#include "keys/key_file.h"
#include "keys/key_file_check.h"
#include "keys/key_file_disk.h"
#include "server/encoding.h"
#include "server/secret.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "text/bytes.h"

static bool
open_with(const uint8_t *key, const char *aad, Slice sealed, uint8_t *plain)
{
	return sealed.length >= SEAL_NONCE_SIZE + SEAL_TAG_SIZE && crypto_open(key,
																		   (const uint8_t *) sealed.data,
																		   aad,
																		   strlen(aad),
																		   sealed.data + SEAL_NONCE_SIZE,
																		   sealed.length - SEAL_NONCE_SIZE,
																		   plain);
}

static bool
opens_signing_key(const KeyFileKeys *keys, const KeyRow *row)
{
	Slice sealed = text_slice(row->private_key);

	return open_with(keys->key_seal, row->kid, sealed, secret_alloc(sealed.length + 1));
}

/* Signing keys without a row in key_file were replicated, or the row was deleted: the present file must open them. */
static bool
opens_signing_keys(const KeyFileKeys *keys)
{
	ListCell *cell;

	foreach(cell, catalog_keys())
		if (!opens_signing_key(keys, lfirst(cell)))
			return false;
	return true;
}

/* Of two concurrent callers the second waits for the first and then finds its row. */
static void
learn_file(void)
{
	if (RecoveryInProgress())
		key_file_refuse();
	if (key_file_keys() == NULL && !key_file_read() && key_file_is_missing() && !key_file_is_known() &&
		key_file_create())
		key_file_read();
	if (key_file_keys() == NULL || !opens_signing_keys(key_file_keys()))
		key_file_refuse();
	key_file_mark_known();
	store_key_file_learn(key_file_keys()->check, MyDatabaseId);
	if (!key_file_check())
		elog(ERROR, "the row in key_file is not visible");
}

void
key_file_require(void)
{
	if (!key_file_check())
		learn_file();
}

static const KeyFileKeys *
required_keys(void)
{
	key_file_require();
	return key_file_keys();
}

static void
cannot_happen(void)
{
	elog(ERROR, "cryptographic library failed");
}

void
key_file_refresh_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE])
{
	if (!crypto_hmac_sha256(required_keys()->refresh, SHA256_SIZE, data, n, mac))
		cannot_happen();
}

void
key_file_audit_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE])
{
	if (!crypto_hmac_sha256(required_keys()->audit, SHA256_SIZE, data, n, mac))
		cannot_happen();
}

/* Hashes the address first, so that purpose, database and address have fixed sizes. */
void
key_file_tag(const char *purpose, Slice email, AccountTag *tag)
{
	uint8_t input[16 + sizeof(Oid) + SHA256_SIZE] = {0};
	uint8_t mac[SHA256_SIZE];
	const KeyFileKeys *keys = required_keys();

	Assert(strlen(purpose) <= 16);
	memcpy(input, purpose, strlen(purpose));
	memcpy(input + 16, &MyDatabaseId, sizeof(Oid));
	if (!crypto_sha256(email.data, email.length, input + 16 + sizeof(Oid)) ||
		!crypto_hmac_sha256(keys->tag, SHA256_SIZE, input, sizeof(input), mac))
		cannot_happen();
	memcpy(tag->bytes, mac, sizeof(tag->bytes));
}

static void
seal(const uint8_t *key, const char *aad, const void *plain, size_t n, uint8_t *sealed)
{
	if (!pg_strong_random(sealed, SEAL_NONCE_SIZE) ||
		!crypto_seal(key, sealed, aad, strlen(aad), plain, n, sealed + SEAL_NONCE_SIZE))
		cannot_happen();
}

void
key_file_seal_key(const char *kid, const uint8_t *plain, size_t n, uint8_t *sealed)
{
	seal(required_keys()->key_seal, kid, plain, n, sealed);
}

bool
key_file_open_key(const char *kid, Slice sealed, uint8_t *plain)
{
	return key_file_check() && open_with(key_file_keys()->key_seal, kid, sealed, plain);
}

void
key_file_seal_user(const char *purpose, const uint8_t *plain, size_t n, uint8_t *sealed)
{
	seal(required_keys()->user_seal, purpose, plain, n, sealed);
}

bool
key_file_open_user(const char *purpose, Slice sealed, uint8_t *plain)
{
	return open_with(required_keys()->user_seal, purpose, sealed, plain);
}

void
key_file_seal_address(const char *email, uint8_t sealed[SEALED_ADDRESS_SIZE])
{
	uint8_t plain[ADDRESS_LONGEST + 2] = {0};
	size_t n = strlen(email);

	if (n <= ADDRESS_LONGEST)
	{
		plain[0] = (uint8_t) n;
		memcpy(plain + 1, email, n);
	}
	seal(required_keys()->address_seal, "address", plain, sizeof(plain), sealed);
	bytes_wipe(plain, sizeof(plain));
}

bool
key_file_open_address(Slice sealed, char email[ADDRESS_LONGEST + 1])
{
	uint8_t plain[ADDRESS_LONGEST + 2];

	if (sealed.length != SEALED_ADDRESS_SIZE || !key_file_check() ||
		!open_with(key_file_keys()->address_seal, "address", sealed, plain))
		return false;
	memcpy(email, plain + 1, plain[0]);
	email[plain[0]] = '\0';
	bytes_wipe(plain, sizeof(plain));
	return true;
}
