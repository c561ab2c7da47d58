/*
 * audit.c
 *		Owns the writing of audit events.
 *
 * Never takes a password, a token or an address in clear: what names an
 * unknown account is its keyed tag.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "audit.h"
#include "http.h"
#include "store.h"

/* 48 bits of Unix milliseconds, then random: rows of one time stand together in indexes. */
void
audit_new_id(pg_uuid_t *id)
{
	uint64		ms = (uint64) (GetCurrentTimestamp() / 1000) +
		(uint64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
	int			i;

	if (!pg_strong_random(id->data + 6, UUID_LEN - 6))
		elog(ERROR, "could not generate random bytes");
	for (i = 0; i < 6; i++)
		id->data[i] = (unsigned char) (ms >> (8 * (5 - i)));
	id->data[6] = (id->data[6] & 0x0f) | 0x70;
	id->data[8] = (id->data[8] & 0x3f) | 0x80;
}

void
audit_event(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail)
{
	AuditRow	row = {.event = event, .user_id = user_id, .sid = sid, .detail = detail};

	audit_new_id(&row.id);
	row.at = GetCurrentTimestamp();
	row.actor = GetUserNameFromId(GetSessionUserId(), true);
	row.client_address = http_client_address();
	store_audit_insert(&row);
}
