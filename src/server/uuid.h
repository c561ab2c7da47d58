/*
 * uuid.h
 *		Making UUIDs.
 */
#ifndef DJUST_UUID_H
#define DJUST_UUID_H

#include "utils/uuid.h"

/* Version 7 (RFC 9562), ordered by time. */
extern void uuid_new_v7(pg_uuid_t *id);

#endif
