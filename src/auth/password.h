/*
 * password.h
 *		Checking and making passwords: policy, throttle, hash slot, hash.
 */
#ifndef DJUST_PASSWORD_H
#define DJUST_PASSWORD_H

#include "crypto/account_tag.h"
#include "http/verdict.h"
#include "server/normalize.h"
#include "tables/catalog.h"

/* Bits of pwpolicy.h, the blocklist included. */
extern unsigned password_violations(const Password *password);

/*
 * Checks a password against a hash under the account's throttle.  VERDICT_OK, VERDICT_INVALID_GRANT, VERDICT_THROTTLED,
 * VERDICT_SUSPENDED or VERDICT_UNAVAILABLE; *retry_after with the last three.  With usable false a match is a failure
 * all the same: the work is done for its cost.  replacement (PWHASH_MAX bytes) becomes a new hash of the same password
 * when the old one is weaker than the settings, else empty.
 */
extern Verdict password_check(const AccountTag *tag, const char *hash, size_t hash_length, bool usable,
							  const Password *password, char *replacement, int *retry_after);

/* New hash; VERDICT_OK or VERDICT_UNAVAILABLE.  out takes PWHASH_MAX bytes. */
extern Verdict password_hash(const Password *password, char *out, int *retry_after);

/* Hash whose check costs what the settings say, and which no password is known for. */
extern const char *password_decoy(void);

/* Account name for the throttle. */
extern void password_tag(const char *address, AccountTag *tag);

#endif
