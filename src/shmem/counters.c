/*
 * counters.c
 *		Owns the counters since start, of the server and of each database, and
 *		the check that the library was preloaded and has shared memory.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "shmem/counters.h"

static const struct
{
	const char *name;
	const char *description;
} counter_names[] = {
	[COUNT_LOGINS] = {"logins", "Logins that succeeded."},
	[COUNT_LOGIN_FAILURES] = {"login_failures", "Logins and password checks refused after a hash."},
	[COUNT_HASHES] = {"hashes", "Password hashes computed."},
	[COUNT_HASH_WAITS] = {"hash_waits", "Hashes that waited for a slot."},
	[COUNT_HASH_TIMEOUTS] = {"hash_timeouts", "Callers sent away after djust_auth.hash_wait_timeout."},
	[COUNT_THROTTLED] = {"throttled", "Attempts refused without a hash: too many failures."},
	[COUNT_REFRESHES] = {"refreshes", "Refreshes that succeeded."},
	[COUNT_REFRESH_REUSES] = {"refresh_reuses", "Sessions ended because a used refresh token came again."},
	[COUNT_LOGOUTS] = {"logouts", "Logouts that ended a session."},
	[COUNT_RESET_REQUESTS] = {"reset_requests", "Reset requests, for known and unknown addresses."},
	[COUNT_MAILS_SENT] = {"mails_sent", "Mails delivered to the mail server."},
	[COUNT_MAILS_FAILED] = {"mails_failed", "Attempts to deliver a mail that failed."},
	[COUNT_AUDIT_LOST] = {"audit_lost", "Audit events that found no place, or that a constraint or trigger refused."},
	[COUNT_PURGED] = {"purged", "Expired rows that were purged."},
};

StaticAssertDecl(lengthof(counter_names) == COUNTERS, "every counter has a name");

#define DATABASES_COUNTED 64

typedef struct CounterSet
{
	pg_atomic_uint32 database; /* oid; 0: free */
	pg_atomic_uint64 since; /* TimestampTz */
	pg_atomic_uint64 values[COUNTERS];
} CounterSet;

/* Set 0 is of the whole server, the last one of all databases that found no free set. */
static CounterSet *sets = NULL;
static CounterSet *here = NULL;

size_t
counters_size(void)
{
	return MAXALIGN((DATABASES_COUNTED + 2) * sizeof(CounterSet));
}

void
counters_attach(void)
{
	bool found;
	int i;
	int j;

	sets = ShmemInitStruct("djust_auth counters", counters_size(), &found);
	for (i = 0; !found && i < DATABASES_COUNTED + 2; i++)
	{
		pg_atomic_init_u32(&sets[i].database, 0);
		pg_atomic_init_u64(&sets[i].since, (uint64) GetCurrentTimestamp());
		for (j = 0; j < COUNTERS; j++)
			pg_atomic_init_u64(&sets[i].values[j], 0);
	}
}

/* The set of this backend's database, which is claimed by the first that counts. */
static CounterSet *
set_here(void)
{
	int i;

	for (i = 1; here == NULL && i <= DATABASES_COUNTED; i++)
	{
		uint32 owner = 0;

		if (pg_atomic_compare_exchange_u32(&sets[i].database, &owner, MyDatabaseId) || owner == MyDatabaseId)
			here = &sets[i];
	}
	if (here == NULL)
		here = &sets[DATABASES_COUNTED + 1];
	return here;
}

bool
preloaded(void)
{
	return sets != NULL;
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
	pg_atomic_fetch_add_u64(&sets[0].values[counter], (int64) n);
	pg_atomic_fetch_add_u64(&set_here()->values[counter], (int64) n);
}

uint64_t
counter_value(Counter counter)
{
	return pg_atomic_read_u64(&sets[0].values[counter]);
}

uint64_t
counter_here(Counter counter, TimestampTz *since)
{
	CounterSet *set = set_here();

	*since = (TimestampTz) pg_atomic_read_u64(&set->since);
	return pg_atomic_read_u64(&set->values[counter]);
}

const char *
counter_name(Counter counter)
{
	return counter_names[counter].name;
}

const char *
counter_description(Counter counter)
{
	return counter_names[counter].description;
}
