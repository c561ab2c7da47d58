/*
 * pwcommon_find.c
 *		Folding a password, and finding the words, walks and dates it is made of.
 *
 * Threat: a common password in disguise: capitals, accents, digits and signs in
 * place of letters, words read backwards, rows and columns of a keyboard.  A
 * character may stand for itself and for letters at the same time (1 in 2019
 * and in w1nter), so each word is looked for under every reading.
 *
 * Time: for each character of the password, one descent into the sorted words
 * and one comparison with each key of the walks; no more for longer passwords.
 */
#include "pwhash/pwcommon_find.h"
#include "pwhash/pwcommon_words.h"
#include "text/unicode.h"

#define NO_CHARACTER 0x110000 /* plus a byte that is not UTF-8 */
#define NFD_MAX 32 /* bytes of one code point in NFD, and more */
#define REVERSED_LEAST 5
#define OWN_LEAST 3
#define OWN_LONGEST 1024

typedef struct Walk
{
	const char *keys;
	size_t least; /* keys that make a walk */
} Walk;

/* Read in both directions; letters in order are in many words, so they need one key more than digits. */
static const Walk walks[] = {
	{"01234567890-=", 3},
	{"abcdefghijklmnopqrstuvwxyz", 4},
	/* rows: US, German, French */
	{"qwertyuiop[]", 4},
	{"asdfghjkl;'", 4},
	{"zxcvbnm,./", 4},
	{"qwertzuiop", 4},
	{"yxcvbnm", 4},
	{"azertyuiop", 4},
	{"qsdfghjklm", 4},
	{"wxcvbn", 4},
	/* columns */
	{"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/", 4},
	{"zaq1xsw2cde3vfr4bgt5nhy6mju7", 4},
	{"1qay2wsx3edc4rfv5tgb6zhn7ujm", 4},
	{"yaq1xsw2cde3vfr4bgt5nhz6mju7", 4},
	{"qazwsxedcrfvtgbyhnujmikolp", 4},
	/* two rows in turns */
	{"1q2w3e4r5t6y7u8i9o0p", 4},
	{"q1w2e3r4t5y6u7i8o9p0", 4},
	{"1q2w3e4r5t6z7u8i9o0p", 4},
	{"q1w2e3r4t5z6u7i8o9p0", 4},
	{"1a2z3e4r5t6y7u8i9o0p", 4},
	{"a1z2e3r4t5y6u7i8o9p0", 4},
	{"1a2b3c4d5e6f7g8h9i0j", 4},
	{"a1b2c3d4e5f6g7h8i9j0", 4},
	{"a1s2d3f4g5h6j7k8l9", 4},
	{"1a2s3d4f5g6h7j8k9l", 4},
	{"qawsedrftgyhujikolp", 5},
	{"zasxdcfvgbhnjmk", 5},
	/* numbers, and the pad of numbers */
	{"13579", 4},
	{"02468", 4},
	{"112233445566778899", 4},
	{"aabbccddeeffgg", 4},
	{"147258369", 6},
	{"741852963", 6},
	{"789456123", 6},
	{"159753", 6},
	{"159357", 6},
};

/* Keys with Shift on a US keyboard, and without. */
static const char shifted[] = "!@#$%^&*()_+{}|:\"<>?~";
static const char unshifted[] = "1234567890-=[]\\;',./`";

const char *
pwcommon_meant(uint32_t c)
{
	switch (c)
	{
		case '@':
		case '4':
			return "a";
		case '8':
			return "b";
		case '(':
		case '<':
			return "c";
		case '3':
		case 0x20ac: /* euro */
			return "e";
		case '6':
		case '9':
			return "g";
		case '#':
			return "h";
		case '1':
		case '!':
		case '|':
			return "il";
		case '0':
			return "o";
		case '5':
		case '$':
		case 0xa7: /* section */
			return "s";
		case '7':
		case '+':
			return "t";
	}
	return "";
}

static bool
stands_for(uint32_t c, uint32_t letter)
{
	return c == letter || (letter >= 'a' && letter <= 'z' && strchr(pwcommon_meant(c), (int) letter) != NULL);
}

/* The letter without its diacritics; *second is that of a ligature, else 0.  character is c in UTF-8. */
static uint32_t
base_letter(uint32_t c, Slice character, uint32_t *second)
{
	char buffer[NFD_MAX];
	Slice nfd;

	*second = 0;
	switch (c)
	{
		case 0xdf: /* sharp s */
			return *second = 's';
		case 0xe6: /* ae */
			*second = 'e';
			return 'a';
		case 0x153: /* oe */
			*second = 'e';
			return 'o';
		case 0xf8: /* o with stroke */
			return 'o';
		case 0x111: /* d with stroke */
			return 'd';
		case 0x131: /* dotless i */
			return 'i';
		case 0x142: /* l with stroke */
			return 'l';
	}
	if (c >= 0x80 && uni_normalize(UNI_NFD, character, buffer, sizeof(buffer), &nfd) && uni_next(nfd, &c) > 0)
		c = uni_fold(c);
	bytes_wipe(buffer, sizeof(buffer));
	return c;
}

size_t
pwcommon_fold(Slice text, uint32_t *typed, uint32_t *letter, size_t capacity)
{
	size_t n = 0;

	while (text.length > 0 && n < capacity)
	{
		uint32_t c;
		uint32_t second = 0;
		size_t length = uni_next(text, &c);

		if (length == 0)
		{
			letter[n] = c = NO_CHARACTER + (unsigned char) text.data[0];
			length = 1;
		}
		else if (c >= 0x80 && (uni_is_invisible(c) || uni_is_mark(c)))
		{
			text = slice_after(text, length);
			continue;
		}
		else
		{
			c = uni_fold(c);
			letter[n] = base_letter(c, (Slice){text.data, length}, &second);
		}
		text = slice_after(text, length);
		if (typed)
			typed[n] = c;
		n++;
		if (second == 0 || n == capacity)
			continue;
		letter[n] = second;
		if (typed)
			typed[n] = 0;
		n++;
	}
	return n;
}

/* The first of the words [low, high), which agree in `depth` letters, whose next letter is not less than this. */
static size_t
first_word(size_t low, size_t high, size_t depth, char letter)
{
	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (pwcommon_words[middle][depth] < letter)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || c >= 0x80;
}

static bool
is_letter_at(const PwCommon *work, size_t at)
{
	return at < work->length && is_letter(work->letter[at]);
}

/* Not so without any letter (111111), nor if it is three letters in the middle of others (uli in tulips). */
static bool
is_word(const PwCommon *work, size_t begin, size_t length)
{
	size_t i;

	if (length == 3 && begin > 0 && is_letter_at(work, begin - 1) && is_letter_at(work, begin + length))
		return false;
	for (i = begin; i < begin + length; i++)
		if (is_letter_at(work, i))
			return true;
	return false;
}

static void mark_words(PwCommon *work, size_t start, bool reversed, size_t depth, size_t low, size_t high);

/* The words [low, high) agree with the password in `depth` letters from start on; the next one is read as this. */
static void
follow(PwCommon *work, size_t start, bool reversed, size_t depth, size_t low, size_t high, char letter)
{
	size_t begin;

	low = first_word(low, high, depth, letter);
	high = first_word(low, high, depth, (char) (letter + 1));
	if (low == high)
		return;
	depth++;
	begin = reversed ? start + 1 - depth : start;
	if (pwcommon_words[low][depth] == '\0' && (!reversed || depth >= REVERSED_LEAST) && is_word(work, begin, depth))
		work->words[begin] |= 1u << depth;
	mark_words(work, start, reversed, depth, low, high);
}

/* Calls itself once for each letter of a word. */
static void
mark_words(PwCommon *work, size_t start, bool reversed, size_t depth, size_t low, size_t high)
{
	const char *meant;
	uint32_t c;

	if (depth == PWCOMMON_WORD || (reversed ? depth > start : start + depth == work->length))
		return;
	c = work->letter[reversed ? start - depth : start + depth];
	if (c >= 'a' && c <= 'z')
		follow(work, start, reversed, depth, low, high, (char) c);
	for (meant = pwcommon_meant(c); *meant; meant++)
		follow(work, start, reversed, depth, low, high, *meant);
}

void
pwcommon_find_words(PwCommon *work)
{
	size_t i;

	for (i = 0; i < work->length; i++)
	{
		mark_words(work, i, false, 0, 0, pwcommon_word_count);
		mark_words(work, i, true, 0, 0, pwcommon_word_count);
	}
}

static bool
is_word_at(const PwCommon *work, size_t begin, const char *word, size_t length, bool reversed)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!stands_for(work->letter[begin + i], (uint32_t) word[reversed ? length - 1 - i : i]))
			return false;
	return true;
}

const char *
pwcommon_word_at(const PwCommon *work, size_t begin, size_t length)
{
	size_t i;

	for (i = 0; i < pwcommon_word_count; i++)
	{
		const char *word = pwcommon_words[i];

		if (strlen(word) == length &&
			(is_word_at(work, begin, word, length, false) || is_word_at(work, begin, word, length, true)))
			return word;
	}
	return NULL;
}

static void
keep_longest(uint16_t *kept, size_t length)
{
	if (length > *kept)
		*kept = (uint16_t) length;
}

/* The key on which a character is. */
static uint32_t
key_of(uint32_t c)
{
	const char *at = c > 0 && c < 0x80 ? strchr(shifted, (int) c) : NULL;

	return at ? (uint32_t) unshifted[at - shifted] : c;
}

/* Keys in common of the password from begin on and of a walk from `at` on, in the direction of step. */
static size_t
walked(const PwCommon *work, size_t begin, const Walk *walk, size_t at, int step)
{
	size_t keys = strlen(walk->keys);
	size_t n = 0;

	while (begin + n < work->length && at < keys && key_of(work->letter[begin + n]) == (unsigned char) walk->keys[at])
	{
		n++;
		at += (size_t) step; /* wraps below 0, which ends it */
	}
	return n >= walk->least ? n : 0;
}

void
pwcommon_find_walks(PwCommon *work)
{
	size_t begin;
	size_t i;

	for (begin = 0; begin < work->length; begin++)
	{
		uint32_t key = key_of(work->letter[begin]);

		if (key >= 0x80)
			continue;
		for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		{
			const char *keys = walks[i].keys;
			const char *at;

			for (at = strchr(keys, (int) key); at && *at; at = strchr(at + 1, (int) key))
			{
				keep_longest(&work->walk[begin], walked(work, begin, &walks[i], (size_t) (at - keys), 1));
				keep_longest(&work->walk[begin], walked(work, begin, &walks[i], (size_t) (at - keys), -1));
			}
		}
	}
}

static bool
is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

/* Digits in a row, as many as asked for at most, and their value. */
static size_t
number_at(const PwCommon *work, size_t begin, size_t most, unsigned *value)
{
	size_t n = 0;

	for (*value = 0; n < most && begin + n < work->length && is_digit(work->letter[begin + n]); n++)
		*value = *value * 10 + (work->letter[begin + n] - '0');
	return n;
}

static bool
is_year(unsigned value)
{
	return value >= 1900 && value <= 2099;
}

static bool
is_day_and_month(unsigned a, unsigned b)
{
	return a >= 1 && b >= 1 && ((a <= 31 && b <= 12) || (a <= 12 && b <= 31));
}

static bool
is_separator(uint32_t c)
{
	return c == '.' || c == '/' || c == '-' || c == '_' || c == ' ';
}

/* 24.12.1999, 1/5/99: the same sign twice; 0 if there is none. */
static size_t
separated_date(const PwCommon *work, size_t begin)
{
	unsigned day, month, year;
	size_t first = number_at(work, begin, 2, &day);
	size_t second;
	size_t third;

	if (first == 0 || (begin > 0 && is_digit(work->letter[begin - 1])) || begin + first >= work->length ||
		!is_separator(work->letter[begin + first]))
		return 0;
	second = number_at(work, begin + first + 1, 2, &month);
	if (second == 0 || begin + first + 1 + second >= work->length ||
		work->letter[begin + first] != work->letter[begin + first + 1 + second] || !is_day_and_month(day, month))
		return 0;
	third = number_at(work, begin + first + second + 2, 4, &year);
	if (third == 2 || (third == 4 && is_year(year)))
		return first + second + third + 2;
	return 0;
}

static size_t
date_at(const PwCommon *work, size_t begin)
{
	unsigned value;
	size_t digits = number_at(work, begin, 8, &value);

	if (digits == 8 && ((is_year(value % 10000) && is_day_and_month(value / 1000000, value / 10000 % 100)) ||
						(is_year(value / 10000) && is_day_and_month(value / 100 % 100, value % 100))))
		return 8;
	if (number_at(work, begin, 6, &value) == 6 &&
		(is_day_and_month(value / 10000, value / 100 % 100) || is_day_and_month(value / 100 % 100, value % 100)))
		return 6;
	if (number_at(work, begin, 4, &value) == 4 && is_year(value))
		return 4;
	return separated_date(work, begin);
}

void
pwcommon_find_dates(PwCommon *work)
{
	size_t i;

	for (i = 0; i < work->length; i++)
		keep_longest(&work->walk[i], date_at(work, i));
}

static void
mark_own(PwCommon *work, const uint32_t *word, size_t length)
{
	size_t begin;
	size_t i;

	if (length < OWN_LEAST)
		return;
	for (begin = 0; begin + length <= work->length; begin++)
	{
		for (i = 0; i < length && stands_for(work->letter[begin + i], word[i]); i++)
			;
		if (i == length)
			keep_longest(&work->own[begin], length);
	}
}

static bool
is_letter_or_digit(uint32_t c)
{
	return is_letter(c) || is_digit(c);
}

/* Every longest part of a text that has only such characters. */
static void
mark_parts(PwCommon *work, const uint32_t *text, size_t length, bool (*belongs)(uint32_t))
{
	size_t begin;
	size_t end;

	for (begin = 0; begin < length; begin = end + 1)
	{
		for (end = begin; end < length && belongs(text[end]); end++)
			;
		mark_own(work, text + begin, end - begin);
	}
}

static void
mark_all(PwCommon *work, const uint32_t *text, size_t length)
{
	mark_own(work, text, length);
	mark_parts(work, text, length, is_letter_or_digit);
	mark_parts(work, text, length, is_letter);
}

static size_t
index_of(const uint32_t *text, size_t length, uint32_t c)
{
	size_t i;

	for (i = 0; i < length && text[i] != c; i++)
		;
	return i;
}

/* The address as a whole, both its sides, and their parts; each name of the list, and its parts. */
void
pwcommon_find_own(PwCommon *work, Slice address, Slice names)
{
	uint32_t text[OWN_LONGEST];
	size_t length = pwcommon_fold(address, NULL, text, OWN_LONGEST);
	size_t at = index_of(text, length, '@');
	size_t begin;

	mark_all(work, text, length);
	mark_own(work, text, at);
	if (at < length)
	{
		mark_own(work, text + at, length - at);
		mark_own(work, text + at + 1, length - at - 1);
	}
	length = pwcommon_fold(names, NULL, text, OWN_LONGEST);
	for (begin = 0; begin < length; begin = at + 1)
	{
		while (begin < length && text[begin] == ' ')
			begin++;
		at = begin + index_of(text + begin, length - begin, ',');
		mark_all(work, text + begin, at - begin);
	}
}
