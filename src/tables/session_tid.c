/*
 * session_tid.c
 *		Owns, in shared memory, where the row of each session was last read:
 *		shared buffer, block and line pointer.
 *
 * Why: djust_can reads one session row, and its index takes more than half of
 * a check.  In a store that does not fit the processor's caches the walk from
 * the root to the row waits a dozen times for main memory, each time for an
 * address that only the last answer gave.  Here it is an entry and the row.
 *
 * An entry is a hint and never an answer.  Entries are read and written
 * without a lock: one may be overwritten, torn by a writer, or out of date
 * because the row has moved or its page has left the buffer.  So the reader
 * (session_at_tid in catalog_session.c) verifies both: that the buffer
 * still holds that block of the table, and that the row at the line pointer is
 * visible and has the session id that was asked for.  Otherwise it uses the
 * index, and its answer becomes the entry.
 *
 * The last eight bytes of a session id are random, but for ten bits of
 * microseconds, which vary like random ones.  Half of them choose a set
 * of four entries that share a cache line; the other half, the tag, tells the
 * four apart.  There is one entry for each shared buffer, rounded down to a
 * power of two: 0.2 percent of the memory that they lead to.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/shmem.h"

#include "tables/session_tid.h"

#define WAYS 4
#define CACHE_LINE 64
#define ROW_LINES 4 /* cache lines that a row with a few profiles takes */

typedef struct TidSet
{
	SessionTid way[WAYS];
} TidSet;

StaticAssertDecl(sizeof(TidSet) == CACHE_LINE, "a lookup touches one cache line");

static TidSet *sets = NULL;
static uint32 mask = 0;

static uint32
count_of_sets(void)
{
	uint32 n = 1;

	while (n <= (uint32) NBuffers / WAYS / 2)
		n *= 2;
	return n;
}

size_t
session_tid_size(void)
{
	return count_of_sets() * sizeof(TidSet) + CACHE_LINE;
}

void
session_tid_attach(void)
{
	bool found;
	void *memory = ShmemInitStruct("djust_auth session tids", session_tid_size(), &found);

	sets = (TidSet *) TYPEALIGN(CACHE_LINE, memory);
	mask = count_of_sets() - 1;
	if (!found)
		memset(memory, 0, session_tid_size());
}

static uint32
word(const pg_uuid_t *sid, int at)
{
	uint32 value;

	memcpy(&value, sid->data + at, sizeof(value));
	return value;
}

static SessionTid *
set_of(const pg_uuid_t *sid)
{
	return sets[word(sid, 8) >> 8 & mask].way;
}

/* The matching way is random, so it is selected without a branch. */
bool
session_tid_find(const pg_uuid_t *sid, SessionTid *tid)
{
	const SessionTid *way = set_of(sid);
	uint32 tag = word(sid, 12);
	unsigned which = (way[1].tag == tag) + 2 * (way[2].tag == tag) + 3 * (way[3].tag == tag);

	*tid = way[which % WAYS];
	return tid->tag == tag && tid->buffer > 0 && tid->buffer <= NBuffers;
}

/* Replaces the session's own entry, or an empty one, or each of the four in turn. */
static SessionTid *
entry_for(SessionTid *way, uint32 tag)
{
	static unsigned turn = 0;
	SessionTid *best = &way[turn++ % WAYS];
	int i;

	for (i = WAYS - 1; i >= 0; i--)
		if (way[i].buffer == InvalidBuffer)
			best = &way[i];
	for (i = 0; i < WAYS; i++)
		if (way[i].tag == tag)
			best = &way[i];
	return best;
}

/* The page is not locked, so all that is noted is a hint. */
void
session_tid_keep(const pg_uuid_t *sid, TupleTableSlot *slot, const ItemPointerData *tid)
{
	SessionTid entry = {
		.tag = word(sid, 12), .block = ItemPointerGetBlockNumber(tid), .offnum = ItemPointerGetOffsetNumber(tid)};

	if (!TTS_IS_BUFFERTUPLE(slot) || entry.block != ItemPointerGetBlockNumber(&slot->tts_tid))
		return;
	entry.buffer = ((BufferHeapTupleTableSlot *) slot)->buffer;
	entry.row_offset = ItemIdGetOffset(PageGetItemId(BufferGetPage(entry.buffer), entry.offnum));
	*entry_for(set_of(sid), entry.tag) = entry;
}

void
session_tid_prefetch(const pg_uuid_t *sid)
{
	__builtin_prefetch(set_of(sid));
}

void
session_tid_prefetch_row(const pg_uuid_t *sid)
{
	SessionTid tid;
	char *page;
	int i;

	if (!session_tid_find(sid, &tid))
		return;
	page = BufferGetPage(tid.buffer);
	__builtin_prefetch(GetBufferDescriptor(tid.buffer - 1));
	__builtin_prefetch(page);
	__builtin_prefetch(page + SizeOfPageHeaderData + tid.offnum * sizeof(ItemIdData));
	for (i = 0; i < ROW_LINES; i++)
		__builtin_prefetch(page + tid.row_offset + i * CACHE_LINE);
}
