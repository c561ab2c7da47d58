/*
 * normalize.c
 *		Owns the normal forms in which addresses, passwords and routes are
 *		compared.
 *
 * Threat: two spellings of one address counted or throttled separately; header
 * injection through an address; a password that one keyboard composes and
 * another decomposes.  It never says whether an address is known.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "pwhash/pwhash.h"
#include "server/encoding.h"
#include "server/normalize.h"
#include "server/secret.h"
#include "text/address.h"
#include "text/bytes.h"
#include "text/unicode.h"

/* Longer input is not normalised: it cannot be a password, or an address with white space around it. */
#define LONGEST_NORMALISED (4 * PWHASH_PASSWORD_MAX)
#define LONGEST_EMAIL 65536

static const Slice nothing = {NULL, 0};

static Slice
copy_secret(Slice text)
{
	char *copy = secret_alloc(text.length + 1);

	memcpy(copy, text.data, text.length);
	return (Slice){copy, text.length};
}

/* Converts into memory that is wiped; nothing if a character has no counterpart (the server's error would quote it). */
static Slice
convert(Slice text, int from, int to)
{
	size_t size = text.length * MAX_CONVERSION_GROWTH + 1;
	Oid conversion;
	char *out;

	if (from == to || uni_is_ascii(text))
		return copy_secret(text);
	conversion = FindDefaultConversionProc(from, to);
	out = secret_alloc(size);
	if (!OidIsValid(conversion) || pg_do_encoding_conversion_buf(conversion,
																 from,
																 to,
																 (unsigned char *) text.data,
																 (int) text.length,
																 (unsigned char *) out,
																 (int) size,
																 true) != (int) text.length)
		return nothing;
	return slice_of(out);
}

static void
add_form(Password *password, Slice text)
{
	int i;

	for (i = 0; i < password->forms; i++)
		if (slice_equal(password->form[i], text))
			return;
	password->form[password->forms++] = text;
}

/* Text that the encoding cannot represent is in no table. */
const char *
normalize_for_lookup(Slice utf8)
{
	Slice text = convert(utf8, PG_UTF8, database_encoding());

	return text.data ? text.data : "";
}

/* Forms of a password; text is valid UTF-8. */
static void
fill_forms(Slice text, Password *password)
{
	size_t capacity = UNI_GROWTH * text.length;
	Slice nfd;
	Slice lower;

	if (!uni_normalize(UNI_NFC, text, secret_alloc(capacity + 1), capacity, &password->text) ||
		!uni_normalize(UNI_NFD, text, secret_alloc(capacity + 1), capacity, &nfd) ||
		!uni_lower(password->text, secret_alloc(capacity + 1), capacity, &lower))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	uni_count(password->text, &password->characters);
	password->in_database = normalize_for_lookup(password->text);
	password->lower_in_database = normalize_for_lookup(lower);
	add_form(password, password->text);
	add_form(password, text);
	add_form(password, nfd);
}

Password
normalize_password(Slice text)
{
	Password password = {.characters = text.length};
	Slice utf8 = text.length > LONGEST_NORMALISED ? nothing : convert(text, database_encoding(), PG_UTF8);
	size_t characters;

	if (utf8.data && uni_count(utf8, &characters))
		fill_forms(utf8, &password);
	else
	{
		password.text = copy_secret(text);
		password.in_database = password.lower_in_database = password.text.data;
		add_form(&password, password.text);
	}
	return password;
}

const char *
normalize_blocklist_entry(Slice text)
{
	Password entry = normalize_password(text);

	return *entry.in_database ? entry.in_database : copy_secret(text).data;
}

/* The normal form in UTF-8; nothing, with *reason, if there is none. */
static Slice
normal_form_utf8(Slice text, const char **reason)
{
	bool overlong = text.length > LONGEST_EMAIL;
	Slice utf8 = overlong ? nothing : convert(text, database_encoding(), PG_UTF8);
	Address address;
	AddressFault fault;

	*reason = "An email address has only characters that UTF-8 and the encoding of the database both have.";
	if (utf8.data == NULL && !overlong)
		return nothing;
	fault = overlong ? ADDRESS_TOO_LONG : address_parse(utf8, ADDRESS_FOLD, &address);
	if (fault == ADDRESS_OK)
		return copy_secret((Slice){address.text, address.length});
	*reason = address_fault_text(fault);
	return nothing;
}

/* In the encoding of the database. */
static Slice
normal_form(Slice text, const char **reason)
{
	Slice utf8 = normal_form_utf8(text, reason);

	return utf8.data ? convert(utf8, PG_UTF8, database_encoding()) : nothing;
}

const char *
normalize_email(Slice text)
{
	const char *reason;
	Slice normal = normal_form(text, &reason);

	return normal.data ? normal.data : pnstrdup(text.data, text.length);
}

const char *
normalize_email_utf8(Slice text)
{
	const char *reason;
	Slice normal = normal_form_utf8(text, &reason);

	return normal.data ? normal.data : database_to_utf8(pnstrdup(text.data, text.length));
}

const char *
email_fault(Slice text)
{
	const char *reason;
	Slice normal = normal_form(text, &reason);

	if (normal.data == NULL)
		return reason;
	return slice_equal(normal, text) ? NULL : "The email address is not in its normal form.";
}

RouteFault
normalize_pattern(Slice text, RoutePath *out)
{
	Slice utf8 = database_encoding() == PG_UTF8 ? text : convert(text, database_encoding(), PG_UTF8);

	return utf8.data ? route_parse_pattern(utf8, out) : ROUTE_NOT_UTF8;
}

RouteFault
normalize_path(Slice text, RoutePath *out)
{
	Slice utf8 = database_encoding() == PG_UTF8 ? text : convert(text, database_encoding(), PG_UTF8);

	return utf8.data ? route_parse_path(utf8, out) : ROUTE_NOT_UTF8;
}
