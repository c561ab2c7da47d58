/*
 * replica.c
 *		Owns whether a standby, or a follower, is recent enough to answer.
 *
 * Threat: a token revoked, or a right taken away, elsewhere, that this server
 * has not heard of for a while.  The last transaction that a standby has
 * replayed, and the last heartbeat that a follower has received, bound what can
 * be missing; one that has none yet is behind, as is a follower to which one of
 * the tables does not come.  The worker of the primary, and that of the shard
 * that is followed, commits a heartbeat at least four times within the limit,
 * so an idle shop is not taken for a lost one.  Clocks of both servers are
 * compared: a heartbeat more than 2 s in the future counts as none.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "utils/timestamp.h"

#include "auth/replica.h"
#include "server/settings.h"
#include "tables/catalog.h"
#include "tables/store.h"

#define CLOCK_SKEW_MS 2000
#define LONGEST_PAUSE_MS 10000

static const CatalogTable followed[] = {
	TABLE_HEARTBEAT,
	TABLE_PROFILE,
	TABLE_PROFILE_RIGHT,
	TABLE_SIGNING_KEY,
	TABLE_MAIL_TEMPLATE,
	TABLE_PASSWORD_BLOCKLIST,
	TABLE_STORE,
	TABLE_PAGE_TEXT,
};

static bool
is_too_old(TimestampTz at, TimestampTz now)
{
	return now - at > setting_max_replica_lag * INT64CONST(1000) || at - now > CLOCK_SKEW_MS * INT64CONST(1000);
}

/* By one subscription: the heartbeat of another one would tell nothing about the rights. */
static bool
every_table_comes(void)
{
	Oid first;
	Oid from;
	int i;

	catalog_is_subscribed(followed[0], &first);
	for (i = 1; i < lengthof(followed); i++)
		if (!catalog_is_subscribed(followed[i], &from) || from != first)
			return false;
	return OidIsValid(first);
}

/* Reads the tables only when the heartbeat that it knows is too old. */
static bool
follower_is_behind(TimestampTz now)
{
	static TimestampTz heard = 0;

	if (is_too_old(heard, now) && (!every_table_comes() || !catalog_heartbeat(&heard)))
		return true;
	return is_too_old(heard, now);
}

bool
replica_is_behind(void)
{
	TimestampTz now;

	if (setting_max_replica_lag == 0 || (!setting_follower && !RecoveryInProgress()))
		return false;
	now = GetCurrentTimestamp();
	return (RecoveryInProgress() && is_too_old(GetLatestXTime(), now)) || (setting_follower && follower_is_behind(now));
}

int
replica_pause_ms(void)
{
	return Min(setting_max_replica_lag / 4, LONGEST_PAUSE_MS);
}

/*
 * The row of a follower comes from the shard that it follows, whatever this connection knows of djust_auth.follower: a
 * transaction of its own tells nothing but the time to its standbys.
 */
void
replica_heartbeat(void)
{
	Oid from;

	if (setting_follower || !catalog_has(TABLE_HEARTBEAT) || catalog_is_subscribed(TABLE_HEARTBEAT, &from))
		GetTopTransactionId();
	else
		store_heartbeat(GetCurrentTimestamp());
	ForceSyncCommit();
}
