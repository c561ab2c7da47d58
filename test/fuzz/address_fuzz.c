/* address_fuzz.c: a normal form is its own, short, without what hides or breaks a header, and its domain is a host name. */
#include <assert.h>
#include <string.h>

#include "text/mime.h"
#include "text/unicode.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	const AddressCase kinds[] = {ADDRESS_FOLD, ADDRESS_KEEP};
	Slice given = {(const char *) data, size};
	Address once, twice, folded;
	uint32_t c;
	size_t k, at, n;

	for (k = 0; k < 2; k++)
	{
		if (address_parse(given, kinds[k], &once) != ADDRESS_OK)
		{
			assert(once.length == 0 && once.text[0] == '\0');
			continue;
		}
		assert(once.length <= ADDRESS_LONGEST && strlen(once.text) == once.length &&
			   strpbrk(once.text, " \"(),:;<>[\\]\r\n") == NULL);
		assert(address_parse(slice_of(once.text), kinds[k], &twice) == ADDRESS_OK);
		assert(strcmp(once.text, twice.text) == 0);
		assert(strspn(strchr(once.text, '@') + 1, host) == strlen(strchr(once.text, '@') + 1));
		for (at = 0; at < once.length; at += n)
		{
			n = uni_next((Slice){once.text + at, once.length - at}, &c);
			assert(n > 0 && !uni_is_space(c) && !uni_is_control(c) && !uni_is_invisible(c) && uni_is_assigned(c));
		}
		assert(kinds[k] == ADDRESS_FOLD || address_parse(given, ADDRESS_FOLD, &folded) != ADDRESS_OK ||
			   (address_parse(slice_of(once.text), ADDRESS_FOLD, &twice) == ADDRESS_OK &&
				strcmp(twice.text, folded.text) == 0));
	}
	return 0;
}
