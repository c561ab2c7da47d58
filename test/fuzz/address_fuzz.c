/* address_fuzz.c: a normal form is its own, short, without what hides or breaks a header, and its domain is a host name. */
#include <ctype.h>

#include "fuzz.h"
#include "text/address.h"
#include "text/unicode.h"

/* Of a host name (RFC 1123): labels of letters, digits and inner hyphens. */
static void
check_domain(Slice domain)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	assert(domain.length > 0 && domain.data[domain.length - 1] != '.');
	while (domain.length > 0)
	{
		Slice label = take_until(&domain, '.');
		size_t i;

		assert(label.length > 0 && label.length <= 63 && label.data[0] != '-' && label.data[label.length - 1] != '-');
		for (i = 0; i < label.length; i++)
			assert(memchr(letters, label.data[i], strlen(letters)) != NULL);
		assert(domain.length > 0 || strspn(label.data, "0123456789") < label.length);
	}
}

static void
check_normal(const Address *normal, AddressCase kind)
{
	Slice rest = {normal->text, normal->length};
	Slice local = take_until(&rest, '@');
	Address again;
	uint32_t c;
	size_t at, n;

	assert(normal->length <= ADDRESS_LONGEST && strlen(normal->text) == normal->length);
	assert(local.length > 0 && local.length <= ADDRESS_LOCAL_LONGEST &&
		   strpbrk(normal->text, " \"(),:;<>[\\]\r\n") == NULL);
	check_domain(rest);
	for (at = 0; at < normal->length; at += n)
	{
		n = uni_next((Slice){normal->text + at, normal->length - at}, &c);
		assert(n > 0 && !uni_is_space(c) && !uni_is_control(c) && !uni_is_invisible(c) && uni_is_assigned(c));
		assert(at > 0 || !uni_is_mark(c));
	}
	assert(address_parse(slice_of(normal->text), kind, &again) == ADDRESS_OK && strcmp(normal->text, again.text) == 0);
}

/* ASCII letters of the other case make the same account. */
static void
check_case(Slice given, const Address *folded)
{
	char *other = copy_of(given);
	Address again;
	size_t i;

	for (i = 0; i < given.length; i++)
		if (isalpha((unsigned char) other[i]))
			other[i] ^= 0x20;
	assert(address_parse((Slice){other, given.length}, ADDRESS_FOLD, &again) == ADDRESS_OK &&
		   strcmp(again.text, folded->text) == 0);
	free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice given = {(const char *) data, size};
	Address kept, folded, again;
	AddressFault fault = address_parse(given, ADDRESS_KEEP, &kept);

	assert(*address_fault_text(fault) != '\0');
	assert(fault == ADDRESS_OK || (kept.length == 0 && kept.text[0] == '\0'));
	if (fault == ADDRESS_OK)
		check_normal(&kept, ADDRESS_KEEP);
	fault = address_parse(given, ADDRESS_FOLD, &folded);
	assert(fault == ADDRESS_OK || (folded.length == 0 && folded.text[0] == '\0'));
	if (fault != ADDRESS_OK)
		return 0;
	check_normal(&folded, ADDRESS_FOLD);
	check_case(given, &folded);
	if (kept.length > 0)
		assert(address_parse(slice_of(kept.text), ADDRESS_FOLD, &again) == ADDRESS_OK &&
			   strcmp(again.text, folded.text) == 0);
	return 0;
}

/* Local parts, labels and dots of all kinds, and what hides at the ends. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {"ann",
										"ANN",
										"J\xcc\x8c",
										"\xc3\x84",
										"A\xcc\x88",
										"stra\xc3\x9f"
										"e",
										"STRA\xe1\xba\x9e"
										"E",
										"\xce\xa3",
										"\xcf\x82",
										"\xc5\xbf",
										"\xe2\x84\xaa",
										"\xc4\xb1",
										"\xc4\xb0",
										"\xef\xac\x85",
										"\xe1\x8e\xa0",
										"\xf0\x9f\x92\x90",
										"\xcd\xbe",
										"\xcc\x81",
										"\xcd\xb8",
										"@",
										".",
										"\xe3\x80\x82",
										"\xef\xbc\x8e",
										"\xef\xbd\xa1",
										"\xef\xbc\xa0",
										"example",
										"EXAMPLE",
										"xn--mnchen-3ya",
										"XN--mnchen-3ya",
										"m\xc3\xbcnchen",
										"MU\xcc\x88NCHEN",
										"xn--",
										"xn--a-ecp.ru",
										"xn--0ca24w",
										"xn--ls8h",
										"\xe4\xb8\xad\xe5\x9b\xbd",
										"1\xd7\x90",
										"\xe2\x80\x8b",
										"\xc2\xa0",
										"\xef\xbb\xbf",
										"\xe2\x80\xae",
										"\xc2\xad",
										"\xe2\x80\x8d",
										"\xef\xb8\x8f",
										"\xc2\x85",
										" ",
										"\t",
										"-",
										"_",
										"\xef\xbc\x91",
										"192.0.2.1",
										"123",
										"\xed\xa0\x80",
										"\xc0\xae",
										"\xff",
										"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc",
										"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij\xc3\xbc"};

	return mutate_fields(data, size, max, seed, "@.", words, COUNT(words));
}
