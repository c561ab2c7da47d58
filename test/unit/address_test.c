/*
 * address_test.c
 *		The normal form of addresses: cases, and properties over all of Unicode.
 */
#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "text/address.h"
#include "check.h"
#include "text/unicode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LAST 0x10ffff

typedef struct Case
{
	const char *text;
	const char *normal; /* NULL where refused */
	AddressFault fault;
} Case;

#define TEN "abcdefghij"
#define SIXTY TEN TEN TEN TEN TEN TEN

static const Case cases[] = {
	{"ann@example.com", "ann@example.com", ADDRESS_OK},
	{"ANN@Example.COM", "ann@example.com", ADDRESS_OK},
	{" \t\r\n ann@example.com\f\v ", "ann@example.com", ADDRESS_OK},
	{"J\xcc\x8c@example.com", "\xc7\xb0@example.com", ADDRESS_OK},
	{"\xc7\xb0@example.com", "\xc7\xb0@example.com", ADDRESS_OK},
	{"Ä@example.com", "ä@example.com", ADDRESS_OK},
	{"A\xcc\x88@example.com", "ä@example.com", ADDRESS_OK},
	{"straße@example.com", "straße@example.com", ADDRESS_OK},
	{"STRAẞE@example.com", "straße@example.com", ADDRESS_OK},
	{"strasse@example.com", "strasse@example.com", ADDRESS_OK},
	{"ΝΊΚΟΣ@example.com", "νίκοσ@example.com", ADDRESS_OK},
	{"νίκος@example.com", "νίκοσ@example.com", ADDRESS_OK},
	{"\xc5\xbfun@example.com", "sun@example.com", ADDRESS_OK},
	{"\xe2\x84\xaa@example.com", "k@example.com", ADDRESS_OK},
	{"INFO@example.com", "info@example.com", ADDRESS_OK},
	{"\xc4\xb1nfo@example.com", "\xc4\xb1nfo@example.com", ADDRESS_OK},
	{"\xc4\xb0nfo@example.com", "\xc4\xb0nfo@example.com", ADDRESS_OK},
	{"ann+tag@example.com", "ann+tag@example.com", ADDRESS_OK},
	{"a.n.n@gmail.com", "a.n.n@gmail.com", ADDRESS_OK},
	{".a..b.@example.com", ".a..b.@example.com", ADDRESS_OK},
	{"o'neil!#$%&*/=?^_`{|}~@example.com", "o'neil!#$%&*/=?^_`{|}~@example.com", ADDRESS_OK},
	{"💐@example.com", "💐@example.com", ADDRESS_OK},
	{"ann@localhost", "ann@localhost", ADDRESS_OK},
	{"ann@r3---sn.example", "ann@r3---sn.example", ADDRESS_OK},

	/* one mailbox */
	{"user@münchen.example", "user@xn--mnchen-3ya.example", ADDRESS_OK},
	{"user@MÜNCHEN.example", "user@xn--mnchen-3ya.example", ADDRESS_OK},
	{"user@mu\xcc\x88nchen.example", "user@xn--mnchen-3ya.example", ADDRESS_OK},
	{"user@XN--MNCHEN-3YA.example", "user@xn--mnchen-3ya.example", ADDRESS_OK},
	{"user@ｅｘａｍｐｌｅ.com", "user@example.com", ADDRESS_OK},
	{"user@bücher。example", "user@xn--bcher-kva.example", ADDRESS_OK},
	{"user@a.ｂ．c｡d", "user@a.b.c.d", ADDRESS_OK},
	{"user@straße.example", "user@xn--strae-oqa.example", ADDRESS_OK},
	{"user@STRAẞE.example", "user@xn--strae-oqa.example", ADDRESS_OK},
	{"user@STRASSE.example", "user@strasse.example", ADDRESS_OK},
	{"user@4.example", "user@4.example", ADDRESS_OK},
	{"user@example.x4", "user@example.x4", ADDRESS_OK},
	{"user@strasse.example", "user@strasse.example", ADDRESS_OK},
	{"user@中国", "user@xn--fiqs8s", ADDRESS_OK},
	{"user@xn--ls8h.la", "user@xn--ls8h.la", ADDRESS_OK},

	/* at the ends */
	{"ann@example.com\xe2\x80\x8b", "ann@example.com", ADDRESS_OK}, /* zero width space */
	{"\xc2\xa0"
	 "ann@example.com\xc2\xa0",
	 "ann@example.com",
	 ADDRESS_OK}, /* no-break space */
	{"\xef\xbb\xbf"
	 "ann@example.com\xef\xbb\xbf",
	 "ann@example.com",
	 ADDRESS_OK}, /* byte order mark */
	{"\xe2\x80\xae"
	 "ann@example.com\xe2\x80\xae",
	 "ann@example.com",
	 ADDRESS_OK}, /* right-to-left override */
	{"ann@example.com\xc2\x85", "ann@example.com", ADDRESS_OK}, /* next line */
	{"\xe3\x80\x80"
	 "ann@example.com\xe2\x81\xa0\xc2\xad",
	 "ann@example.com",
	 ADDRESS_OK}, /* ideographic space; word joiner, soft hyphen */

	/* inside */
	{"an\xe2\x80\x8bn@example.com", NULL, ADDRESS_INVISIBLE},
	{"ann\xe2\x80\x8b@example.com", NULL, ADDRESS_INVISIBLE},
	{"ann@\xe2\x80\x8b"
	 "example.com",
	 NULL,
	 ADDRESS_INVISIBLE},
	{"ann@exam\xc2\xadple.com", NULL, ADDRESS_INVISIBLE},
	{"ann@example\xef\xbb\xbf.com", NULL, ADDRESS_INVISIBLE},
	{"ann\xe2\x80\xae@example.com", NULL, ADDRESS_INVISIBLE},
	{"ann\xe2\x81\xa6@example.com", NULL, ADDRESS_INVISIBLE},
	{"ann\xe2\xa0\x80@example.com", NULL, ADDRESS_INVISIBLE}, /* blank braille pattern */
	{"ann\xe3\x85\xa4@example.com", NULL, ADDRESS_INVISIBLE}, /* hangul filler */
	{"ann\xef\xb8\x8f@example.com", NULL, ADDRESS_INVISIBLE}, /* variation selector */
	{"ann\xf3\xa0\x81\x81@example.com", NULL, ADDRESS_INVISIBLE}, /* tag */
	{"an\xc2\xa0n@example.com", NULL, ADDRESS_SYNTAX},
	{"an n@example.com", NULL, ADDRESS_SYNTAX},
	{"ann@exam\xc2\x85ple.com", NULL, ADDRESS_CONTROL},
	{"ann\xe2\x80\xa8@example.com", NULL, ADDRESS_CONTROL},
	{"ann\n@example.com", NULL, ADDRESS_CONTROL},
	{"ann\x7f@example.com", NULL, ADDRESS_CONTROL},
	{"ann@example.com\x01", NULL, ADDRESS_CONTROL},
	{"ann\xcd\xbe@example.com", NULL, ADDRESS_SYNTAX}, /* Greek question mark, in NFC a semicolon */
	{"\xcc\x81"
	 "ann@example.com",
	 NULL,
	 ADDRESS_MARK},
	{"ann\xcd\xb8@example.com", NULL, ADDRESS_UNASSIGNED}, /* U+0378 */
	{"ann\xef\xbf\xbf@example.com", NULL, ADDRESS_UNASSIGNED}, /* U+FFFF */
	{"ann\xff@example.com", NULL, ADDRESS_NOT_UTF8},
	{"ann\xc1\x80@example.com", NULL, ADDRESS_NOT_UTF8},
	{"ann\xed\xa0\x80@example.com", NULL, ADDRESS_NOT_UTF8},
	{"ann@example.com\xc3", NULL, ADDRESS_NOT_UTF8},
	{"\"ann\"@example.com", NULL, ADDRESS_SYNTAX},
	{"ann(x)@example.com", NULL, ADDRESS_SYNTAX},
	{"a@[192.0.2.1]", NULL, ADDRESS_SYNTAX},
	{"a;b@example.com", NULL, ADDRESS_SYNTAX},
	{"a,b@example.com", NULL, ADDRESS_SYNTAX},

	/* one @ */
	{"", NULL, ADDRESS_NO_AT},
	{" ", NULL, ADDRESS_NO_AT},
	{"ann", NULL, ADDRESS_NO_AT},
	{"@example.com", NULL, ADDRESS_NO_AT},
	{"ann@", NULL, ADDRESS_NO_AT},
	{"ann@b@example.com", NULL, ADDRESS_NO_AT},
	{"ann＠example.com", NULL, ADDRESS_NO_AT},

	/* domains no mail can reach */
	{"ann@example..com", NULL, ADDRESS_EMPTY_LABEL},
	{"ann@.example.com", NULL, ADDRESS_EMPTY_LABEL},
	{"ann@example.com.", NULL, ADDRESS_EMPTY_LABEL},
	{"ann@example.com。", NULL, ADDRESS_EMPTY_LABEL},
	{"ann@-example.com", NULL, ADDRESS_HYPHEN},
	{"ann@example-.com", NULL, ADDRESS_HYPHEN},
	{"ann@münchen-.example", NULL, ADDRESS_HYPHEN},
	{"ann@xn--.example", NULL, ADDRESS_HYPHEN},
	{"ann@exam_ple.com", NULL, ADDRESS_DOMAIN_SIGN},
	{"ann@192.0.2.1", NULL, ADDRESS_NUMBER},
	{"ann@example.123", NULL, ADDRESS_NUMBER},
	{"ann@１２３", NULL, ADDRESS_NUMBER},
	{"ann@7", NULL, ADDRESS_NUMBER},
	{"ann@münchen_1.example", NULL, ADDRESS_DOMAIN_SIGN},
	{"ann@exam＿ple.com", NULL, ADDRESS_DOMAIN_SIGN},
	{"ann@exam*ple.com", NULL, ADDRESS_DOMAIN_SIGN},
	{"ann@example.com/x", NULL, ADDRESS_DOMAIN_SIGN},
	{"ann@💩.la", NULL, ADDRESS_NO_DOMAIN_NAME},
	{"ann@\xcc\x81"
	 "example.com",
	 NULL,
	 ADDRESS_NO_DOMAIN_NAME},
	{"ann@1א.example", NULL, ADDRESS_NO_DOMAIN_NAME},
	{"ann@" SIXTY "abc.example", "ann@" SIXTY "abc.example", ADDRESS_OK},
	{"ann@" SIXTY "abcd.example", NULL, ADDRESS_LONG_LABEL},
	{"ann@ü" SIXTY ".example", NULL, ADDRESS_LONG_LABEL},

	/* lengths */
	{SIXTY "abcd@example.com", SIXTY "abcd@example.com", ADDRESS_OK},
	{SIXTY "abcde@example.com", NULL, ADDRESS_LOCAL_TOO_LONG},
	{"ann@" SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdef",
	 "ann@" SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdef",
	 ADDRESS_OK},
	{"ann@" SIXTY "." SIXTY "." SIXTY "." SIXTY ".abcdefg", NULL, ADDRESS_TOO_LONG},
};

static void
test_cases(void)
{
	size_t i;

	for (i = 0; i < COUNT(cases); i++)
	{
		Address out;
		AddressFault fault = address_parse(slice_of(cases[i].text), ADDRESS_FOLD, &out);

		CHECK_THAT(fault == cases[i].fault && strcmp(out.text, cases[i].normal ? cases[i].normal : "") == 0 &&
					   out.length == strlen(out.text),
				   cases[i].text);
	}
}

/* Senders keep their capitals, and nothing else differs. */
static void
test_kept_case(void)
{
	Address out;

	CHECK(address_parse(slice_of(" No-Reply@Shop.EXAMPLE"), ADDRESS_KEEP, &out) == ADDRESS_OK &&
		  strcmp(out.text, "No-Reply@shop.example") == 0);
	CHECK(address_parse(slice_of("A\xcc\x88@M\xc3\x9cNCHEN.example"), ADDRESS_KEEP, &out) == ADDRESS_OK &&
		  strcmp(out.text, "Ä@xn--mnchen-3ya.example") == 0);
	CHECK(address_parse((Slice){"a\0b@c.example", 13}, ADDRESS_KEEP, &out) == ADDRESS_CONTROL);
}

/* All white space and much else may stand around an address; only what is in it counts. */
static void
test_long_margins(void)
{
	static char text[100000];
	Address out;

	memset(text, ' ', sizeof(text));
	memcpy(text + 50000, "ann@example.com", 15);
	CHECK(address_parse((Slice){text, sizeof(text)}, ADDRESS_FOLD, &out) == ADDRESS_OK &&
		  strcmp(out.text, "ann@example.com") == 0);
	memset(text, 'a', sizeof(text));
	CHECK(address_parse((Slice){text, sizeof(text)}, ADDRESS_FOLD, &out) == ADDRESS_TOO_LONG);
}

static size_t
put(char *out, size_t at, uint32_t c)
{
	return at + (size_t) u8_uctomb((uint8_t *) out + at, c, 4);
}

/* Count of what broke; each property has one check, so that a failure prints one line and the first text. */
static int unstable;
static int visible;

static void
examine(const char *text, size_t n)
{
	static const AddressCase kinds[] = {ADDRESS_FOLD, ADDRESS_KEEP};
	Address once;
	Address twice;
	size_t k;

	for (k = 0; k < 2; k++)
	{
		if (address_parse((Slice){text, n}, kinds[k], &once) != ADDRESS_OK)
			continue;
		if ((address_parse(slice_of(once.text), kinds[k], &twice) != ADDRESS_OK ||
			 strcmp(once.text, twice.text) != 0) &&
			unstable++ == 0)
			fprintf(stderr, "not idempotent: %.*s\n", (int) n, text);
		if (strspn(strchr(once.text, '@'), "@abcdefghijklmnopqrstuvwxyz0123456789-.") !=
				strlen(strchr(once.text, '@')) &&
			visible++ == 0)
			fprintf(stderr, "no host name: %.*s\n", (int) n, text);
	}
}

/* first and second as the local part, in it, and as and in a label of the domain. */
static void
examine_pair(uint32_t first, uint32_t second)
{
	static const char *const frames[][2] = {
		{"", "@example.com"}, {"a", "b@example.com"}, {"a@", ".example"}, {"a@b", "c"}};
	size_t i;

	for (i = 0; i < COUNT(frames); i++)
	{
		char text[64];
		size_t n = strlen(frames[i][0]);

		memcpy(text, frames[i][0], n);
		n = put(text, n, first);
		if (second)
			n = put(text, n, second);
		memcpy(text + n, frames[i][1], strlen(frames[i][1]));
		examine(text, n + strlen(frames[i][1]));
	}
}

static bool
is_scalar(uint32_t c)
{
	return c < 0xd800 || c > 0xdfff;
}

static void
test_all_code_points(void)
{
	uint32_t c;

	for (c = 1; c <= LAST; c++)
		if (is_scalar(c))
			examine_pair(c, 0);
	CHECK_THAT(unstable == 0, "one code point: normal(normal(x)) = normal(x)");
	CHECK_THAT(visible == 0, "one code point: domains are host names");
}

/*
 * Every character that has a case or takes part in a composition, before every mark that does: those are the pairs that
 * normalising and folding change.
 */
static void
test_pairs(void)
{
	static uint32_t bases[LAST];
	static uint32_t marks[LAST];
	static bool composes[LAST + 1];
	size_t n_bases = 0;
	size_t n_marks = 0;
	size_t i;
	size_t j;
	uint32_t c;

	for (c = 0x80; c <= LAST; c++)
		if (is_scalar(c) && uni_is_mark(c) && uc_combining_class(c) != 0)
			marks[n_marks++] = c;
	for (c = 0x80; c <= LAST; c++)
	{
		ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];

		if (is_scalar(c) && uc_canonical_decomposition(c, parts) == 2 && uc_composition(parts[0], parts[1]) == c)
			composes[parts[0]] = true;
	}
	for (c = '0'; c <= LAST; c++)
		if (is_scalar(c) && (composes[c] || uni_fold(c) != c || uc_toupper(c) != c))
			bases[n_bases++] = c;
	for (i = 0; i < n_bases; i++)
		for (j = 0; j < n_marks; j++)
			if (uc_composition(bases[i], marks[j]) || uc_composition(uni_fold(bases[i]), marks[j]) ||
				uni_fold(marks[j]) != marks[j] || (i + j) % 23 == 0)
				examine_pair(bases[i], marks[j]);
	CHECK_THAT(n_bases > 2000 && n_marks > 500, "there are pairs to try");
	CHECK_THAT(unstable == 0, "two code points: normal(normal(x)) = normal(x)");
	CHECK_THAT(visible == 0, "two code points: domains are host names");
}

/* The fold of a, by libunistring's full case folding: another table than the one that uni_fold asks. */
static size_t
full_fold(uint32_t c, uint32_t folded[16])
{
	size_t n = 16;

	return u32_casefold(&c, 1, NULL, UNINORM_NFC, folded, &n) == folded ? n : 0;
}

/* Simple folding, where full folding gives one code point, is that; nothing else is brought together. */
static void
test_fold(void)
{
	uint32_t folded[16];
	uint32_t other[16];
	uint32_t c;
	int apart = 0;
	int merged = 0;

	for (c = 0; c <= LAST; c++)
	{
		size_t n = is_scalar(c) ? full_fold(c, folded) : 0;
		uint32_t mine = uni_fold(c);

		if (n == 1 && uc_canonical_decomposition(c, other) < 0 && uni_fold(folded[0]) != mine && apart++ == 0)
			fprintf(stderr, "U+%04X and U+%04X stay apart\n", c, folded[0]);
		if (is_scalar(c) && (full_fold(mine, other) != n || memcmp(folded, other, n * sizeof(folded[0])) != 0) &&
			merged++ == 0)
			fprintf(stderr, "U+%04X became U+%04X\n", c, mine);
		if (uni_fold(mine) != mine && apart++ == 0)
			fprintf(stderr, "U+%04X folds twice\n", c);
	}
	CHECK_THAT(apart == 0, "what case folding brings together is brought together");
	CHECK_THAT(merged == 0, "nothing else is");
}

/* No character vanishes from a domain: what UTS 46 ignores is refused before. */
static void
test_nothing_vanishes(void)
{
	uint32_t c;
	int vanished = 0;

	for (c = 0x80; c <= LAST; c++)
	{
		char text[32] = "x@a";
		size_t n = is_scalar(c) ? put(text, 3, c) : 0;
		Address out;

		if (n == 0)
			continue;
		memcpy(text + n, "b", 2);
		if (address_parse((Slice){text, n + 1}, ADDRESS_FOLD, &out) == ADDRESS_OK && strcmp(out.text, "x@ab") == 0 &&
			vanished++ == 0)
			fprintf(stderr, "U+%04X vanishes\n", c);
	}
	CHECK_THAT(vanished == 0, "no character vanishes from a domain");
}

static void
test_texts(void)
{
	int fault;

	for (fault = ADDRESS_OK; fault <= ADDRESS_NO_DOMAIN_NAME; fault++)
		CHECK(address_fault_text((AddressFault) fault) != NULL &&
			  strlen(address_fault_text((AddressFault) fault)) > 20);
	CHECK(strlen(address_fault_text((AddressFault) 99)) > 20);
}

int
main(void)
{
	test_cases();
	test_kept_case();
	test_long_margins();
	test_fold();
	test_nothing_vanishes();
	test_all_code_points();
	test_pairs();
	test_texts();
	return finish();
}
