/*
 * shard.h
 *		The number of this shard in identifiers and secrets, and the shard of an address.
 */
#ifndef DJUST_SHARD_H
#define DJUST_SHARD_H

#include "utils/uuid.h"

#include "text/bytes.h"

#define SHARDS_MAX 4096

/* Writes djust_auth.shard into the 12 bits that version 7 leaves to applications (RFC 9562 section 5.7, rand_a). */
extern void shard_mark_sid(pg_uuid_t *sid);

/* -1 if it is not of version 7. */
extern int shard_of_sid(const pg_uuid_t *sid);

/* Writes djust_auth.shard into the first 12 bits of a secret: the first two characters of its base64url. */
extern void shard_mark_secret(uint8_t *secret);

extern int shard_of_secret(const uint8_t *secret);

/* Of an address in normal form, in UTF-8. */
extern int shard_of_email(const char *email, int shards);

#endif
