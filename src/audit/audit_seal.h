/*
 * audit_seal.h
 *		Seals over audit events.
 */
#ifndef DJUST_AUDIT_SEAL_H
#define DJUST_AUDIT_SEAL_H

#include "tables/store_seal.h"

/*
 * Both are called by the worker.  The first seals a batch and returns when to call it again, 0 for at once; the second
 * follows the commit.
 */
extern TimestampTz audit_seal_some(void);
extern void audit_seal_committed(void);

/* Removes seals of events older than `before`.  Events before the returned time may be deleted. */
extern TimestampTz audit_seal_retire(TimestampTz before);

#endif
