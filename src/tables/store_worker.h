/*
 * store_worker.h
 *		The worker's own statements: calls of functions granted to its role.
 */
#ifndef DJUST_STORE_WORKER_H
#define DJUST_STORE_WORKER_H

#include "tables/store.h"

extern void store_worker_start(void);
extern int store_worker_write(void);
extern bool store_worker_purge(void);
extern void store_worker_heartbeat(void);
extern TimestampTz store_worker_seal(void);
/* Copies into a context; false if no mail is due. */
extern bool store_worker_claim_mail(MemoryContext context, ClaimedMail *mail);
extern void store_worker_mail_sent(int64 id);
extern void store_worker_mail_failed(int64 id, const char *reason, bool permanent);
extern bool store_worker_mail_due(TimestampTz *due);

#endif
