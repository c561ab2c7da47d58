/*
 * login.h
 *		Login with a password, and change of the password by its user.
 */
#ifndef DJUST_LOGIN_H
#define DJUST_LOGIN_H

#include "http/verdict.h"
#include "text/bytes.h"

extern void login_with_password(Slice email, Slice password, Answer *answer);
extern void login_change_password(Slice token, Slice current, Slice fresh, Answer *answer);

#endif
