/*
 * store_audit.c
 *		Owns writing audit events, and removing personal data from them.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_row.h"
#include "tables/store_run.h"

static Datum
detail_of(const AuditRow *row)
{
	return row->detail ? DirectFunctionCall1(jsonb_in, CStringGetDatum(row->detail)) : (Datum) 0;
}

static void
insert_by_statement(const AuditRow *row)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.audit_event (id, at, event, user_id, sid, actor, client_address, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		{UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, INETOID, JSONBOID}};

	store_run(&statement,
			  ARGUMENTS(UUIDPGetDatum(&row->id),
						TimestampTzGetDatum(row->at),
						text_datum(row->event),
						UUIDPGetDatum(row->user_id),
						UUIDPGetDatum(row->sid),
						text_datum(row->actor),
						row->client_address,
						detail_of(row)));
}

void
store_audit_insert(const AuditRow *event)
{
	Row row = {0};

	row_set_uuid(&row, Anum_audit_event_id, &event->id);
	row_set_time(&row, Anum_audit_event_at, event->at);
	row_set_text(&row, Anum_audit_event_event, event->event);
	row_set_uuid(&row, Anum_audit_event_user_id, event->user_id);
	row_set_uuid(&row, Anum_audit_event_sid, event->sid);
	row_set_text(&row, Anum_audit_event_actor, event->actor);
	row_set(&row, Anum_audit_event_client_address, INETOID, event->client_address, event->client_address == (Datum) 0);
	row_set(&row, Anum_audit_event_detail, JSONBOID, detail_of(event), event->detail == NULL);
	if (!store_row_insert(TABLE_AUDIT_EVENT, &row))
		insert_by_statement(event);
}

void
store_audit_forget(ArrayType *user_ids)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.audit_event SET client_address = NULL, detail = detail OPERATOR(pg_catalog.-) 'personal'"
		" WHERE user_id" EQ "ANY ($1) AND (client_address IS NOT NULL OR detail OPERATOR(pg_catalog.?) 'personal')",
		{UUIDARRAYOID},
		.by_index = true};

	store_run(&statement, ARGUMENTS(PointerGetDatum(user_ids)));
}

void
store_audit_forget_accounts(ArrayType *accounts)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.audit_event SET client_address = NULL WHERE user_id IS NULL AND client_address IS NOT NULL"
		" AND detail OPERATOR(pg_catalog.->>) 'account'" EQ "ANY ($1)",
		{TEXTARRAYOID}};

	store_run(&statement, ARGUMENTS(PointerGetDatum(accounts)));
}
