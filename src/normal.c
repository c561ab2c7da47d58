/*
 * normal.c
 *		Owns the one form that addresses and passwords are compared in.
 *
 * Threat: two spellings of one address counted or throttled apart; header
 * injection through an address; a password that one keyboard composes and
 * another decomposes.  It never says whether an address is known.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "common/unicode_norm.h"
#include "mb/pg_wchar.h"
#include "utils/formatting.h"

#include "bytes.h"
#include "normal.h"
#include "pwhash.h"
#include "secret.h"

/* Longer input cannot be an address or a password: it is not worth normalising. */
#define LONGEST_NORMALISED (4 * PWHASH_PASSWORD_MAX)

/* Text in UTF-8, or NULL where the database's encoding cannot say (SQL_ASCII with other bytes). */
static const char *
as_utf8(const char *text, size_t *n)
{
	const char *utf8;

	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return pg_verify_mbstr(PG_UTF8, text, (int) *n, true) ? text : NULL;
	utf8 = pg_server_to_any(text, (int) *n, PG_UTF8);
	if (utf8 != text)
		*n = strlen(utf8);
	return utf8;
}

/* Code points, zero-terminated, in memory that is wiped. */
static pg_wchar *
decode(const char *utf8, size_t n, size_t *characters)
{
	pg_wchar   *out = secret_alloc((n + 1) * sizeof(pg_wchar));
	const unsigned char *p = (const unsigned char *) utf8;
	const unsigned char *end = p + n;
	size_t		count = 0;

	while (p < end)
	{
		out[count++] = utf8_to_unicode(p);
		p += pg_utf_mblen(p);
	}
	out[count] = 0;
	*characters = count;
	return out;
}

static char *
encode(const pg_wchar *characters, size_t count, size_t *n)
{
	unsigned char *out = secret_alloc(count * 4 + 1);
	unsigned char *p = out;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		unicode_to_utf8(characters[i], p);
		p += pg_utf_mblen(p);
	}
	*p = '\0';
	*n = p - out;
	return (char *) out;
}

static size_t
count_characters(const pg_wchar *characters)
{
	size_t		n = 0;

	while (characters[n])
		n++;
	return n;
}

/*
 * NFC of valid UTF-8.  The quick check answers for almost all input; where it does not, the server's function works in
 * memory of its own, of which we can wipe only the result.
 */
static char *
compose(const char *utf8, size_t *n, size_t *characters)
{
	pg_wchar   *decoded = decode(utf8, *n, characters);
	pg_wchar   *composed;
	char	   *out;

	if (unicode_is_normalized_quickcheck(UNICODE_NFC, decoded) == UNICODE_NORM_QC_YES)
	{
		out = secret_alloc(*n + 1);
		memcpy(out, utf8, *n);
		return out;
	}
	composed = unicode_normalize(UNICODE_NFC, decoded);
	*characters = count_characters(composed);
	out = encode(composed, *characters, n);
	bytes_wipe(composed, *characters * sizeof(pg_wchar));
	return out;
}

static char *
copy_secret(const char *text, size_t n)
{
	char	   *copy = secret_alloc(n + 1);

	memcpy(copy, text, n);
	return copy;
}

/* A copy that the server converted is wiped here, for it is in no memory of ours. */
Password
normal_password(const char *text, size_t n)
{
	size_t		length = n;
	const char *utf8 = n > LONGEST_NORMALISED ? NULL : as_utf8(text, &length);
	Password	password = {.length = length, .characters = length};

	password.text = utf8 ? compose(utf8, &password.length, &password.characters) : copy_secret(text, n);
	password.in_database = password.text;
	if (utf8 && utf8 != text)
	{
		password.in_database = copy_secret(text, n);
		bytes_wipe((char *) utf8, length);
	}
	return password;
}

char *
normal_to_utf8(char *text, size_t n)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? text : pg_server_to_any(text, (int) n, PG_UTF8);
}

char *
normal_from_utf8(char *utf8, size_t n)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? utf8 : pg_any_to_server(utf8, (int) n, PG_UTF8);
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * ASCII is lowered by itself before the locale is asked, so that no locale can make "I" anything but "i".
 */
static char *
lower(char *text, size_t n)
{
	size_t		i;
	bool		ascii = true;

	for (i = 0; i < n; i++)
	{
		text[i] = pg_ascii_tolower((unsigned char) text[i]);
		ascii = ascii && !IS_HIGHBIT_SET(text[i]);
	}
	return ascii ? text : str_tolower(text, n, DEFAULT_COLLATION_OID);
}

Email
normal_email(const char *text, size_t n)
{
	Email		email;
	size_t		characters;
	size_t		length;
	const char *utf8;

	while (n > 0 && is_space(text[0]))
	{
		text++;
		n--;
	}
	while (n > 0 && is_space(text[n - 1]))
		n--;
	if (n <= LONGEST_NORMALISED && GetDatabaseEncoding() == PG_UTF8 && (utf8 = as_utf8(text, &n)) != NULL)
	{
		length = n;
		email.text = compose(utf8, &length, &characters);
		n = length;
	}
	else
		email.text = pnstrdup(text, n);
	if (n <= LONGEST_NORMALISED)
		email.text = lower(email.text, n);
	email.length = strlen(email.text);
	return email;
}

/* RFC 5321 section 4.5.3.1 for the lengths; no quoted local parts, no address literals. */
const char *
email_fault(const char *text, size_t n)
{
	const char *at = memchr(text, '@', n);
	size_t		i;

	if (n > ADDRESS_MAX)
		return "An email address has at most 254 bytes.";
	if (at == NULL || at == text || at == text + n - 1 || memchr(at + 1, '@', n - (at + 1 - text)) != NULL)
		return "An email address has one @ with a name before and a domain after it.";
	if (at - text > 64)
		return "The part of an email address before the @ has at most 64 bytes.";
	for (i = 0; i < n; i++)
		if ((unsigned char) text[i] <= ' ' || text[i] == 0x7f || strchr("\"(),:;<>[\\]", text[i]) != NULL)
			return "An email address has no spaces, control characters, quotes or brackets.";
	return NULL;
}
