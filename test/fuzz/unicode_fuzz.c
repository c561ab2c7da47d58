/* unicode_fuzz.c: text reads the same from both ends, and normal forms are stable, bounded and agree with each other. */
#include "fuzz.h"
#include "text/unicode.h"

static char nfc[UNI_GROWTH * FUZZ_MAX], nfd[UNI_GROWTH * FUZZ_MAX];
static char work[UNI_GROWTH * sizeof(nfc)], again[UNI_GROWTH * sizeof(nfc)];

/* One scalar value, as RFC 3629 spells it. */
static void
check_character(uint32_t c, Slice spelled)
{
	uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

	assert(spelled.length >= 1 && spelled.length <= 4 && c >= smallest[spelled.length] && c <= 0x10ffff &&
		   (c < 0xd800 || c > 0xdfff));
	assert((c < 0x80) == (spelled.length == 1) && uni_is_ascii(spelled) == (c < 0x80));
	assert(!uni_is_noncharacter(c) || !uni_is_assigned(c));
	assert(!uni_is_control(c) || (!uni_is_mark(c) && !uni_is_pictograph(c)));
	assert(!uni_is_emoji_modifier(c) || uni_is_emoji(c));
	assert(uni_fold(uni_fold(c)) == uni_fold(c));
	assert(c >= 0x80 || !uni_is_compatible(c, "./\\%;"));
	assert(c != 0xff0f || uni_is_compatible(c, "./\\%;"));
	(void) uni_is_invisible(c);
	(void) uni_is_space(c);
}

/* False if it is not UTF-8. */
static bool
check_walk(Slice text)
{
	uint32_t c, last;
	size_t n, length, characters = 0, counted;
	Slice rest = text;

	for (; (n = uni_next(rest, &c)) > 0; rest = slice_after(rest, n), characters++)
	{
		check_character(c, (Slice){rest.data, n});
		assert(uni_last((Slice){text.data, text.length - rest.length + n}, &last) == n && last == c);
	}
	assert(uni_count(text, &counted) == (rest.length == 0) && counted == characters);
	for (length = text.length; (n = uni_last((Slice){text.data, length}, &c)) > 0; length -= n)
		characters -= characters > 0;
	assert(rest.length > 0 || (length == 0 && characters == 0));
	return rest.length == 0;
}

/* A room that is too small is refused, and nothing is written behind it. */
static void
check_room(Slice text, Slice normal)
{
	char *small = malloc(normal.length);
	Slice made;

	assert(!uni_normalize(UNI_NFC, text, small, normal.length - 1, &made));
	assert(!uni_lower(text, small, 0, &made));
	free(small);
}

static void
check_forms(Slice text)
{
	size_t room = UNI_GROWTH * text.length;
	Slice composed, decomposed, folded, other;

	assert(uni_normalize(UNI_NFC, text, nfc, room, &composed) && uni_normalize(UNI_NFD, text, nfd, room, &decomposed));
	assert(uni_normalize(UNI_NFC, composed, again, sizeof(again), &other) && slice_equal(other, composed));
	assert(uni_normalize(UNI_NFD, decomposed, again, sizeof(again), &other) && slice_equal(other, decomposed));
	assert(uni_normalize(UNI_NFC, decomposed, again, sizeof(again), &other) && slice_equal(other, composed));
	assert(uni_normalize(UNI_NFD, composed, again, sizeof(again), &other) && slice_equal(other, decomposed));
	check_room(text, composed);
	assert(uni_normalize_folded(text, work, nfc, room, &folded));
	assert(uni_normalize_folded(folded, work, again, sizeof(again), &other) && slice_equal(other, folded));
	assert(uni_normalize_folded(decomposed, work, again, sizeof(again), &other) && slice_equal(other, folded));
	assert(uni_lower(text, nfd, room, &other));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice text = {(const char *) data, size}, made;

	if (check_walk(text) && size > 0)
		check_forms(text);
	else
		assert(size == 0 ||
			   (!uni_normalize(UNI_NFC, text, nfc, sizeof(nfc), &made) && !uni_lower(text, nfc, sizeof(nfc), &made)));
	return 0;
}

/* Characters that compose, decompose, fold, or are long in one form. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {"a",
										"\xcc\x81",
										"\xcc\xa3",
										"\xcc\x8c",
										"J",
										"\xc3\x84",
										"\xe1\xba\x9e",
										"\xc3\x9f",
										"\xce\xa3",
										"\xcf\x82",
										"\xc4\xb0",
										"\xc4\xb1",
										"\xe2\x84\xaa",
										"\xef\xac\x85",
										"\xef\xac\x86",
										"\xe1\x8e\xa0",
										"\xea\xad\xb0",
										"\xe1\x84\x92",
										"\xe1\x85\xa1",
										"\xe1\x86\xab",
										"\xed\x95\x9c",
										"\xef\xb7\xba",
										"\xce\x90",
										"\xe1\xbe\xb4",
										"\xcd\x85",
										"\xf0\x9d\x85\x9e",
										"\xe0\xbd\xb1",
										"\xe0\xbd\xb2",
										"\xef\xbc\x8f",
										"\xe2\x80\xa8",
										"\xc2\x85",
										"\xe2\x80\x8d",
										"\xef\xb8\x8f",
										"\xf0\x9f\x91\xa9",
										"\xf0\x9f\x8f\xbd",
										"\xef\xb7\x90",
										"\xf4\x8f\xbf\xbf",
										"\xed\xa0\x80",
										"\xc0\xaf",
										"\xf4\x90\x80\x80",
										"\xe2\x82",
										"\xff"};

	return mutate_fields(data, size, max, seed, "", words, COUNT(words));
}
