/*
 * pwpolicy_test.c
 *		The byte sets of the password rules, all 256 values, and the limits.
 */
#include "check.h"
#include "pwhash/pwpolicy.h"

#define MIN 8
#define MAX 1024
#define SETS \
	(PWPOLICY_MISSING_UPPERCASE | PWPOLICY_MISSING_LOWERCASE | PWPOLICY_MISSING_DIGIT | PWPOLICY_MISSING_SPECIAL)

typedef struct Case
{
	const char *password;
	unsigned violations;
} Case;

/* ASCII only, so that bytes are characters. */
static const Case cases[] = {
	{"Abcdef1!", 0},
	{"Abcdefg1", PWPOLICY_MISSING_SPECIAL},
	{"Abcdefg1'", PWPOLICY_MISSING_SPECIAL},
	{"Abcdefg1\\", PWPOLICY_MISSING_SPECIAL},
	{"Abcdef 1", PWPOLICY_MISSING_SPECIAL},
	{"Abcde1!", PWPOLICY_TOO_SHORT},
	{"abcdef1!", PWPOLICY_MISSING_UPPERCASE},
	{"ABCDEF1!", PWPOLICY_MISSING_LOWERCASE},
	{"Abcdefg!", PWPOLICY_MISSING_DIGIT},
	{"", PWPOLICY_TOO_SHORT | SETS},
	{"aaaaaaaa", SETS & ~PWPOLICY_MISSING_LOWERCASE},
	{"        ", SETS},
	{"!!!!!!!", PWPOLICY_TOO_SHORT | (SETS & ~PWPOLICY_MISSING_SPECIAL)},
};

/* The specials as the contract lists them, written a second time and sorted by value. */
static bool
is_special(int byte)
{
	return (byte >= 0x21 && byte <= 0x2f && byte != 0x27) || (byte >= 0x3a && byte <= 0x40) || byte == 0x5b ||
		   (byte >= 0x5d && byte <= 0x60) || (byte >= 0x7b && byte <= 0x7e);
}

/* Verdict on a password whose bytes are characters, under the usual limits. */
static unsigned
violations(const char *password, size_t bytes)
{
	return pwpolicy_violations(PWPOLICY_DJUST, (Slice){password, bytes}, bytes, MIN, MAX);
}

/* The table above. */
static void
test_cases(void)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_THAT(violations(cases[i].password, strlen(cases[i].password)) == cases[i].violations, cases[i].password);
}

/* Each byte in turn is the only candidate for the special, then for each other set. */
static void
test_every_byte(void)
{
	int specials = 0;
	int byte;

	for (byte = 0; byte < 256; byte++)
	{
		char password[] = "Abcdef1?";
		char alone[1];
		unsigned expected = SETS;

		password[7] = alone[0] = (char) byte;
		specials += is_special(byte);
		CHECK(violations(password, 8) == (is_special(byte) ? 0 : PWPOLICY_MISSING_SPECIAL));

		if (byte >= 'A' && byte <= 'Z')
			expected &= ~PWPOLICY_MISSING_UPPERCASE;
		else if (byte >= 'a' && byte <= 'z')
			expected &= ~PWPOLICY_MISSING_LOWERCASE;
		else if (byte >= '0' && byte <= '9')
			expected &= ~PWPOLICY_MISSING_DIGIT;
		else if (is_special(byte))
			expected &= ~PWPOLICY_MISSING_SPECIAL;
		CHECK(pwpolicy_violations(PWPOLICY_DJUST, (Slice){alone, 1}, 1, 1, MAX) == expected);
	}
	CHECK(specials == 30);
}

/* Characters are the caller's count; bytes have a limit of their own; a NUL byte ends nothing. */
static void
test_limits(void)
{
	static char longest[MAX + 1];

	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "A1!", 3);
	CHECK(violations(longest, MAX) == 0);
	CHECK(violations(longest, MAX + 1) == PWPOLICY_TOO_LONG);
	CHECK(pwpolicy_violations(PWPOLICY_DJUST, (Slice){"Aa1!\xc3\xa9\xc3\xa9\xc3\xa9", 10}, 7, MIN, MAX) ==
		  PWPOLICY_TOO_SHORT);
	CHECK(pwpolicy_violations(PWPOLICY_DJUST, (Slice){"Aa1!\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 12}, 8, MIN, MAX) == 0);
	CHECK(pwpolicy_violations(PWPOLICY_DJUST, (Slice){"Abcdef1!", 8}, 8, 9, 7) ==
		  (PWPOLICY_TOO_SHORT | PWPOLICY_TOO_LONG));
	CHECK(violations("Abcdef1\0!", 9) == 0);
	CHECK(violations("Abcdef1\0", 8) == PWPOLICY_MISSING_SPECIAL);
}

/* Length alone, and never less than 15. */
static void
test_nist(void)
{
	CHECK(pwpolicy_violations(PWPOLICY_NIST, (Slice){"tulips and roses", 16}, 16, 15, MAX) == 0);
	CHECK(pwpolicy_violations(PWPOLICY_NIST, (Slice){"", 0}, 0, 15, MAX) == PWPOLICY_TOO_SHORT);
	CHECK(pwpolicy_violations(PWPOLICY_NIST, (Slice){"Abcdef1!", 8}, 8, 15, 7) ==
		  (PWPOLICY_TOO_SHORT | PWPOLICY_TOO_LONG));
	CHECK(pwpolicy_min_characters(PWPOLICY_NIST, 8) == 15);
	CHECK(pwpolicy_min_characters(PWPOLICY_NIST, 16) == 16);
	CHECK(pwpolicy_min_characters(PWPOLICY_DJUST, 8) == 8);
	CHECK(pwpolicy_rules(PWPOLICY_DJUST) == (1 << PWPOLICY_VIOLATIONS) - 1);
	CHECK(pwpolicy_rules(PWPOLICY_NIST) == (pwpolicy_rules(PWPOLICY_DJUST) & ~(unsigned) SETS));
}

/* One code per bit, in the order of the bits. */
static void
test_codes(void)
{
	CHECK(strcmp(pwpolicy_code(0), "too_short") == 0 && PWPOLICY_TOO_SHORT == 1 << 0);
	CHECK(strcmp(pwpolicy_code(1), "too_long") == 0 && PWPOLICY_TOO_LONG == 1 << 1);
	CHECK(strcmp(pwpolicy_code(2), "missing_uppercase") == 0 && PWPOLICY_MISSING_UPPERCASE == 1 << 2);
	CHECK(strcmp(pwpolicy_code(3), "missing_lowercase") == 0 && PWPOLICY_MISSING_LOWERCASE == 1 << 3);
	CHECK(strcmp(pwpolicy_code(4), "missing_digit") == 0 && PWPOLICY_MISSING_DIGIT == 1 << 4);
	CHECK(strcmp(pwpolicy_code(5), "missing_special") == 0 && PWPOLICY_MISSING_SPECIAL == 1 << 5);
	CHECK(strcmp(pwpolicy_code(6), "too_common") == 0 && PWPOLICY_TOO_COMMON == 1 << 6);
	CHECK(pwpolicy_code(PWPOLICY_VIOLATIONS) == NULL);
}

int
main(void)
{
	test_cases();
	test_every_byte();
	test_limits();
	test_nist();
	test_codes();
	return finish();
}
