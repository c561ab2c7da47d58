/*
 * pwcommon_test.c
 *		What is too common, what is not, and what is said to have been found.
 */
#include <ctype.h>

#include "check.h"
#include "pwhash/pwcommon.h"
#include "pwhash/pwcommon_words.h"

typedef struct Case
{
	const char *password;
	const char *found; /* NULL: not common */
} Case;

static PwCommon work;

/* Passwords of ann.smith@example.com, in the shop Rosenhof. */
static const Case cases[] = {
	/* the contract's */
	{"Password1!", "password"},
	{"P@ssw0rd2026!", "password, 2026"},
	{"Welcome1!", "welcome"},
	{"Summer2024!", "summer, 2024"},
	{"Ann.Smith1@example.com", "ann.smith, @example.com"},
	{"Tulips-4-Ann", NULL},
	/* substitutions, capitals, diacritics, ligatures; backwards */
	{"Pa$$w0rt!7", "passwort"},
	{"W1lkommen1!", NULL},
	{"WI||k0mm3n!1", "willkommen"},
	{"Pr1nz3ss1n!", "prinzessin"},
	{"\xc3\x89"
	 "t\xc3\xa9"
	 "2024!!",
	 "ete, 2024"},
	{"\xc3\x89t\xc3\xa9\xe2\x80\x8b-2024", "ete, 2024"},
	{"M\xc3\xa4rz-2024", "marz, 2024"},
	{"Wei\xc3\x9f-123!", "weiss, 123"},
	{"S\xc5\x93ur-1!", "soeur"},
	{"drowssaP1!", "password"},
	/* walks and sequences, either way, with Shift and without */
	{"Qwertz123!", "qwertz, 123"},
	{"1qaz@WSX", "1qaz@wsx"},
	{"!QAZ1qaz", "!qaz, 1qaz"},
	{"zxcvBNM0)", "zxcvbnm"},
	{"lkjhgFD9!", "lkjhgfd"},
	{"Abcdefg1!", "abcdefg"},
	{"A1b2c3d4!", "a1b2c3d4"},
	{"9876543210aB!", "9876543210"},
	{"1Q2w3e4r$", "1q2w3e4r"},
	{"Gfdsa-24680", "gfdsa, 2468"},
	/* years and dates */
	{"Lena-1998!", "lena, 1998"},
	{"Max24.12.1999", "max, 24.12.1999"},
	{"Lena241298!", "lena, 241298"},
	{"Lena19981224!", "lena, 19981224"},
	{"Lena24121998!", "lena, 24121998"},
	{"Lena1/5/99!", "lena, 1/5/99"},
	{"Lena-7318!", NULL},
	{"Lena32.13.99", NULL},
	{"Lena1.5.77777", NULL},
	/* repetitions */
	{"Kz7-Kz7-Kz7-", ""},
	{"LenaLena1!Lena", "lena"},
	{"Xx!111111111", "111111"},
	{"1!|1!|1!|1!|", ""},
	/* the address, the shop */
	{"Ann-Smith-1!", "ann, smith"},
	{"Smith+Ann+1", "smith, ann"},
	{"Example.c0m1!", "example.c0m"},
	{"R0senh0f2026!", "r0senh0f, 2026"},
	{"Rosenhof-Ann-1!", "rosenhof, ann"},
	/* words alone make nothing common; three letters inside of others are no word */
	{"Correct-Horse-7-Staple", NULL},
	{"Monkey-Dragon-7-Sunshine", NULL},
	{"tulips and roses", NULL},
	{"Tulips", NULL},
	{"k#9Wq!zR", NULL},
	/* fewer than five characters are too short, not common */
	{"Ab1!", NULL},
	{"", NULL},
};

static bool
judge(const char *password, PwListed listed, void *arg)
{
	return pwcommon_judge(slice_of(password),
						  slice_of("ann.smith@example.com"),
						  slice_of(" Rosenhof,Blumen am Markt"),
						  listed,
						  arg,
						  &work);
}

static void
test_cases(void)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		bool common = judge(cases[i].password, NULL, NULL);

		CHECK_THAT(common == (cases[i].found != NULL), cases[i].password);
		if (cases[i].found)
			CHECK_THAT(strcmp(work.found, cases[i].found) == 0, work.found);
	}
}

/* Her address is hers: nobody else's password is common for it. */
static void
test_address(void)
{
	Slice password = slice_of("Xaver.Quast7@blumen.example");
	Slice nobody = slice_of("");

	CHECK(!pwcommon_judge(password, nobody, nobody, NULL, NULL, &work));
	CHECK(!pwcommon_judge(password, slice_of("x@y.z"), nobody, NULL, NULL, &work));
	CHECK(pwcommon_judge(password, slice_of("xaver.quast7@blumen.example"), nobody, NULL, NULL, &work));
	CHECK(pwcommon_judge(password, slice_of("xaver.quast@blumen.example"), nobody, NULL, NULL, &work));
	CHECK(pwcommon_judge(slice_of("Quast-Xaver-7!"), slice_of("xaver_quast@b.example"), nobody, NULL, NULL, &work));
	CHECK(pwcommon_judge(slice_of("Blumen7!"), slice_of("x@blumen.example"), nobody, NULL, NULL, &work));
	CHECK(pwcommon_judge(slice_of("\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd-7!"),
						 slice_of("\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd@x.example"),
						 nobody,
						 NULL,
						 NULL,
						 &work));
}

typedef struct List
{
	const char *entry;
	int asked;
} List;

static bool
is_entry(Slice word, bool whole, void *arg)
{
	List *list = arg;
	Slice entry = slice_of(list->entry);

	list->asked++;
	if (!whole && word.length < entry.length)
		entry.length = word.length;
	return slice_equal(word, entry);
}

/* Entries are found as words, as typed or with substitutions undone, and only where they decide. */
static void
test_list(void)
{
	List list = {"geranien", 0};

	CHECK(judge("Geranien1!", is_entry, &list) && strcmp(work.found, "geranien") == 0);
	CHECK(list.asked < 20);
	CHECK(judge("G3ran13n-2024", is_entry, &list) && strcmp(work.found, "geranien") == 0);
	CHECK(!judge("Geranien-xkpq!", is_entry, &list));
	CHECK(!judge("Geranjen1!", is_entry, &list));
	CHECK(judge("Ge\xcc\x81ranien1!", is_entry, &list));
	list.entry = "kling";
	CHECK(judge("K1!ng-1!", is_entry, &list) == false && judge("K1ing-1!", is_entry, &list));
	list.entry = "t\xc3\xbcrkis\xe2\x82\xac\xf0\x9f\x98\x80";
	CHECK(judge("T\xc3\x9crkis\xe2\x82\xac\xf0\x9f\x98\x80-1", is_entry, &list));
	list.entry = "stra\xc3\x9f"
				 "enkreuz";
	CHECK(judge("Stra\xc3\x9f"
				"enkreuz!1",
				is_entry,
				&list));
	list.entry = "strassenkreuz";
	CHECK(judge("Stra\xc3\x9f"
				"enkreuz!1",
				is_entry,
				&list));
	list.asked = 0;
	CHECK(judge("Password1!", is_entry, &list) && list.asked == 0);
}

/* Sorted bytewise, without repetitions, a to z: the search relies on it. */
static void
test_words(void)
{
	size_t i;
	size_t at;

	CHECK(pwcommon_word_count > 4000);
	for (i = 0; i < pwcommon_word_count; i++)
	{
		const char *word = pwcommon_words[i];

		CHECK_THAT(strlen(word) >= 3 && strlen(word) <= PWCOMMON_WORD, word);
		for (at = 0; word[at]; at++)
			CHECK_THAT(islower((unsigned char) word[at]), word);
		CHECK_THAT(i == 0 || strcmp(pwcommon_words[i - 1], word) < 0, word);
	}
}

/* Each built-in word is found, whatever it begins or ends with. */
static void
test_every_word(void)
{
	char password[PWCOMMON_WORD + 4];
	size_t i;

	for (i = 0; i < pwcommon_word_count; i++)
	{
		snprintf(password, sizeof(password), "%s-7", pwcommon_words[i]);
		password[0] = (char) toupper((unsigned char) password[0]);
		CHECK_THAT(judge(password, NULL, NULL) && work.found[0] != '\0', password);
	}
}

/* The longest passwords, bytes that are not UTF-8; nothing is left of a password but what was found. */
static void
test_limits(void)
{
	static char longest[PWCOMMON_LONGEST + 1];
	Slice nobody = slice_of("");
	size_t i;

	memset(longest, '1', PWCOMMON_LONGEST);
	CHECK(judge(longest, NULL, NULL));
	for (i = 0; i < PWCOMMON_LONGEST; i++)
		longest[i] = "kXq#7vZ"[(i * i + i / 7) % 7];
	CHECK(!judge(longest, NULL, NULL) && work.found[0] == '\0');
	for (i = 0; i + 2 <= PWCOMMON_LONGEST; i += 2)
		memcpy(longest + i, "\xc3\x9f", 2);
	CHECK(judge(longest, NULL, NULL));
	CHECK(pwcommon_judge((Slice){"\xff\xfe\xff\xfe\xff", 5}, nobody, nobody, NULL, NULL, &work));
	CHECK(!pwcommon_judge((Slice){"a\xff\xfe\xfd\xfc\xfb", 6}, nobody, nobody, NULL, NULL, &work));
	CHECK(judge("Password1!", NULL, NULL));
	for (i = 0; i < offsetof(PwCommon, found); i++)
		if (((const char *) &work)[i] != 0)
			break;
	CHECK(i == offsetof(PwCommon, found));
}

int
main(void)
{
	test_cases();
	test_address();
	test_list();
	test_words();
	test_every_word();
	test_limits();
	return finish();
}
