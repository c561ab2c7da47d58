/*
 * stats.c
 *		Owns the results of stats() and of the view stat, as far as they come
 *		from shared memory and the key file; the view counts rows itself.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "keys/key_file_check.h"
#include "shmem/counters.h"
#include "shmem/event_queue.h"
#include "shmem/hash_slot.h"
#include "tables/store.h"
#include "worker/stats.h"

char *
stats_json(void)
{
	StringInfoData out;
	int i;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (i = 0; i < COUNTERS; i++)
		appendStringInfo(&out, "\"%s\":" UINT64_FORMAT ",", counter_name(i), counter_value(i));
	appendStringInfo(
		&out, "\"mails_waiting\":" INT64_FORMAT ",\"events_waiting\":%d}", store_mail_waiting(), event_queue_waiting());
	return out.data;
}

/* One row of the view. */
typedef struct Statistic
{
	const char *name;
	double value;
	bool is_null;
	const char *description;
	TimestampTz since; /* of a counter; 0: a gauge */
} Statistic;

static void
put_statistic(Tuplestorestate *store, TupleDesc descriptor, const Statistic *row)
{
	bool is_gauge = row->since == 0;
	Datum values[] = {CStringGetTextDatum(row->name),
					  CStringGetTextDatum(is_gauge ? "gauge" : "counter"),
					  Float8GetDatum(row->value),
					  CStringGetTextDatum(row->description),
					  TimestampTzGetDatum(row->since)};
	bool nulls[] = {false, false, row->is_null, false, is_gauge};

	tuplestore_putvalues(store, descriptor, values, nulls);
}

void
stats_rows(Tuplestorestate *store, TupleDesc descriptor)
{
	TimestampTz wrote_at;
	bool alive = event_queue_worker(&wrote_at);
	KnownKeyFile known;
	bool is_known = catalog_known_key_file(&known);
	int running;
	int waiting;
	int i;

	hash_slot_count(&running, &waiting);
	for (i = 0; i < COUNTERS; i++)
	{
		Statistic row = {counter_name(i), .description = counter_description(i)};

		row.value = (double) counter_here(i, &row.since);
		put_statistic(store, descriptor, &row);
	}
	{
		const Statistic gauges[] = {
			{"worker_alive", alive, false, "1 if the background worker of this database runs."},
			{"worker_last_write_seconds",
			 Max(GetCurrentTimestamp() - wrote_at, 0) / (double) USECS_PER_SEC,
			 wrote_at == 0,
			 "Seconds since the worker last had written all that was queued; at most about 60 when all is well."},
			{"events_waiting",
			 event_queue_waiting(),
			 false,
			 "Audit events and locks that the worker has not written yet."},
			{"hashes_running", running, false, "Password hashes under way in the whole server."},
			{"hashes_waiting", waiting, false, "Callers in the whole server that wait for a hash slot."},
			{"key_file_matches",
			 is_known && key_file_matches(),
			 !is_known,
			 "1 if the key file is the one that this database was used with; NULL before the first use."},
		};

		for (i = 0; i < lengthof(gauges); i++)
			put_statistic(store, descriptor, &gauges[i]);
	}
}
