/*
 * audit_verify.h
 *		Comparison of audit events with their seals.
 */
#ifndef DJUST_AUDIT_VERIFY_H
#define DJUST_AUDIT_VERIFY_H

#include "tables/store_seal.h"

/* id is NULL for findings about seals. */
typedef void (*AuditReport)(void *arg, TimestampTz at, const pg_uuid_t *id, const char *finding);

/* Compares everything once; reports the extent in a NOTICE. */
extern void audit_verify(AuditReport report, void *arg);

#endif
