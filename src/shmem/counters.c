/*
 * counters.c
 *		Owns the server-wide counters since start, and the check that the
 *		library was preloaded and has shared memory.
 */
#include "postgres.h"

#include "port/atomics.h"
#include "storage/shmem.h"

#include "shmem/counters.h"

static const char *const counter_names[] = {
	[COUNT_LOGINS] = "logins",
	[COUNT_LOGIN_FAILURES] = "login_failures",
	[COUNT_HASHES] = "hashes",
	[COUNT_HASH_WAITS] = "hash_waits",
	[COUNT_HASH_TIMEOUTS] = "hash_timeouts",
	[COUNT_THROTTLED] = "throttled",
	[COUNT_REFRESHES] = "refreshes",
	[COUNT_REFRESH_REUSES] = "refresh_reuses",
	[COUNT_LOGOUTS] = "logouts",
	[COUNT_RESET_REQUESTS] = "reset_requests",
	[COUNT_MAILS_SENT] = "mails_sent",
	[COUNT_MAILS_FAILED] = "mails_failed",
	[COUNT_AUDIT_LOST] = "audit_lost",
	[COUNT_PURGED] = "purged",
};

StaticAssertDecl(lengthof(counter_names) == COUNTERS, "every counter has a name");

static pg_atomic_uint64 *counters = NULL;

size_t
counters_size(void)
{
	return MAXALIGN(COUNTERS * sizeof(pg_atomic_uint64));
}

void
counters_attach(void)
{
	bool found;
	int i;

	counters = ShmemInitStruct("djust_auth counters", counters_size(), &found);
	for (i = 0; !found && i < COUNTERS; i++)
		pg_atomic_init_u64(&counters[i], 0);
}

bool
preloaded(void)
{
	return counters != NULL;
}

void
preloaded_require(void)
{
	if (!preloaded())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("djust_auth must be loaded via shared_preload_libraries"),
				 errhint("Add djust_auth to shared_preload_libraries in postgresql.conf and restart the server.")));
}

void
counter_add(Counter counter, uint64_t n)
{
	pg_atomic_fetch_add_u64(&counters[counter], (int64) n);
}

uint64_t
counter_value(Counter counter)
{
	return pg_atomic_read_u64(&counters[counter]);
}

const char *
counter_name(Counter counter)
{
	return counter_names[counter];
}
