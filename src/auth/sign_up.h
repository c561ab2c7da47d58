/*
 * sign_up.h
 *		How customers come into being by themselves, or by invitation.
 */
#ifndef DJUST_SIGN_UP_H
#define DJUST_SIGN_UP_H

#include "utils/array.h"
#include "utils/uuid.h"

#include "http/verdict.h"
#include "tables/store.h"
#include "text/bytes.h"

/* Raises 55000 unless djust_auth.sign_up is on.  locale is NULL if none was given. */
extern void sign_up(Slice address, Slice password, const char *locale, Answer *answer);

/* Makes the user of a sign-up whose link was followed; false if the address has an account by now. */
extern bool sign_up_confirmed(const PendingEmail *pending, const char *email);

/* The id of the user, who is new or has no password; raises 55000 for others. */
extern pg_uuid_t *sign_up_invite(const char *address, ArrayType *profiles, const char *locale);

#endif
