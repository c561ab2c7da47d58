/*
 * session_cutoff.h
 *		The moment before which all sessions have ended.
 */
#ifndef DJUST_SESSION_CUTOFF_H
#define DJUST_SESSION_CUTOFF_H

#include "datatype/timestamp.h"

/* Sessions that were opened at this time or before are dead; DT_NOBEGIN if there is no such time. */
extern TimestampTz session_cutoff(void);
/* Ends all sessions that were opened before this moment; raises 22023 if it is not in the past. */
extern void session_cutoff_raise(TimestampTz before);

#endif
