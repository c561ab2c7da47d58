/*
 * undo.c
 *		Owns what is to be undone in the throttle when a transaction is rolled
 *		back.
 *
 * Threat: a caller who unlocks an account, or resets its password, and rolls
 * back: nothing would be on record and nothing changed, but for the count of
 * guesses.
 *
 * A transaction that is prepared for two-phase commit counts as committed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "undo.h"

typedef struct Note
{
	struct Note *next;
	SubTransactionId level;
	ThrottleTag tag;
	UndoNote	what;
} Note;

static Note *notes = NULL;
static bool registered = false;

/* Of this level, or of all: undone, and forgotten. */
static void
undo(SubTransactionId level)
{
	Note	  **link = &notes;

	while (*link)
	{
		Note	   *note = *link;

		if (level != InvalidSubTransactionId && note->level != level)
		{
			link = &note->next;
			continue;
		}
		*link = note->next;
		throttle_add(&note->tag, note->what.failures, note->what.allowed_at);
	}
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		undo(InvalidSubTransactionId);
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		notes = NULL;
}

static void
subtransaction_ended(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	Note	   *note;

	if (event == SUBXACT_EVENT_ABORT_SUB)
		undo(mine);
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		for (note = notes; note; note = note->next)
			if (note->level == mine)
				note->level = parent;
}

UndoNote *
undo_note(const ThrottleTag *tag)
{
	Note	   *note;

	if (!registered)
	{
		RegisterXactCallback(transaction_ended, NULL);
		RegisterSubXactCallback(subtransaction_ended, NULL);
		registered = true;
	}
	note = MemoryContextAllocZero(TopTransactionContext, sizeof(Note));
	note->next = notes;
	note->level = GetCurrentSubTransactionId();
	note->tag = *tag;
	notes = note;
	return &note->what;
}
