/*
 * audit_seal.h
 *		Seals over the events of the audit.
 */
#ifndef DJUST_AUDIT_SEAL_H
#define DJUST_AUDIT_SEAL_H

#include "tables/store_seal.h"

/*
 * In the worker: seals a batch of events.  The answer is when to come again, 0 for at once.  audit_seal_committed is
 * called after commit.
 */
extern TimestampTz audit_seal_some(void);
extern void audit_seal_committed(void);

/* Removes seals of events older than this; events before the time that is answered may go. */
extern TimestampTz audit_seal_retire(TimestampTz before);

#endif
