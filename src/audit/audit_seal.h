/*
 * audit_seal.h
 *		Seals over audit events.
 */
#ifndef DJUST_AUDIT_SEAL_H
#define DJUST_AUDIT_SEAL_H

#include "tables/store_seal.h"

/* For the worker: seals a batch, returns when to call again (0: at once); audit_seal_committed follows the commit. */
extern TimestampTz audit_seal_some(void);
extern void audit_seal_committed(void);

/* Removes seals of events older than `before`.  Events before the returned time may be deleted. */
extern TimestampTz audit_seal_retire(TimestampTz before);

#endif
