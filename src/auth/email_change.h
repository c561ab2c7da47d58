/*
 * email_change.h
 *		Changing one's address, and what the links about addresses do.
 */
#ifndef DJUST_EMAIL_CHANGE_H
#define DJUST_EMAIL_CHANGE_H

#include "http/verdict.h"
#include "text/bytes.h"

/* Asks for the change; nothing changes before the new address is confirmed. */
extern void email_change(Slice token, Slice current_password, Slice address, Answer *answer);

/* Follows the link of a sign-up or of a change. */
extern void email_confirm(Slice token, Answer *answer);

/* Puts the former address back, by the link in the notice of a change. */
extern void email_revert(Slice token, Answer *answer);

#endif
