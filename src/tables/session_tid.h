/*
 * session_tid.h
 *		Where in the server's memory the row of a session was last seen.
 */
#ifndef DJUST_SESSION_TID_H
#define DJUST_SESSION_TID_H

#include "storage/block.h"
#include "storage/buf.h"
#include "storage/off.h"
#include "utils/uuid.h"

/* Sixteen bytes, so that four of them share a cache line. */
typedef struct SessionTid
{
	uint32		tag;			/* a part of the session id */
	Buffer		buffer;			/* InvalidBuffer: nothing is known */
	BlockNumber block;
	OffsetNumber line;			/* line pointer */
	uint16		at;				/* of the row in its page, for session_tid_prefetch_row */
} SessionTid;

extern size_t session_tid_size(void);
extern void session_tid_attach(void);

/* May be of another session, or of a row that is there no more: the reader sees to that. */
extern bool session_tid_find(const pg_uuid_t *sid, SessionTid *place);
/* tag is filled in here. */
extern void session_tid_keep(const pg_uuid_t *sid, SessionTid *place);
/*
 * These have the processor fetch what reading the session will touch, while the caller does something else: the place,
 * and when that is there, what it leads to.
 */
extern void session_tid_prefetch(const pg_uuid_t *sid);
extern void session_tid_prefetch_row(const pg_uuid_t *sid);

#endif
