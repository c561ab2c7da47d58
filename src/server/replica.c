/*
 * replica.c
 *		Owns whether a standby is recent enough to answer.
 *
 * Threat: a token revoked, or a right taken away, on a primary that this
 * standby has not heard of for a while.  The time of the last transaction that
 * was replayed bounds what can be missing.  The primary's worker commits one at
 * least four times within the limit, so an idle shop is not taken for a lost
 * primary; a standby that has replayed none yet is behind.  Clocks of both
 * servers are compared: with a transaction from the future, nothing is known.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "utils/timestamp.h"

#include "server/replica.h"
#include "server/settings.h"

#define CLOCK_SKEW_MS 2000

bool
replica_is_behind(void)
{
	int64 lag;

	if (setting_max_replica_lag == 0 || !RecoveryInProgress())
		return false;
	lag = GetCurrentTimestamp() - GetLatestXTime();
	return lag > setting_max_replica_lag * INT64CONST(1000) || lag < -CLOCK_SKEW_MS * INT64CONST(1000);
}

void
replica_heartbeat(void)
{
	GetTopTransactionId();
	ForceSyncCommit();
}
