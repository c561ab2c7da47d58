/*
 * session_tid.h
 *		Where in the server's memory the row of a session was last read.
 */
#ifndef DJUST_SESSION_TID_H
#define DJUST_SESSION_TID_H

#include "executor/tuptable.h"
#include "utils/uuid.h"

/* 16 bytes, so that four share a cache line. */
typedef struct SessionTid
{
	uint32 tag; /* part of the session id */
	Buffer buffer; /* InvalidBuffer: the entry is empty */
	BlockNumber block;
	OffsetNumber offnum;
	uint16 row_offset; /* of the row from the start of its page, in bytes; for session_tid_prefetch_row */
} SessionTid;

extern size_t session_tid_size(void);
extern void session_tid_attach(void);

/* The entry may be another session's, torn, or out of date: the reader verifies what it leads to. */
extern bool session_tid_find(const pg_uuid_t *sid, SessionTid *tid);
/* Keeps where a row is, if it is on the page that the slot pins. */
extern void session_tid_keep(const pg_uuid_t *sid, TupleTableSlot *slot, const ItemPointerData *tid);
/* Prefetch the entry, and the row it leads to, while the caller does other work. */
extern void session_tid_prefetch(const pg_uuid_t *sid);
extern void session_tid_prefetch_row(const pg_uuid_t *sid);

#endif
