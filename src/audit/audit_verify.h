/*
 * audit_verify.h
 *		The audit against its seals.
 */
#ifndef DJUST_AUDIT_VERIFY_H
#define DJUST_AUDIT_VERIFY_H

#include "tables/store_seal.h"

/* id is NULL where a finding is about seals. */
typedef void (*AuditTell) (void *arg, TimestampTz at, const pg_uuid_t *id, const char *finding);

/* Goes through all of it once; says in a NOTICE how far it looked. */
extern void audit_verify(AuditTell tell, void *arg);

#endif
