/*
 * email_change.h
 *		Changing one's address, and what the links about addresses do.
 */
#ifndef DJUST_EMAIL_CHANGE_H
#define DJUST_EMAIL_CHANGE_H

#include "http/verdict.h"
#include "tables/store.h"
#include "text/bytes.h"

/* Asks for the change; nothing changes before the new address is confirmed. */
extern void email_change(Slice token, Slice current_password, Slice address, Answer *answer);

/* Follows the link of a sign-up or of a change. */
extern void email_confirm(Slice token, Answer *answer);

/* Puts the former address back, by the link in the notice of a change. */
extern void email_revert(Slice token, Answer *answer);

/*
 * The address that a live link about a user's address gives, NULL for any other token; uses nothing up.  *shard: the
 * one to which a customer has taken the link, or -1.
 */
extern const char *email_link_target(Slice token, int *shard);
/* The same, and locks the user: the link lives as long as the lock is held. */
extern const char *email_link_hold(Slice token, PendingEmail *pending);
/* What a link does besides giving the address, for a customer who has come to this shard by it. */
extern void email_change_moved(const pg_uuid_t *id, const char *before, const char *after, bool reverted);

#endif
