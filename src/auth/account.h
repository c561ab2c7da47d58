/*
 * account.h
 *		Administration of users.
 */
#ifndef DJUST_ACCOUNT_H
#define DJUST_ACCOUNT_H

#include "utils/array.h"
#include "utils/uuid.h"

#include "http/verdict.h"
#include "text/bytes.h"

/* password, hash and locale may be NULL.  Raises unless it succeeds. */
extern pg_uuid_t *account_create(const char *email, Slice password, const char *hash, ArrayType *profiles,
								 const char *locale);
/* Without a password; false if the address has a user, who may have come at the same moment. */
extern bool account_invite(const char *email, ArrayType *profiles, const char *locale, pg_uuid_t *id);
/* Adds those that the user does not have. */
extern void account_add_profiles(const pg_uuid_t *id, ArrayType *profiles);
extern void account_set_password(const pg_uuid_t *id, Slice password);
extern void account_set_disabled(const pg_uuid_t *id, bool disabled);
extern void account_delete(const pg_uuid_t *id);
/* Takes client addresses out of events without a user about their addresses, too: reads all of these. */
extern void account_erase(const pg_uuid_t *id);
/* JSON text. */
extern char *account_export(const pg_uuid_t *id);
extern void account_change_email(const pg_uuid_t *id, const char *email);
extern void account_email_changed(const pg_uuid_t *id, const char *from, const char *to);
extern void account_unlock(const pg_uuid_t *id);
extern int account_end_sessions(const pg_uuid_t *id);
/* reason may be NULL; it is kept in the audit alone, until the user is deleted. */
extern void account_open_session(const pg_uuid_t *id, const char *reason, Answer *answer);

#endif
