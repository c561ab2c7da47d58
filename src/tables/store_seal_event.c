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

bool
store_event_first(TimestampTz *at)
{
	static StoreStatement statement = {"SELECT at FROM djust_auth.audit_event ORDER BY at LIMIT 1", .by_index = true};
	bool found;

	store_connect();
	found = store_execute(&statement, ARGUMENTS()) > 0;
	if (found)
		*at = DatumGetTimestampTz(store_value(0, 1, TIMESTAMPTZOID));
	store_finish();
	return found;
}

List *
store_event_writers(MemoryContext context)
{
	/* a prepared transaction holds its locks under a new virtual transaction id */
	static StoreStatement statement = {"SELECT virtualtransaction FROM pg_catalog.pg_locks WHERE locktype" EQ
									   "'relation' AND database" EQ "$1"
									   " AND relation" EQ "$2 AND mode" EQ "'RowExclusiveLock' AND granted"
									   " AND (pid IS NULL OR pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid())",
									   {OIDOID, OIDOID}};
	MemoryContext caller;
	List *writers = NIL;
	int rows;
	int i;

	store_connect();
	rows = (int) store_execute(
		&statement, ARGUMENTS(ObjectIdGetDatum(MyDatabaseId), ObjectIdGetDatum(catalog_table(TABLE_AUDIT_EVENT))));
	caller = MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
		writers = lappend(writers, TextDatumGetCString(store_value(i, 1, TEXTOID)));
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
	static StoreStatement after = {"SELECT " EVENT_COLUMNS " FROM djust_auth.audit_event WHERE (at, id)" GT
								   "($1, $2)" BEFORE,
								   {TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID, UUIDOID},
								   .by_index = true};
	static StoreStatement starting_at = {"SELECT " EVENT_COLUMNS " FROM djust_auth.audit_event WHERE (at, id)" GE
										 "($1, $2)" BEFORE,
										 {TIMESTAMPTZOID, UUIDOID, TIMESTAMPTZOID, UUIDOID},
										 .by_index = true};
	MemoryContext caller;
	int rows;
	int i;

	store_connect();
	rows = read_rows(behind ? &after : &starting_at, ARGUMENTS(KEY_DATUMS(from), KEY_DATUMS(to)), snapshot);
	rows = Min(rows, EVENTS_AT_ONCE);
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
	static StoreStatement statement = {"SELECT pg_catalog.count(*) FROM djust_auth.audit_event WHERE (at, id)" GE
									   "($1, $2)",
									   {TIMESTAMPTZOID, UUIDOID}};
	int64 count;

	store_connect();
	read_rows(&statement, ARGUMENTS(KEY_DATUMS(from)), snapshot);
	count = DatumGetInt64(store_value(0, 1, INT8OID));
	store_finish();
	return count;
}
