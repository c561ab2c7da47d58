/*
 * shard.c
 *		Owns the number of the shard in session ids and in the secrets of links,
 *		and the rule by which an address belongs to a shard.
 *
 * Threat: an account on two shards by two spellings of one address.  The number
 * is no secret and proves nothing: a token is dead on every shard that has not
 * its session.
 */
#include "postgres.h"

#include "port/pg_bswap.h"

#include "crypto/crypto.h"
#include "server/settings.h"
#include "server/shard.h"

void
shard_mark_sid(pg_uuid_t *sid)
{
	sid->data[6] = (unsigned char) (0x70 | setting_shard >> 8);
	sid->data[7] = (unsigned char) setting_shard;
}

int
shard_of_sid(const pg_uuid_t *sid)
{
	if (sid->data[6] >> 4 != 7 || sid->data[8] >> 6 != 2)
		return -1;
	return (sid->data[6] & 0x0f) << 8 | sid->data[7];
}

void
shard_mark_secret(uint8_t *secret)
{
	secret[0] = (uint8_t) (setting_shard >> 4);
	secret[1] = (uint8_t) (setting_shard << 4 | (secret[1] & 0x0f));
}

int
shard_of_secret(const uint8_t *secret)
{
	return secret[0] << 4 | secret[1] >> 4;
}

int
shard_of_email(const char *email, int shards)
{
	uint8_t hash[SHA256_SIZE];
	uint64 start;

	if (!crypto_sha256(email, strlen(email), hash))
		elog(ERROR, "could not hash an address");
	memcpy(&start, hash, sizeof(start));
	return (int) (pg_ntoh64(start) % (uint64) shards);
}
