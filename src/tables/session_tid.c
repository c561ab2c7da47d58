/*
 * session_tid.c
 *		Owns the places of sessions: for a session id, the buffer, page and
 *		line where its row was last read, in shared memory.
 *
 * In a large store a walk through the index waits for main memory a dozen
 * times, each time for an address that only the last answer gave.  A place is
 * one line of memory, and gives all addresses at once.
 *
 * A place is a guess and never an answer.  It may be overwritten, torn by a
 * writer in between (there is no lock), or out of date: whoever reads at it
 * compares what is there, the page with the one in the buffer and the session
 * id with the one in a row that is visible, and else asks the index.
 *
 * There is one place for each shared buffer, the greatest power of two of
 * them: 0.2 percent of the memory of what they lead to.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/shmem.h"

#include "tables/session_tid.h"

#define PLACES_A_LINE 4
#define CACHE_LINE 64
#define ROW_LINES 4				/* cache lines that a row with a few profiles takes */

typedef struct SessionTidLine
{
	SessionTid		places[PLACES_A_LINE];
} SessionTidLine;

StaticAssertDecl(sizeof(SessionTidLine) == CACHE_LINE, "a lookup touches one cache line");

static SessionTidLine *table = NULL;
static uint32 mask = 0;

static uint32
lines(void)
{
	uint32		n = 1;

	while (n <= (uint32) NBuffers / PLACES_A_LINE / 2)
		n *= 2;
	return n;
}

size_t
session_tid_size(void)
{
	return lines() * sizeof(SessionTidLine) + CACHE_LINE;
}

void
session_tid_attach(void)
{
	bool		found;
	void	   *memory = ShmemInitStruct("djust_auth places", session_tid_size(), &found);

	table = (SessionTidLine *) TYPEALIGN(CACHE_LINE, memory);
	mask = lines() - 1;
	if (!found)
		memset(memory, 0, session_tid_size());
}

/* The last eight bytes of a session id are random. */
static uint32
word(const pg_uuid_t *sid, int at)
{
	uint32		value;

	memcpy(&value, sid->data + at, sizeof(value));
	return value;
}

static SessionTid *
line_of(const pg_uuid_t *sid)
{
	return table[word(sid, 8) >> 8 & mask].places;
}

/* Which of the four it is nobody can foretell, so this does not branch on it. */
bool
session_tid_find(const pg_uuid_t *sid, SessionTid *place)
{
	const SessionTid *line = line_of(sid);
	uint32		tag = word(sid, 12);
	unsigned	which = (line[1].tag == tag) + 2 * (line[2].tag == tag) + 3 * (line[3].tag == tag);

	*place = line[which % PLACES_A_LINE];
	return place->tag == tag && place->buffer > 0 && place->buffer <= NBuffers;
}

/* The session's own place, or an empty one, or each in turn. */
void
session_tid_keep(const pg_uuid_t *sid, SessionTid *place)
{
	static unsigned turn = 0;
	SessionTid	   *line = line_of(sid);
	SessionTid	   *best = &line[turn++ % PLACES_A_LINE];
	int			i;

	place->tag = word(sid, 12);
	for (i = PLACES_A_LINE - 1; i >= 0; i--)
		if (line[i].buffer == InvalidBuffer)
			best = &line[i];
	for (i = 0; i < PLACES_A_LINE; i++)
		if (line[i].tag == place->tag)
			best = &line[i];
	*best = *place;
}

void
session_tid_prefetch(const pg_uuid_t *sid)
{
	__builtin_prefetch(line_of(sid));
}

void
session_tid_prefetch_row(const pg_uuid_t *sid)
{
	SessionTid		place;
	char	   *page;
	int			i;

	if (!session_tid_find(sid, &place))
		return;
	page = BufferGetPage(place.buffer);
	__builtin_prefetch(GetBufferDescriptor(place.buffer - 1));
	__builtin_prefetch(page);
	__builtin_prefetch(page + SizeOfPageHeaderData + place.line * sizeof(ItemIdData));
	for (i = 0; i < ROW_LINES; i++)
		__builtin_prefetch(page + place.at + i * CACHE_LINE);
}
