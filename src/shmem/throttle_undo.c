/*
 * throttle_undo.c
 *		Owns the effects of the end of a transaction on the throttle.
 *
 * Threat: a caller who gives the right password, unlocks an account or resets
 * its password, and rolls back: nothing is changed or recorded, except that the
 * count of guesses is gone.
 *
 * A good attempt clears the count when its transaction commits.  Other
 * clearings happen at once and are undone by a rollback.  A transaction that is
 * prepared for two-phase commit clears nothing until it commits, which the
 * throttle looks up at the next attempt; failures that it added stay.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "shmem/throttle_owner.h"
#include "shmem/throttle_undo.h"

typedef struct Note
{
	struct Note *next;
	SubTransactionId level;
	AccountTag tag;
	bool clears; /* clears the count at commit; otherwise `what` is applied at a rollback */
	ThrottleCount what;
} Note;

static ThrottleUndoActions actions;
static Note *notes = NULL;
static bool registered = false;

void
throttle_undo_init(const ThrottleUndoActions *throttle_actions)
{
	actions = *throttle_actions;
}

/* Applies and drops the notes of one subtransaction level, or of all. */
static void
undo(SubTransactionId level)
{
	Note **link = &notes;

	while (*link)
	{
		Note *note = *link;

		if (level != InvalidSubTransactionId && note->level != level)
		{
			link = &note->next;
			continue;
		}
		*link = note->next;
		if (!note->clears)
			actions.put_back(&note->tag, &note->what);
	}
}

/* Waits until a cleared lock is off the disk before the client gets its answer.  Interrupts are held off. */
static void
commit(void)
{
	Note *note;

	for (note = notes; note; note = note->next)
		if (note->clears)
			actions.committed(&note->tag);
	if (notes)
		actions.await_saved();
}

static void
prepare(void)
{
	Note *note;

	for (note = notes; note; note = note->next)
	{
		if (!note->clears && note->what.failures <= 0)
			continue;
		if (!note->clears)
			actions.put_back(&note->tag, &note->what);
		actions.prepared(&note->tag, GetTopTransactionIdIfAny());
	}
}

static void
throttle_undo_transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		undo(InvalidSubTransactionId);
	if (event == XACT_EVENT_COMMIT)
		commit();
	if (event == XACT_EVENT_PREPARE)
		prepare();
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		notes = NULL;
}

static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	Note *note;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		undo(mine);
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (note = notes; note; note = note->next)
			if (note->level == mine)
				note->level = parent;
}

static Note *
new_note(const AccountTag *tag)
{
	Note *note;

	if (!registered)
	{
		RegisterXactCallback(throttle_undo_transaction_ended, NULL);
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	note = MemoryContextAllocZero(TopTransactionContext, sizeof(Note));
	note->next = notes;
	note->level = GetCurrentSubTransactionId();
	note->tag = *tag;
	notes = note;
	return note;
}

ThrottleCount *
throttle_undo_note(const AccountTag *tag)
{
	ThrottleCount *note = &new_note(tag)->what;

	note->user_id = throttle_owner_of(tag);
	return note;
}

void
throttle_undo_clear_at_commit(const AccountTag *tag)
{
	new_note(tag)->clears = true;
}
