/* pwpolicy_fuzz.c: the rules, counted the other way round: how many bytes each set has. */
#include <ctype.h>

#include "fuzz.h"
#include "pwhash/pwpolicy.h"

/* Two numbers, and the password. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice password = {(const char *) data, size};
	size_t characters = take_byte(&password), most = take_byte(&password);
	size_t upper = 0, lower = 0, digits = 0, special = 0, i;
	unsigned violations, expected;

	for (i = 0; i < password.length; i++)
	{
		unsigned char byte = (unsigned char) password.data[i];

		upper += isupper(byte) != 0;
		lower += islower(byte) != 0;
		digits += isdigit(byte) != 0;
		special += ispunct(byte) && byte != '\'' && byte != '\\';
	}
	violations = pwpolicy_violations(PWPOLICY_DJUST, password, characters, 8, most);
	expected = (characters < 8 ? PWPOLICY_TOO_SHORT : 0) | (password.length > most ? PWPOLICY_TOO_LONG : 0) |
			   (upper == 0 ? PWPOLICY_MISSING_UPPERCASE : 0) | (lower == 0 ? PWPOLICY_MISSING_LOWERCASE : 0) |
			   (digits == 0 ? PWPOLICY_MISSING_DIGIT : 0) | (special == 0 ? PWPOLICY_MISSING_SPECIAL : 0);
	assert(violations == expected);
	assert(pwpolicy_violations(PWPOLICY_NIST, password, characters, 8, most) ==
		   (expected & (PWPOLICY_TOO_SHORT | PWPOLICY_TOO_LONG)));
	assert((pwpolicy_code((unsigned) characters) == NULL) == (characters >= PWPOLICY_VIOLATIONS));
	return 0;
}
