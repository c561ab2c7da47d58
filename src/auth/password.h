/*
 * password.h
 *		Checking and hashing passwords: policy, throttle, hash slot, hash.
 */
#ifndef DJUST_PASSWORD_H
#define DJUST_PASSWORD_H

#include "crypto/account_tag.h"
#include "http/verdict.h"
#include "server/normalize.h"
#include "tables/catalog.h"

/*
 * Bits of pwpolicy.h.  email: whose password it becomes, in normal form; NULL if unknown.  *found, if not NULL, becomes
 * what makes it common, in the encoding of the database and a part of the password; empty if there is nothing to name.
 */
extern unsigned password_violations(const Password *password, const char *email, const char **found);

/*
 * Checks a password against a hash under the account's throttle.  Returns VERDICT_OK, VERDICT_INVALID_GRANT,
 * VERDICT_THROTTLED, VERDICT_SUSPENDED or VERDICT_UNAVAILABLE; *retry_after is for the last three.  If not usable, a
 * match counts as a failure: the hash is checked only to cost the same.  replacement (PWHASH_MAX bytes) becomes a new
 * hash of the same password if the old one is weaker than the settings, else empty.
 */
extern Verdict password_check(const AccountTag *tag, const char *hash, bool usable, const Password *password,
							  char *replacement, int *retry_after);

/* New hash, if the policy allows email this password; else false, and answer says why.  out takes PWHASH_MAX bytes. */
extern bool password_hash(const Password *password, const char *email, char *out, Answer *answer);

/* A hash that no known password matches and that costs as much as new ones. */
extern const char *password_decoy(void);

/* The account's tag in the throttle. */
extern void password_tag(const char *address, AccountTag *tag);

#endif
