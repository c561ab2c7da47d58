/*
 * language_test.c
 *		Which language a locale and an Accept-Language header get.
 */
#include <stdlib.h>

#include "check.h"
#include "text/language.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const offered[] = {"en", "fr", "de", "de-CH", "zh-Hant"};

static const char *
name_of(int index)
{
	return index < 0 ? "none" : offered[index];
}

static void
test_locales(void)
{
	static const char *const vectors[][2] = {
		{"fr", "fr"},
		{"fr-CA", "fr"},
		{"fr_CA", "fr"},
		{"FR", "fr"},
		{"de", "de"},
		{"de-AT", "de"},
		{"de-ch", "de-CH"},
		{"DE_CH_1996", "de-CH"},
		{"zh-hant-TW", "zh-Hant"},
		{"zh", "none"},
		{"zh-Hans", "none"},
		{"fra", "none"},
		{"f", "none"},
		{"", "none"},
		{"de,fr", "none"},
	};
	static const char *const with_all[] = {"", "en"};
	size_t i;

	for (i = 0; i < COUNT(vectors); i++)
		CHECK_THAT(
			strcmp(name_of(language_for_locale(offered, COUNT(offered), slice_of(vectors[i][0]))), vectors[i][1]) == 0,
			vectors[i][0]);
	CHECK(language_for_locale(with_all, 2, slice_of("it")) == 0);
	CHECK(language_for_locale(with_all, 2, slice_of("en-GB")) == 1);
	CHECK(language_for_locale(with_all, 2, slice_of("")) == 0);
	CHECK(language_for_locale(NULL, 0, slice_of("en")) == -1);
	CHECK(language_fit(slice_of("de-CH"), slice_of("de")) == -1);
	CHECK(language_fit(slice_of("de_CH"), slice_of("DE-ch-x")) == 5);
}

static void
test_headers(void)
{
	static const char *const vectors[][2] = {
		{"fr", "fr"},
		{"fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"}, /* MDN */
		{"da, en-gb;q=0.8, en;q=0.7", "en"}, /* RFC 9110 section 12.5.4 */
		{"de;q=0.5,fr;q=0.6", "fr"},
		{"de;q=0.5,fr;q=0.5", "de"},
		{"en;q=0.001,de;q=0.002", "de"},
		{"DE-at;Q=0.9", "de"},
		{"  de \t;\t q=0.9 ,fr;q=0.8", "de"},
		{",, ,de", "de"},
		{"it,pt", "none"},
		{"it,de;q=0.1", "de"},
		{"de;q=0", "none"},
		{"de;q=0.000,fr;q=0.1", "fr"},
		{"*", "en"},
		{"*;q=0", "none"},
		{"en;q=0, *", "fr"},
		{"en-GB;q=0.1, *;q=0.5", "fr"},
		{"de, *;q=0.5", "de"},
		{"*;q=0.5, de;q=0.4", "en"},
		{"en,fr,de-CH,zh-Hant;q=0.1,*", "en"},
		/* malformed ranges are skipped, the others count */
		{"de;q=1.1,fr;q=0.1", "fr"},
		{"de;q=2,fr;q=0.1", "fr"},
		{"de;q=0.1234,fr;q=0.1", "fr"},
		{"de;q=,fr;q=0.1", "fr"},
		{"de;q=x,fr;q=0.1", "fr"},
		{"de;q=-1,fr;q=0.1", "fr"},
		{"de;q=0,5,fr;q=0.1", "fr"},
		{"de;q=0x1,fr;q=0.1", "fr"},
		{"de;level=1,fr;q=0.1", "fr"},
		{"de;q=1;q=1,fr;q=0.1", "fr"},
		{"de;q=1.000,fr", "de"},
		{"de;q=1.,fr;q=0.9", "de"},
		{"<script>,\xff\xfe,fr", "fr"},
		{";q=1", "none"},
		{"", "none"},
		{" ", "none"},
		{"'; DROP TABLE", "none"},
	};
	char *copy;
	size_t i;

	for (i = 0; i < COUNT(vectors); i++)
	{
		size_t n = strlen(vectors[i][0]);

		/* of exactly its length, so that the sanitizer sees a byte beyond */
		copy = memcpy(malloc(n + 1), vectors[i][0], n);
		copy = realloc(copy, n > 0 ? n : 1);
		CHECK_THAT(strcmp(name_of(language_for_header(offered, COUNT(offered), (Slice){copy, n})), vectors[i][1]) == 0,
				   vectors[i][0]);
		free(copy);
	}
	CHECK(language_for_header(offered, COUNT(offered), (Slice){"\0fr", 3}) == -1);
	CHECK(language_for_header(NULL, 0, slice_of("fr,*")) == -1);
}

/* What comes late in a long header is not read. */
static void
test_long(void)
{
	size_t n = 1 << 20;
	char *header = malloc(n);

	memset(header, ',', n);
	memcpy(header + 1000, "de", 2);
	CHECK(language_for_header(offered, COUNT(offered), (Slice){header, n}) == 2);
	memset(header + 1000, ',', 2);
	memcpy(header + 5000, "de", 2);
	CHECK(language_for_header(offered, COUNT(offered), (Slice){header, n}) == -1);
	free(header);
}

int
main(void)
{
	test_locales();
	test_headers();
	test_long();
	return finish();
}
