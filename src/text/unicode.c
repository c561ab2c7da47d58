/*
 * unicode.c
 *		Unicode functions for the rules on addresses, passwords and paths.
 *
 * Owns libunistring.  Answers depend only on the library's version of Unicode;
 * by Unicode's stability policies a later version changes no answer about code
 * points that are assigned now.
 *
 * Threats: texts that look the same and compare as different, and the reverse;
 * invisible characters that change how a text is read.
 */
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "text/bytes.h"
#include "text/unicode.h"

/* NFKC of one code point has at most 18 code points (U+FDFA). */
#define COMPATIBLE_MAX 32

size_t
uni_next(Slice text, uint32_t *c)
{
	int length = text.length > 0 ? u8_mbtoucr(c, (const uint8_t *) text.data, text.length) : 0;

	return length > 0 ? (size_t) length : 0;
}

size_t
uni_last(Slice text, uint32_t *c)
{
	size_t length = 0;

	do
		length++;
	while (length < 4 && length < text.length && ((unsigned char) text.data[text.length - length] & 0xc0) == 0x80);
	return text.length > 0 && uni_next(slice_after(text, text.length - length), c) == length ? length : 0;
}

bool
uni_count(Slice text, size_t *characters)
{
	uint32_t c;
	size_t length;

	for (*characters = 0; text.length > 0; text = slice_after(text, length), ++*characters)
		if ((length = uni_next(text, &c)) == 0)
			return false;
	return true;
}

bool
uni_is_ascii(Slice text)
{
	size_t i;

	for (i = 0; i < text.length; i++)
		if ((unsigned char) text.data[i] >= 0x80)
			return false;
	return true;
}

bool
uni_is_space(uint32_t c)
{
	return uc_is_property_white_space(c);
}

bool
uni_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

bool
uni_is_noncharacter(uint32_t c)
{
	return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* Arabic, Syriac and Kaithi marks that enclose the following digits are visible format controls. */
static bool
is_prepended_mark(uint32_t c)
{
	return (c >= 0x600 && c <= 0x605) || c == 0x6dd || c == 0x70f || c == 0x890 || c == 0x891 || c == 0x8e2 ||
		   c == 0x110bd || c == 0x110cd;
}

/* Characters with a blank glyph: braille cell without dots, Khitan filler, null notehead. */
static bool
is_blank_symbol(uint32_t c)
{
	return c == 0x2800 || c == 0x16fe4 || c == 0x1d159;
}

bool
uni_is_invisible(uint32_t c)
{
	return uc_is_property_default_ignorable_code_point(c) || is_blank_symbol(c) ||
		   (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cf) && !is_prepended_mark(c));
}

bool
uni_is_assigned(uint32_t c)
{
	return !uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cn | UC_CATEGORY_MASK_Cs);
}

bool
uni_is_mark(uint32_t c)
{
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M);
}

bool
uni_is_pictograph(uint32_t c)
{
	return uc_is_property_extended_pictographic(c);
}

bool
uni_is_emoji(uint32_t c)
{
	return uc_is_property_emoji(c);
}

bool
uni_is_emoji_modifier(uint32_t c)
{
	return uc_is_property_emoji_modifier(c);
}

bool
uni_is_compatible(uint32_t c, const char *characters)
{
	uint32_t mapped[COMPATIBLE_MAX];
	size_t n = COMPATIBLE_MAX;
	uint32_t *result;
	size_t i;
	bool found = false;

	if (c < 0x80 || uc_is_general_category_withtable(c, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_C))
		return false;
	result = u32_normalize(UNINORM_NFKC, &c, 1, mapped, &n);
	for (i = 0; result != NULL && i < n && !found; i++)
		found = result[i] < 0x80 && strchr(characters, (int) result[i]) != NULL;
	if (result != mapped)
		free(result);
	return found || result == NULL;
}

/*
 * Lower case of the upper case, which unites positional and old forms (final sigma, long s, micro sign) as simple case
 * folding does.  The Turkish capital I with dot and small i without have no such folding; the ligature st has no
 * capital.
 */
uint32_t
uni_fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
	if (c == 0x130 || c == 0x131)
		return c;
	return c == 0xfb05 ? 0xfb06 : uc_tolower(uc_toupper(c));
}

bool
uni_normalize(UniForm form, Slice text, char *out, size_t capacity, Slice *made)
{
	const uint8_t *given = (const uint8_t *) text.data;
	uninorm_t normal = form == UNI_NFC ? UNINORM_NFC : form == UNI_NFD ? UNINORM_NFD : UNINORM_NFKC;
	uint8_t *result;

	if (u8_check(given, text.length) != NULL)
		return false;
	*made = (Slice){out, capacity};
	result = u8_normalize(normal, given, text.length, (uint8_t *) out, &made->length);
	if (result != NULL && result != (uint8_t *) out)
	{
		bytes_wipe(result, made->length);
		free(result);
	}
	return result == (uint8_t *) out;
}

/* False if out is too small: a mapped code point may be longer. */
static bool
map_all(uint32_t (*map)(uint32_t), Slice text, char *out, size_t capacity, Slice *made)
{
	uint32_t c;

	*made = (Slice){out, 0};
	while (text.length > 0)
	{
		size_t taken = uni_next(text, &c);
		ptrdiff_t room = (ptrdiff_t) (capacity - made->length);
		int n = taken > 0 ? u8_uctomb((uint8_t *) out + made->length, map(c), room) : -1;

		if (n < 0)
			return false;
		made->length += (size_t) n;
		text = slice_after(text, taken);
	}
	return true;
}

/* NFC twice: folding may produce a pair that composes.  J with caron is two code points, j with caron is one. */
bool
uni_normalize_folded(Slice text, char *work, char *out, size_t capacity, Slice *made)
{
	Slice folded;

	return uni_normalize(UNI_NFC, text, out, capacity, made) && map_all(uni_fold, *made, work, capacity, &folded) &&
		   uni_normalize(UNI_NFC, folded, out, capacity, made);
}

bool
uni_lower(Slice text, char *out, size_t capacity, Slice *made)
{
	return map_all(uc_tolower, text, out, capacity, made);
}
