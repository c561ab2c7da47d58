/*
 * key_file_check.c
 *		Owns the comparison of the key file with the one recorded in the
 *		database.
 *
 * Threats: a promoted standby or restored server with another key file, where
 * no account would have its throttle state any more, mails would be given up as
 * unreadable, and each login would fail; and a copy of a database in which the
 * original's sessions, links and mails live on.
 *
 * The table key_file has one row: a value derived from the file that the
 * database was used with, and the object id of the database.  Under another
 * file everything that needs keys fails until the right file is back, which is
 * read again at each such call, or an administrator accepts the present one
 * (database_copy.c).  A row with the id of another database was copied.
 *
 * The row is read once per catalog_epoch: checking a session costs one
 * comparison.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/shmem.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "keys/key_file_check.h"
#include "keys/key_file_disk.h"
#include "server/settings.h"
#include "tables/catalog.h"
#include "text/bytes.h"

#define WARNING_PAUSE_S 60
#define WARNING_PLACES 16 /* shared by databases: a missing warning does no harm */

typedef struct Warnings
{
	pg_atomic_uint64 last[WARNING_PLACES]; /* TimestampTz */
} Warnings;

static Warnings *warnings = NULL;

/* The row in the database. */
static struct
{
	uint64 epoch; /* 0: not read */
	bool found;
	KnownKeyFile row;
} known;

size_t
key_file_check_size(void)
{
	return MAXALIGN(sizeof(Warnings));
}

void
key_file_check_attach(void)
{
	bool found;
	int i;

	warnings = ShmemInitStruct("djust_auth key file", sizeof(Warnings), &found);
	if (!found)
		for (i = 0; i < WARNING_PLACES; i++)
			pg_atomic_init_u64(&warnings->last[i], 0);
}

/* Repeats if the row changes meanwhile. */
static void
read_known(void)
{
	uint64 epoch;

	while ((epoch = catalog_epoch()) != known.epoch)
	{
		known.found = catalog_known_key_file(&known.row);
		known.epoch = epoch;
	}
}

static void
read_known_now(void)
{
	AcceptInvalidationMessages();
	read_known();
}

static bool
is_known_one(void)
{
	const KeyFileKeys *keys = key_file_keys();

	return keys && known.found && bytes_equal(keys->check, known.row.check_value, sizeof(keys->check));
}

static const char *
fault(void)
{
	return key_file_keys() ? "the key file of djust_auth is not the one that this database knows" :
							 "the key file of djust_auth is not loaded";
}

static const char *
file_detail(void)
{
	return key_file_keys() ? psprintf("Key file \"%s\" holds another key.", setting_key_file) :
							 psprintf("Key file \"%s\": %s.", setting_key_file, key_file_failure());
}

#define FAULT_HINT \
	"Put the right key file where djust_auth.key_file says, after a failover the one of the old primary; " \
	"no restart is needed. If it is lost, djust_auth.accept_key_file() accepts the present one, or a new one, " \
	"and ends all sessions."

/* At most once a minute and database, in the whole server. */
static void
warn_once_a_minute(void)
{
	pg_atomic_uint64 *last = &warnings->last[MyDatabaseId % WARNING_PLACES];
	uint64 before = pg_atomic_read_u64(last);
	TimestampTz now = GetCurrentTimestamp();

	if (before != 0 && now - (TimestampTz) before < WARNING_PAUSE_S * USECS_PER_SEC && now >= (TimestampTz) before)
		return;
	if (!pg_atomic_compare_exchange_u64(last, &before, (uint64) now))
		return;
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", fault()),
			 errdetail_log("%s", file_detail()),
			 errhint(FAULT_HINT)));
}

/* Reads the file again before rejecting it. */
bool
key_file_matches(void)
{
	read_known_now();
	if (is_known_one())
		return true;
	if (!known.found)
		return false;
	key_file_read();
	if (is_known_one())
		return true;
	if (!RecoveryInProgress())
		key_file_mark_known();
	warn_once_a_minute();
	return false;
}

bool
key_file_check(void)
{
	if (key_file_matches())
		return true;
	if (known.found)
		key_file_refuse();
	return false;
}

void
key_file_refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s", fault()),
			 errdetail_log("%s", file_detail()),
			 errhint(FAULT_HINT)));
}

static bool
has_other_id(void)
{
	return known.found && known.row.database != MyDatabaseId;
}

bool
key_file_in_copy(void)
{
	read_known();
	if (!has_other_id())
		return false;
	read_known_now();
	return has_other_id();
}
