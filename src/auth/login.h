/*
 * login.h
 *		Login with a password, and change of the password by its user.
 */
#ifndef DJUST_LOGIN_H
#define DJUST_LOGIN_H

#include "http/verdict.h"

extern void login_with_password(const char *email, size_t email_length, const char *password, size_t password_length,
								Answer *answer);
extern void login_change_password(const char *token, size_t token_length, const char *current, size_t current_length,
								  const char *fresh, size_t fresh_length, Answer *answer);

#endif
