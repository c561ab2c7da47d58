/*
 * uuid.c
 *		Owns making the identifiers of events, seals, sessions and tokens.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "server/uuid.h"

/* Identifiers are not secret, so random bytes for many are fetched at once: each fetch is a system call. */
static const unsigned char *
next_random(void)
{
	static unsigned char pool[64][UUID_LEN - 6];
	static int used = lengthof(pool);

	if (used == lengthof(pool))
	{
		if (!pg_strong_random(pool, sizeof(pool)))
			elog(ERROR, "could not generate random bytes");
		used = 0;
	}
	return pool[used++];
}

/*
 * 48 bits of Unix milliseconds, so that rows of one time are adjacent in indexes; 12 random bits, in place of which a
 * session id has its shard; 10 bits of microseconds, which order the sessions of a shard (RFC 9562 section 6.2); and
 * random bits.
 */
void
uuid_new_v7(pg_uuid_t *id)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64 ms = (uint64) (now / 1000) + (uint64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
	unsigned us = (unsigned) (now % 1000);
	int i;

	memcpy(id->data + 6, next_random(), UUID_LEN - 6);
	for (i = 0; i < 6; i++)
		id->data[i] = (unsigned char) (ms >> (8 * (5 - i)));
	id->data[6] = (id->data[6] & 0x0f) | 0x70;
	id->data[8] = (unsigned char) (0x80 | us >> 4);
	id->data[9] = (unsigned char) (us << 4 | (id->data[9] & 0x0f));
}
