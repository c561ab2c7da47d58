/*
 * store_seal_event.c
 *		Owns reading events for seals, in portions, and listing the
 *		transactions that write events.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "tables/catalog.h"
#include "tables/store_seal_row.h"

#define IS_OBJECT "pg_catalog.jsonb_typeof(detail)" EQ "'object'"
#define EVENT_COLUMNS \
	"at, id, event, user_id, sid, actor, CASE WHEN " IS_OBJECT \
	" THEN (detail OPERATOR(pg_catalog.-) 'personal')::pg_catalog.text ELSE detail::pg_catalog.text END," \
	" client_address::pg_catalog.text," \
	" CASE WHEN " IS_OBJECT " THEN (detail OPERATOR(pg_catalog.->) 'personal')::pg_catalog.text END"
#define BEFORE " AND (at, id)" LT "($3, $4) ORDER BY at, id" UP_TO(EVENTS_AT_ONCE)

bool
store_event_first(TimestampTz *at)
{
	static StoreStatement statement = {"SELECT pg_catalog.min(at) FROM djust_auth.audit_event", .by_index = true};
	bool is_null;

	*at = DatumGetTimestampTz(store_run_value(&statement, ARGUMENTS(), TIMESTAMPTZOID, &is_null));
	return !is_null;
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
	List *writers = NIL;
	Oid table = catalog_table(TABLE_AUDIT_EVENT);
	int rows = (int) store_query(&statement, ARGUMENTS(ObjectIdGetDatum(MyDatabaseId), ObjectIdGetDatum(table)), NULL);
	int i;

	MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
		writers = lappend(writers, TextDatumGetCString(store_value(i, 1, TEXTOID)));
	store_finish();
	return writers;
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
	event->event = store_text_or_null(row, 3);
	event->has_user = uuid_or_null(row, 4, &event->user_id);
	event->has_sid = uuid_or_null(row, 5, &event->sid);
	event->actor = store_text_or_null(row, 6);
	event->detail = store_text_or_null(row, 7);
	event->client_address = store_text_or_null(row, 8);
	event->personal = store_text_or_null(row, 9);
}

int
store_events_read(MemoryContext context, Snapshot snapshot, const EventKey *from, bool exclusive, const EventKey *to,
				  SealedEvent events[EVENTS_AT_ONCE])
{
	static StoreStatement after = {"SELECT " EVENT_COLUMNS " FROM djust_auth.audit_event WHERE (at, id)" GT
								   "($1, $2)" BEFORE,
								   {KEY_OIDS, KEY_OIDS},
								   .by_index = true};
	static StoreStatement starting_at = {"SELECT " EVENT_COLUMNS " FROM djust_auth.audit_event WHERE (at, id)" GE
										 "($1, $2)" BEFORE,
										 {KEY_OIDS, KEY_OIDS},
										 .by_index = true};
	int rows =
		(int) store_query(exclusive ? &after : &starting_at, ARGUMENTS(KEY_DATUMS(from), KEY_DATUMS(to)), snapshot);
	int i;

	MemoryContextSwitchTo(context);
	for (i = 0; i < rows; i++)
		read_event(i, &events[i]);
	store_finish();
	return rows;
}

bool
store_event_user_left(Snapshot snapshot, const SealedEvent *event)
{
	static StoreStatement statement = {
		"SELECT 1 FROM djust_auth.audit_event WHERE user_id" EQ "$3 AND (at, id)" GT "($1, $2) AND event" EQ
		"'administration' AND detail OPERATOR(pg_catalog.->>) 'change'" EQ "'moved out' LIMIT 1",
		{KEY_OIDS, UUIDOID},
		.by_index = true};
	bool found =
		store_query(&statement, ARGUMENTS(KEY_DATUMS(&event->key), UUIDPGetDatum(&event->user_id)), snapshot) > 0;

	store_finish();
	return found;
}

int64
store_events_count(Snapshot snapshot, const EventKey *from)
{
	static StoreStatement statement = {
		"SELECT pg_catalog.count(*) FROM djust_auth.audit_event WHERE (at, id)" GE "($1, $2)", {KEY_OIDS}};
	int64 count;

	store_query(&statement, ARGUMENTS(KEY_DATUMS(from)), snapshot);
	count = DatumGetInt64(store_value(0, 1, INT8OID));
	store_finish();
	return count;
}
