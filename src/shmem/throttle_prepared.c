/*
 * throttle_prepared.c
 *		Owns looking up whether a prepared transaction that was to clear a
 *		count committed.
 *
 * Threat: the look-up may read from disk and fail.  An error with throttle_lock
 * held would leave an attempt half judged, and each later attempt would meet it
 * again.  So the look-up happens without the lock.  Nothing is cleared if the
 * server has forgotten the outcome, or if the transaction was prepared more
 * than a day ago.
 */
#include "postgres.h"

#include "access/transam.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "utils/timestamp.h"

#include "server/compat.h"
#include "shmem/throttle_prepared.h"

#define PREPARED_MAX_S SECS_PER_DAY

/* False if the server has already forgotten the outcome; XactTruncationLock keeps it from being forgotten now. */
static bool
did_commit(TransactionId xid)
{
	bool committed;

	LWLockAcquire(XactTruncationLock, LW_SHARED);
	committed = !TransactionIdPrecedes(xid, COMPAT_OLDEST_CLOG_XID) && TransactionIdDidCommit(xid);
	LWLockRelease(XactTruncationLock);
	return committed;
}

void
throttle_prepared_look_up(ThrottlePrepared *prepared)
{
	TimestampTz now = GetCurrentTimestamp();

	if (!TransactionIdIsValid(prepared->xid) ||
		Max(now - prepared->prepared_at, prepared->prepared_at - now) >= PREPARED_MAX_S * USECS_PER_SEC)
		return;
	if (TransactionIdIsInProgress(prepared->xid))
		prepared->xid = InvalidTransactionId;
	else
		prepared->committed = did_commit(prepared->xid);
}

/* The entry may belong to another account or another transaction by now. */
bool
throttle_prepared_clears(const ThrottlePrepared *prepared, ThrottleEntry *entry)
{
	if (!TransactionIdIsValid(prepared->xid) || entry->clears_with != prepared->xid)
		return false;
	entry->clears_with = InvalidTransactionId;
	return prepared->committed;
}
