/* language_fuzz.c: what is chosen is offered and asked for, and another case or separator changes nothing. */
#include <ctype.h>

#include "fuzz.h"
#include "text/language.h"

static const char *const offered[] = {"en", "fr", "de", "de-CH"};

/* True if the tag, in any case, or an asterisk is somewhere in the header. */
static bool
asks_for(Slice header, const char *tag)
{
	size_t i;

	for (i = 0; i < header.length; i++)
		if (header.data[i] == '*' || (header.length - i >= strlen(tag) &&
									  language_fit(slice_of(tag), (Slice){header.data + i, strlen(tag)}) >= 0))
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = copy_of((Slice){(const char *) data, size});
	Slice header = {copy, size};
	int chosen = language_for_header(offered, COUNT(offered), header), locale;
	size_t i;

	assert(chosen >= -1 && chosen < (int) COUNT(offered));
	assert(chosen < 0 || asks_for(header, offered[chosen]));
	locale = language_for_locale(offered, COUNT(offered), header);
	for (i = 0; i < COUNT(offered); i++)
		assert(language_fit(slice_of(offered[i]), header) <= (locale < 0 ? -1 : (int) strlen(offered[locale])));
	for (i = 0; i < size; i++)
		copy[i] = copy[i] == '-' ? '_' : (char) toupper((unsigned char) copy[i]);
	assert(language_for_header(offered, COUNT(offered), header) == chosen);
	assert(language_for_locale(offered, COUNT(offered), header) == locale);
	free(copy);
	return 0;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {
		"en", "fr-CA", "de", "de_ch", "it", "*", ";q=0", ";q=1.000", ";q=0.123", "; Q=0.5", ";q=1.5", ", ", " \t"};

	return mutate_fields(data, size, max, seed, ",;-", words, COUNT(words));
}
