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
#include "compat.h"
#include "http.h"
#include "shared.h"
#include "store.h"

static const char *const events[] = {
	"refresh", "login", "login_failed", "throttled", "refresh_reuse", "logout", "reset_requested", "mail_sent",
	"mail_failed", "reset_confirmed", "password_changed", "administration"
};

bool
audit_is_event(const char *name, size_t length)
{
	int			i;

	for (i = 0; i < lengthof(events); i++)
		if (strlen(events[i]) == length && memcmp(events[i], name, length) == 0)
			return true;
	return false;
}

/* An identifier is no secret, so the random part of many is fetched at once: each fetch is a system call and more. */
static const unsigned char *
next_random(void)
{
	static unsigned char pool[64][UUID_LEN - 6];
	static int	used = lengthof(pool);

	if (used == lengthof(pool))
	{
		if (!pg_strong_random(pool, sizeof(pool)))
			elog(ERROR, "could not generate random bytes");
		used = 0;
	}
	return pool[used++];
}

/* 48 bits of Unix milliseconds, then random: rows of one time stand together in indexes. */
void
audit_new_id(pg_uuid_t *id)
{
	uint64		ms = (uint64) (GetCurrentTimestamp() / 1000) +
		(uint64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
	int			i;

	memcpy(id->data + 6, next_random(), UUID_LEN - 6);
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

/* In place of the transaction's own write; so short a text that it fits is the caller's duty, not an attacker's chance. */
void
audit_event_surely(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail)
{
	RingEntry	entry = {.kind = RING_EVENT};
	RingEvent  *row = &entry.u.event;
	const char *actor;
	Datum		address;

	if (!ring_served())
	{
		audit_event(event, user_id, sid, detail);
		return;
	}
	Assert(strlen(event) < RING_EVENT_MAX && (detail == NULL || strlen(detail) < RING_DETAIL_MAX));
	audit_new_id(&row->id);
	row->has_user = user_id != NULL;
	if (user_id)
		row->user_id = *user_id;
	row->has_sid = sid != NULL;
	if (sid)
		row->sid = *sid;
	strlcpy(row->event, event, RING_EVENT_MAX);
	strlcpy(row->detail, detail ? detail : "", RING_DETAIL_MAX);
	actor = GetUserNameFromId(GetSessionUserId(), true);
	strlcpy(row->actor, actor ? actor : "", NAMEDATALEN);
	address = http_client_address();
	if (address != (Datum) 0 && VARSIZE_ANY_EXHDR(DatumGetPointer(address)) <= RING_ADDRESS_MAX)
	{
		row->address_size = VARSIZE_ANY_EXHDR(DatumGetPointer(address));
		memcpy(row->address, VARDATA_ANY(DatumGetPointer(address)), row->address_size);
	}
	if (ring_put(&entry, strcmp(event, "throttled") == 0 ? RING_KEPT_FOR_FAILURES : RING_KEPT_FOR_LOCKS) == 0)
		shared_count(COUNT_AUDIT_LOST, 1);
}

void
audit_write(const RingEntry *entry)
{
	const RingEvent *event = &entry->u.event;
	AuditRow	row = {.id = event->id, .at = entry->at, .event = event->event};

	/* A role that was dropped while it was logged in has no name. */
	if (event->actor[0] != '\0')
		row.actor = event->actor;
	if (event->has_user)
		row.user_id = &event->user_id;
	if (event->has_sid)
		row.sid = &event->sid;
	if (event->detail[0] != '\0')
		row.detail = event->detail;
	if (event->address_size > 0)
	{
		struct varlena *address = palloc(VARHDRSZ + event->address_size);

		SET_VARSIZE(address, VARHDRSZ + event->address_size);
		memcpy(VARDATA(address), event->address, event->address_size);
		row.client_address = PointerGetDatum(address);
	}
	store_audit_insert_late(&row);
}
