/*
 * store_seal_event.c
 *		Owns reading events for seals, in portions, and listing the
 *		transactions that write events.
 *
 * The rules of store.c apply here too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "tables/catalog.h"
#include "tables/store_seal_row.h"

#define IS_OBJECT "pg_catalog.jsonb_typeof(detail)" EQ "'object'"
#define EVENT_COLUMNS \
	"at, id, event, user_id, sid, actor, CASE WHEN " IS_OBJECT \
	" THEN (detail OPERATOR(pg_catalog.-) 'personal')::pg_catalog.text ELSE detail::pg_catalog.text END," \
	" client_address::pg_catalog.text," \
	" CASE WHEN " IS_OBJECT " THEN (detail OPERATOR(pg_catalog.->) 'personal')::pg_catalog.text END"
#define BEFORE " AND (at, id)" LT "($3, $4) ORDER BY at, id LIMIT 1001"

typedef enum Statement
{
	EVENT_FIRST,
	EVENT_WRITERS,
	EVENTS_FROM,
	EVENTS_BEHIND,
	EVENTS_COUNT,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[EVENT_FIRST] = {"SELECT at FROM djust_auth.audit_event ORDER BY at LIMIT 1", 0, {0}, .by_index = true},
	/* a prepared transaction holds its locks under a new virtual transaction id */
	[EVENT_WRITERS] = {"SELECT virtualtransaction FROM pg_catalog.pg_locks WHERE locktype" EQ
					   "'relation' AND database" EQ "$1"
					   " AND relation" EQ "$2 AND mode" EQ "'RowExclusiveLock' AND granted"
					   " AND (pid IS NULL OR pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid())",
					   2,
					   {OIDOID, OIDOID}},
	[EVENTS_FROM] = {"SELECT " EVENT_COLUMNS " FROM djust_auth.audit_event WHERE (at, id)" GE "($1, $2)" BEFORE,
					 4,
					 {TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID, UUIDOID},
					 .by_index = true},
	[EVENTS_BEHIND] = {"SELECT " EVENT_COLUMNS " FROM djust_auth.audit_event WHERE (at, id)" GT "($1, $2)" BEFORE,
					   4,
					   {TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID, UUIDOID},
					   .by_index = true},
	[EVENTS_COUNT] = {"SELECT pg_catalog.count(*) FROM djust_auth.audit_event WHERE (at, id)" GE "($1, $2)",
					  2,
					  {TIMESTAMPTZOID, UUIDOID}},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

bool
store_event_first(TimestampTz *at)
{
	Call call = {0};
	bool found;

	store_connect();
	found = store_execute(&statements[EVENT_FIRST], &call) > 0;
	if (found)
		*at = DatumGetTimestampTz(store_value(0, 1, TIMESTAMPTZOID));
	store_finish();
	return found;
}

List *
store_event_writers(MemoryContext context)
{
	MemoryContext caller;
	List *writers = NIL;
	Call call = {0};
	int rows;
	int i;

	put(&call, ObjectIdGetDatum(MyDatabaseId), false);
	put(&call, ObjectIdGetDatum(catalog_table(TABLE_AUDIT_EVENT)), false);
	store_connect();
	rows = (int) store_execute(&statements[EVENT_WRITERS], &call);
	caller = MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
	{
		int number = 0;

		writers = lappend(writers, TextDatumGetCString(column(i, &number, TEXTOID)));
	}
	MemoryContextSwitchTo(caller);
	store_finish();
	return writers;
}

static char *
text_column(int row, int number)
{
	bool is_null;
	Datum value = store_column(row, number, TEXTOID, &is_null);

	return is_null ? NULL : TextDatumGetCString(value);
}

static bool
uuid_or_null(int row, int number, pg_uuid_t *id)
{
	bool is_null;
	Datum value = store_column(row, number, UUIDOID, &is_null);

	if (!is_null)
		*id = *DatumGetUUIDP(value);
	return !is_null;
}

static void
read_event(int row, SealedEvent *event)
{
	int number = 0;

	event->key = key_columns(row, &number);
	event->event = text_column(row, 3);
	event->has_user = uuid_or_null(row, 4, &event->user_id);
	event->has_sid = uuid_or_null(row, 5, &event->sid);
	event->actor = text_column(row, 6);
	event->detail = text_column(row, 7);
	event->client_address = text_column(row, 8);
	event->personal = text_column(row, 9);
}

int
store_events_read(MemoryContext context, Snapshot snapshot, const EventKey *from, bool behind, const EventKey *to,
				  SealedEvent events[EVENTS_AT_ONCE])
{
	MemoryContext caller;
	Call call = {0};
	int rows;
	int i;

	put_key(&call, from);
	put_key(&call, to);
	store_connect();
	rows = Min(read_rows(&statements[behind ? EVENTS_BEHIND : EVENTS_FROM], &call, snapshot), EVENTS_AT_ONCE);
	caller = MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
		read_event(i, &events[i]);
	MemoryContextSwitchTo(caller);
	store_finish();
	return rows;
}

int64
store_events_count(Snapshot snapshot, const EventKey *from)
{
	Call call = {0};
	int number = 0;
	int64 count;

	put_key(&call, from);
	store_connect();
	read_rows(&statements[EVENTS_COUNT], &call, snapshot);
	count = DatumGetInt64(column(0, &number, INT8OID));
	store_finish();
	return count;
}
