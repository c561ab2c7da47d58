/*
 * address.c
 *		Email addresses: one parser for accounts, senders and recipients.
 *
 * Owns the normal form of addresses, and libidn2.  Spellings that people take
 * for one address have one normal form; addresses that people could not
 * distinguish, or that no mail can reach, have none.
 *
 * The domain is stored as A-labels, which identify it in the DNS independently
 * of Unicode versions; they are never decoded here.  The local part is the mail
 * server's: "+tags" and dots are part of it, and addresses that differ in them
 * are different.  Quoted local parts and address literals ([192.0.2.1]) are
 * refused.
 *
 * Threats: two accounts for one mailbox; an account that looks like another;
 * header injection; a normal form that changes when it is normalised again, so
 * that the user's account is not found any more.
 */
#include <string.h>

#include <idn2.h>

#include "text/address.h"
#include "text/unicode.h"

#define LABEL_LONGEST 63
#define LOCAL_CAPACITY (UNI_GROWTH * ADDRESS_INPUT_LONGEST)

/* Not allowed in an atom (RFC 5322), except dots, which are allowed anywhere. */
static const char forbidden[] = " \"(),:;<>@[\\]";

static bool
is_margin(uint32_t c)
{
	return uni_is_space(c) || uni_is_invisible(c);
}

static Slice
trim(Slice text)
{
	uint32_t c;
	size_t length;

	while ((length = uni_next(text, &c)) > 0 && is_margin(c))
		text = slice_after(text, length);
	while ((length = uni_last(text, &c)) > 0 && is_margin(c))
		text.length -= length;
	return text;
}

static AddressFault
character_fault(uint32_t c)
{
	if (uni_is_control(c))
		return ADDRESS_CONTROL;
	if (c < 0x80)
		return memchr(forbidden, (int) c, sizeof(forbidden) - 1) ? ADDRESS_SYNTAX : ADDRESS_OK;
	if (uni_is_space(c))
		return ADDRESS_SYNTAX;
	if (uni_is_invisible(c))
		return ADDRESS_INVISIBLE;
	return uni_is_assigned(c) ? ADDRESS_OK : ADDRESS_UNASSIGNED;
}

/* Fault of any character of the local part or the domain; rules of each come later. */
static AddressFault
characters_fault(Slice part)
{
	AddressFault fault = ADDRESS_OK;
	uint32_t c;

	while (part.length > 0 && fault == ADDRESS_OK)
	{
		size_t n = uni_next(part, &c);

		fault = n == 0 ? ADDRESS_NOT_UTF8 : character_fault(c);
		part = slice_after(part, n);
	}
	return fault;
}

static AddressFault
append(Address *out, Slice text)
{
	if (text.length > ADDRESS_LONGEST - out->length)
		return ADDRESS_TOO_LONG;
	memcpy(out->text + out->length, text.data, text.length);
	out->length += text.length;
	out->text[out->length] = '\0';
	return ADDRESS_OK;
}

/* Also checks the normal form: composing and folding may produce specials (U+037E is a semicolon). */
static AddressFault
append_local(Address *out, Slice given, AddressCase kind)
{
	char work[LOCAL_CAPACITY];
	char normal[LOCAL_CAPACITY];
	Slice local;
	AddressFault fault = characters_fault(given);
	uint32_t c;

	if (fault != ADDRESS_OK)
		return fault;
	if (kind == ADDRESS_FOLD ? !uni_normalize_folded(given, work, normal, sizeof(normal), &local) :
							   !uni_normalize(UNI_NFC, given, normal, sizeof(normal), &local))
		return ADDRESS_TOO_LONG;
	fault = characters_fault(local);
	if (fault != ADDRESS_OK)
		return fault;
	if (uni_next(local, &c) > 0 && uni_is_mark(c))
		return ADDRESS_MARK;
	return local.length > ADDRESS_LOCAL_LONGEST ? ADDRESS_LOCAL_TOO_LONG : append(out, local);
}

/* An ASCII label, in lower case. */
static AddressFault
append_label(Address *out, Slice label)
{
	char lower[LABEL_LONGEST];
	size_t i;

	if (label.length == 0)
		return ADDRESS_EMPTY_LABEL;
	if (label.length > LABEL_LONGEST)
		return ADDRESS_LONG_LABEL;
	for (i = 0; i < label.length; i++)
	{
		char c = label.data[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char) (c + ('a' - 'A')) : c;
		if (!((lower[i] >= 'a' && lower[i] <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return ADDRESS_DOMAIN_SIGN;
	}
	if (lower[0] == '-' || lower[label.length - 1] == '-')
		return ADDRESS_HYPHEN;
	return append(out, (Slice){lower, label.length});
}

static AddressFault
idn2_fault(int code)
{
	switch (code)
	{
		case IDN2_TOO_BIG_DOMAIN:
		case IDN2_TOO_BIG_LABEL:
		case IDN2_PUNYCODE_BIG_OUTPUT:
			return ADDRESS_LONG_LABEL;
		case IDN2_HYPHEN_STARTEND:
			return ADDRESS_HYPHEN;
		default:
			return ADDRESS_NO_DOMAIN_NAME;
	}
}

/*
 * Replaces U+1E9E, capital sharp s, by its lower case, as UTS 46 does since Unicode 15.1.  Older libraries map it to
 * "ss": another domain, of another owner.
 */
static void
copy_label(Slice label, char *out)
{
	const uint32_t capital = 0x1e9e;
	uint32_t c;

	while (label.length > 0)
	{
		size_t n = uni_next(label, &c);
		Slice sign = c == capital ? slice_of("\xc3\x9f") : (Slice){label.data, n};

		memcpy(out, sign.data, sign.length);
		out += sign.length;
		label = slice_after(label, n);
	}
	*out = '\0';
}

/*
 * A non-ASCII label, by UTS 46 without transitional mappings.  IDN2_USE_STD3_ASCII_RULES would drop characters instead
 * of refusing them; append_label refuses the rest.
 */
static AddressFault
append_unicode_label(Address *out, Slice label)
{
	char terminated[ADDRESS_INPUT_LONGEST + 1];
	char *ascii = NULL;
	AddressFault fault;
	int code;

	copy_label(label, terminated);
	code = idn2_to_ascii_8z(terminated, &ascii, IDN2_NONTRANSITIONAL);
	fault = code == IDN2_OK ? append_label(out, slice_of(ascii)) : idn2_fault(code);
	idn2_free(ascii);
	return fault;
}

/* Length of the dot at text, 0 if there is none: the full stop, and three characters that UTS 46 maps to it. */
static size_t
dot_length(Slice text)
{
	uint32_t c;
	size_t length = uni_next(text, &c);

	return length > 0 && (c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61) ? length : 0;
}

static AddressFault
append_domain(Address *out, Slice domain)
{
	AddressFault fault = characters_fault(domain);

	while (fault == ADDRESS_OK)
	{
		Slice label = {domain.data, 0};
		size_t dot = 0;

		while (label.length < domain.length && (dot = dot_length(slice_after(domain, label.length))) == 0)
			label.length++;
		fault = uni_is_ascii(label) ? append_label(out, label) : append_unicode_label(out, label);
		if (fault != ADDRESS_OK || dot == 0)
			break;
		fault = append(out, slice_of("."));
		domain = slice_after(domain, label.length + dot);
	}
	return fault;
}

/* True for an IPv4 address without brackets: no top-level domain is a number (RFC 3696 section 2). */
static bool
ends_in_number(const Address *address)
{
	size_t n = address->length;

	while (n > 0 && address->text[n - 1] >= '0' && address->text[n - 1] <= '9')
		n--;
	return n < address->length && n > 0 && (address->text[n - 1] == '.' || address->text[n - 1] == '@');
}

static AddressFault
parse(Slice given, AddressCase kind, Address *out)
{
	const char *at = memchr(given.data, '@', given.length);
	Slice local = {given.data, at ? (size_t) (at - given.data) : 0};
	Slice domain = at ? slice_after(given, local.length + 1) : local;
	AddressFault fault;

	if (local.length == 0 || domain.length == 0 || memchr(domain.data, '@', domain.length) != NULL)
		return ADDRESS_NO_AT;
	fault = append_local(out, local, kind);
	if (fault == ADDRESS_OK)
		fault = append(out, slice_of("@"));
	if (fault == ADDRESS_OK)
		fault = append_domain(out, domain);
	return fault == ADDRESS_OK && ends_in_number(out) ? ADDRESS_NUMBER : fault;
}

AddressFault
address_parse(Slice text, AddressCase kind, Address *out)
{
	Slice given = trim(text);
	AddressFault fault;

	memset(out, 0, sizeof(*out));
	fault = given.length > ADDRESS_INPUT_LONGEST ? ADDRESS_TOO_LONG : parse(given, kind, out);
	if (fault != ADDRESS_OK)
		memset(out, 0, sizeof(*out));
	return fault;
}

const char *
address_fault_text(AddressFault fault)
{
	static const char *const texts[] = {
		[ADDRESS_OK] = "The email address is valid.",
		[ADDRESS_NOT_UTF8] = "An email address has no bytes that are not text.",
		[ADDRESS_TOO_LONG] = "An email address has at most 254 bytes.",
		[ADDRESS_NO_AT] = "An email address has one @ with a name before and a domain after it.",
		[ADDRESS_LOCAL_TOO_LONG] = "The part of an email address before the @ has at most 64 bytes.",
		[ADDRESS_SYNTAX] = "An email address has no spaces, quotes, brackets, commas, colons, semicolons or "
						   "backslashes.",
		[ADDRESS_CONTROL] = "An email address has no control characters.",
		[ADDRESS_INVISIBLE] = "An email address has no invisible characters and none that change the direction of "
							  "writing.",
		[ADDRESS_UNASSIGNED] = "An email address has no code points that are not assigned to a character.",
		[ADDRESS_MARK] = "An email address does not begin with a combining character.",
		[ADDRESS_EMPTY_LABEL] = "The domain of an email address has no two dots in a row and none at its ends.",
		[ADDRESS_LONG_LABEL] = "A label of the domain of an email address has at most 63 bytes, in the form used "
							   "by the DNS.",
		[ADDRESS_HYPHEN] = "A label of the domain of an email address has no hyphen at its ends.",
		[ADDRESS_DOMAIN_SIGN] = "The domain of an email address has no ASCII characters but letters, digits, "
								"hyphens and dots.",
		[ADDRESS_NO_DOMAIN_NAME] = "The domain of an email address is not an internationalized domain name (UTS 46).",
		[ADDRESS_NUMBER] = "The domain of an email address does not end in a number, as an IP address does."};

	if ((unsigned) fault >= sizeof(texts) / sizeof(texts[0]))
		return "The email address is not valid.";
	return texts[fault];
}
