/*
 * pwpolicy.h
 *		The DJUST password rules as byte sets.
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

/* characters: counted by the caller, after normalisation. */
extern unsigned pwpolicy_violations(Slice password, size_t characters, size_t min_characters, size_t max_bytes);

/* Code of the n-th bit: "too_short", ... */
extern const char *pwpolicy_code(unsigned n);

#endif
