/*
 * key_file_check.c
 *		Owns the comparison of the key file with what the database knows of it.
 *
 * Threats: a promoted standby or a restored server with another key file,
 * which would take every customer for unknown to its throttle, open no mail
 * and give them up, and answer each login with an error until somebody makes
 * things worse; and a copy of a database in which sessions, links and mails
 * of the original live on.
 *
 * The table key_file has one row: a value derived from the file that the
 * database was used with, and the object id of the database.  Under another
 * file all that needs the keys fails until the right file is back, which is
 * read again at each such call, or an administrator accepts the present one
 * (database_copy.c).  A row with the id of another database was copied.
 *
 * The row is read once per catalog_epoch: what checks a session pays for one
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
#define WARNING_PLACES 16		/* databases share them: a warning too few is no loss */

typedef struct Warnings
{
	pg_atomic_uint64 last[WARNING_PLACES];	/* TimestampTz */
} Warnings;

static Warnings *warnings = NULL;

/* What the database knows. */
static struct
{
	uint64		epoch;			/* 0: it was not read */
	bool		found;
	KnownKeyFile row;
}			known;

size_t
key_file_check_size(void)
{
	return MAXALIGN(sizeof(Warnings));
}

void
key_file_check_attach(void)
{
	bool		found;
	int			i;

	warnings = ShmemInitStruct("djust_auth key file", sizeof(Warnings), &found);
	if (!found)
		for (i = 0; i < WARNING_PLACES; i++)
			pg_atomic_init_u64(&warnings->last[i], 0);
}

/* Repeated when it changed meanwhile. */
static void
read_known(void)
{
	uint64		epoch;

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
	"Put the right key file where djust_auth.key_file says, after a failover the one of the old primary; no restart is needed. " \
	"If it is lost, djust_auth.accept_key_file() accepts the present one, or a new one, and ends all sessions."

/* Once a minute and database, in the whole server. */
static void
warn(void)
{
	pg_atomic_uint64 *last = &warnings->last[MyDatabaseId % WARNING_PLACES];
	uint64		before = pg_atomic_read_u64(last);
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

/* The file is read again before it is found fault with. */
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
	warn();
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
