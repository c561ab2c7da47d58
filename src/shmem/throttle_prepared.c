/*
 * throttle_prepared.c
 *		Owns the question how the prepared transaction ended that was to clear a
 *		count.
 *
 * Threat: the answer may have to be read from disk, which can fail: with the
 * lock of the counters held an error would leave an attempt half judged, and
 * each next attempt would meet it again.  So the answer is looked up without the
 * lock, and not at all where the server has forgotten it: then nothing is
 * cleared, nor if the transaction was prepared more than a day ago.
 */
#include "postgres.h"

#include "access/transam.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "utils/timestamp.h"

#include "server/compat.h"
#include "shmem/throttle_prepared.h"

#define PREPARED_MAX_S SECS_PER_DAY

void
throttle_prepared_note(const ThrottleEntry *entry, ThrottlePrepared *prepared)
{
	prepared->xid = entry->clears_with;
	prepared->prepared_at = entry->prepared_at;
}

/* False for one that ended so long ago that the server has forgotten how; nothing is forgotten while it is looked up. */
static bool
did_commit(TransactionId xid)
{
	bool		committed;

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

/* The entry may have been given to another account, or to another transaction, since. */
bool
throttle_prepared_clears(const ThrottlePrepared *prepared, ThrottleEntry *entry)
{
	if (!TransactionIdIsValid(prepared->xid) || entry->clears_with != prepared->xid)
		return false;
	entry->clears_with = InvalidTransactionId;
	return prepared->committed;
}
