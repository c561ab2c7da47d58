/*
 * stats.c
 *		Owns the result of stats(): the counters, and queue lengths.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "shmem/counters.h"
#include "shmem/event_queue.h"
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
