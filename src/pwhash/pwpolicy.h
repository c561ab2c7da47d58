/*
 * pwpolicy.h
 *		Password rules: length, and the byte sets of the DJUST rules.
 */
#ifndef DJUST_PWPOLICY_H
#define DJUST_PWPOLICY_H

#include "text/bytes.h"

/* Violations, one bit each, in the order they are reported. */
#define PWPOLICY_TOO_SHORT 0x01
#define PWPOLICY_TOO_LONG 0x02
#define PWPOLICY_MISSING_UPPERCASE 0x04
#define PWPOLICY_MISSING_LOWERCASE 0x08
#define PWPOLICY_MISSING_DIGIT 0x10
#define PWPOLICY_MISSING_SPECIAL 0x20
#define PWPOLICY_TOO_COMMON 0x40
#define PWPOLICY_VIOLATIONS 7

typedef enum PwPolicy
{
	PWPOLICY_DJUST,
	PWPOLICY_NIST /* SP 800-63B-4 section 3.1.1.2: length only */
} PwPolicy;

/* Least number of characters under a policy, where the administrator asks for at_least. */
extern int pwpolicy_min_characters(PwPolicy policy, int at_least);

/* Violations that the policy knows. */
extern unsigned pwpolicy_rules(PwPolicy policy);

/* characters: counted by the caller, after normalisation. */
extern unsigned pwpolicy_violations(PwPolicy policy, Slice password, size_t characters, size_t min_characters,
									size_t max_bytes);

/* Code of the n-th bit: "too_short", ... */
extern const char *pwpolicy_code(unsigned n);

#endif
