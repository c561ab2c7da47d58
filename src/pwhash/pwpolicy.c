/*
 * pwpolicy.c
 *		Password rules: length, and the four byte sets of the DJUST rules.
 *
 * Owns the sets and the codes of violations.  Never allocates, never keeps or
 * shows a password, and never decides whether a password is too common: the
 * caller has the list and sets that bit.
 *
 * Threat: sets that vary with locale or regular expression dialect.  The
 * specials are 30 fixed bytes: a quote or an accented letter is none of them.
 */
#include <string.h>

#include "pwhash/pwpolicy.h"

/* No apostrophe, no backslash, no space. */
static const char specials[] = "~`!@#$%^&*()-_+={}[]|;:\"<>,./?";

#define COMPOSITION \
	(PWPOLICY_MISSING_UPPERCASE | PWPOLICY_MISSING_LOWERCASE | PWPOLICY_MISSING_DIGIT | PWPOLICY_MISSING_SPECIAL)

/* Of a password that is the only factor. */
#define NIST_MIN_CHARACTERS 15

_Static_assert(sizeof(specials) - 1 == 30, "the DJUST rules name 30 special characters");

static const char *const codes[PWPOLICY_VIOLATIONS] = {"too_short",
													   "too_long",
													   "missing_uppercase",
													   "missing_lowercase",
													   "missing_digit",
													   "missing_special",
													   "too_common"};

/* The violation that this byte clears, 0 if none; isupper() and the like depend on the locale. */
static unsigned
cured_by(unsigned char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return PWPOLICY_MISSING_UPPERCASE;
	if (byte >= 'a' && byte <= 'z')
		return PWPOLICY_MISSING_LOWERCASE;
	if (byte >= '0' && byte <= '9')
		return PWPOLICY_MISSING_DIGIT;
	if (memchr(specials, byte, sizeof(specials) - 1) != NULL)
		return PWPOLICY_MISSING_SPECIAL;
	return 0;
}

int
pwpolicy_min_characters(PwPolicy policy, int at_least)
{
	return policy == PWPOLICY_NIST && at_least < NIST_MIN_CHARACTERS ? NIST_MIN_CHARACTERS : at_least;
}

unsigned
pwpolicy_rules(PwPolicy policy)
{
	unsigned always = PWPOLICY_TOO_SHORT | PWPOLICY_TOO_LONG | PWPOLICY_TOO_COMMON;

	return policy == PWPOLICY_NIST ? always : always | COMPOSITION;
}

/* Reports all violations at once. */
unsigned
pwpolicy_violations(PwPolicy policy, Slice password, size_t characters, size_t min_characters, size_t max_bytes)
{
	unsigned violations = pwpolicy_rules(policy) & COMPOSITION;
	size_t i;

	for (i = 0; i < password.length; i++)
		violations &= ~cured_by((unsigned char) password.data[i]);
	if (characters < min_characters)
		violations |= PWPOLICY_TOO_SHORT;
	if (password.length > max_bytes)
		violations |= PWPOLICY_TOO_LONG;
	return violations;
}

/* NULL if there is no such bit. */
const char *
pwpolicy_code(unsigned n)
{
	return n < PWPOLICY_VIOLATIONS ? codes[n] : NULL;
}
