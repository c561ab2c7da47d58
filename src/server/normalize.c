/*
 * normalize.c
 *		Owns the normal forms in which addresses, passwords and routes are
 *		compared, and conversion from the encoding of the database.
 *
 * Threat: two spellings of one address counted or throttled separately; header
 * injection through an address; a password that one keyboard composes and
 * another decomposes.  It never says whether an address is known.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "pwhash/pwhash.h"
#include "server/normalize.h"
#include "server/secret.h"
#include "text/address.h"
#include "text/bytes.h"
#include "text/unicode.h"

/* Longer input is not normalised: it cannot be a password, or an address with white space around it. */
#define LONGEST_NORMALISED (4 * PWHASH_PASSWORD_MAX)
#define LONGEST_EMAIL 65536

/* Converts into memory that is wiped; NULL if a character has no counterpart (the server's error would quote it). */
static char *
convert(const char *text, size_t n, int from, int to, size_t *length)
{
	size_t		size = n * MAX_CONVERSION_GROWTH + 1;
	char	   *out = secret_alloc(size);
	Oid			conversion = from == to || uni_is_ascii(text, n) ? InvalidOid : FindDefaultConversionProc(from, to);

	if (OidIsValid(conversion))
	{
		if (pg_do_encoding_conversion_buf(conversion, from, to, (unsigned char *) text, (int) n, (unsigned char *) out,
										  (int) size, true) != (int) n)
			return NULL;
		*length = strlen(out);
		return out;
	}
	if (from != to && !uni_is_ascii(text, n))
		return NULL;
	memcpy(out, text, n);
	*length = n;
	return out;
}

/* SQL_ASCII does not define its bytes: they are taken for UTF-8. */
static int
encoding(void)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? PG_UTF8 : GetDatabaseEncoding();
}

static char *
copy_secret(const char *text, size_t n)
{
	char	   *copy = secret_alloc(n + 1);

	memcpy(copy, text, n);
	return copy;
}

static void
add_form(Password *password, const char *text, size_t n)
{
	int			i;

	for (i = 0; i < password->forms; i++)
		if (password->form_length[i] == n && memcmp(password->form[i], text, n) == 0)
			return;
	password->form[password->forms] = text;
	password->form_length[password->forms++] = n;
}

/* For look-ups in tables; text that the encoding cannot represent is in none. */
static const char *
in_database(const char *utf8, size_t n)
{
	char	   *out = convert(utf8, n, PG_UTF8, encoding(), &n);

	return out ? out : "";
}

/* Forms of a password; text is valid UTF-8. */
static void
normalise_password(const char *text, size_t n, Password *password)
{
	size_t		capacity = UNI_GROWTH * n + 1;
	char	   *nfc = secret_alloc(capacity);
	char	   *nfd = secret_alloc(capacity);
	char	   *lower = secret_alloc(capacity);
	size_t		nfd_length;
	size_t		lower_length;

	if (!uni_normalize(UNI_NFC, text, n, nfc, capacity - 1, &password->length) ||
		!uni_normalize(UNI_NFD, text, n, nfd, capacity - 1, &nfd_length) ||
		!uni_lower(nfc, password->length, lower, capacity - 1, &lower_length))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	password->text = nfc;
	uni_count(nfc, password->length, &password->characters);
	password->in_database = in_database(nfc, password->length);
	password->lower_in_database = in_database(lower, lower_length);
	add_form(password, nfc, password->length);
	add_form(password, text, n);
	add_form(password, nfd, nfd_length);
}

Password
normalize_password(const char *text, size_t n)
{
	Password	password = {.length = n, .characters = n};
	size_t		length = 0;
	size_t		characters;
	char	   *utf8 = n > LONGEST_NORMALISED ? NULL : convert(text, n, encoding(), PG_UTF8, &length);

	if (utf8 && uni_count(utf8, length, &characters))
		normalise_password(utf8, length, &password);
	else
	{
		password.text = copy_secret(text, n);
		password.in_database = password.lower_in_database = password.text;
		add_form(&password, password.text, n);
	}
	return password;
}

const char *
normalize_blocklist_entry(const char *text, size_t n)
{
	Password	entry = normalize_password(text, n);

	return *entry.in_database ? entry.in_database : copy_secret(text, n);
}

char *
database_to_utf8(char *text, size_t n)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? text : pg_server_to_any(text, (int) n, PG_UTF8);
}

char *
database_from_utf8(char *utf8, size_t n)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? utf8 : pg_any_to_server(utf8, (int) n, PG_UTF8);
}

/* The normal form in the encoding of the database; NULL, with *reason, if there is none. */
static char *
normal_form(const char *text, size_t n, const char **reason)
{
	static const char unconvertible[] = "An email address has only characters that UTF-8 and the encoding of the database both have.";
	size_t		length = 0;
	char	   *utf8 = n > LONGEST_EMAIL ? NULL : convert(text, n, encoding(), PG_UTF8, &length);
	Address		address;
	AddressFault fault;

	*reason = unconvertible;
	if (utf8 == NULL && n <= LONGEST_EMAIL)
		return NULL;
	fault = utf8 ? address_parse(utf8, length, ADDRESS_FOLD, &address) : ADDRESS_TOO_LONG;
	if (fault == ADDRESS_OK)
		return convert(address.text, address.length, PG_UTF8, encoding(), &length);
	*reason = address_fault_text(fault);
	return NULL;
}

Email
normalize_email(const char *text, size_t n)
{
	const char *reason;
	Email		email = {normal_form(text, n, &reason)};

	if (email.text == NULL)
		email.text = pnstrdup(text, n);
	email.length = strlen(email.text);
	return email;
}

const char *
email_fault(const char *text, size_t n)
{
	const char *reason;
	char	   *normal = normal_form(text, n, &reason);

	if (normal == NULL)
		return reason;
	return strlen(normal) == n && memcmp(normal, text, n) == 0 ? NULL : "The email address is not in its normal form.";
}

RouteFault
normalize_pattern(const char *text, size_t n, RoutePath *out)
{
	char	   *utf8 = encoding() == PG_UTF8 ? (char *) text : convert(text, n, encoding(), PG_UTF8, &n);

	return utf8 ? route_parse_pattern(utf8, n, out) : ROUTE_NOT_UTF8;
}

RouteFault
normalize_path(const char *text, size_t n, RoutePath *out)
{
	char	   *utf8 = encoding() == PG_UTF8 ? (char *) text : convert(text, n, encoding(), PG_UTF8, &n);

	return utf8 ? route_parse_path(utf8, n, out) : ROUTE_NOT_UTF8;
}
