/*
 * login.h
 *		Login with a password, its check in a session, and its change by its user.
 */
#ifndef DJUST_LOGIN_H
#define DJUST_LOGIN_H

#include "utils/uuid.h"

#include "http/verdict.h"
#include "text/bytes.h"

extern void login_with_password(Slice email, Slice password, Answer *answer);
/* True, with the user locked, if a session's bearer gave their password; else the answer says why not. */
extern bool login_reauthenticate(Slice token, Slice current, pg_uuid_t *user_id, pg_uuid_t *sid, Answer *answer);
extern void login_change_password(Slice token, Slice current, Slice fresh, Answer *answer);

#endif
