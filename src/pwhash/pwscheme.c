/*
 * pwscheme.c
 *		Reads the fields of stored password hashes, and compares derived
 *		bytes.
 *
 * Threats: two spellings of one hash; a comparison whose time leaks
 * information.
 */
#include <string.h>

#include "pwhash/pwscheme.h"
#include "text/bytes.h"

#define DERIVED_MIN 12 /* the least that PHC strings have */

bool
pw_at_end(const Cursor *cursor)
{
	return cursor->p == cursor->end;
}

/* Consumes exactly this text. */
bool
pw_take(Cursor *cursor, const char *text)
{
	size_t n = strlen(text);

	if ((size_t) (cursor->end - cursor->p) < n || memcmp(cursor->p, text, n) != 0)
		return false;
	cursor->p += n;
	return true;
}

/* Digits without sign or leading zero: a number has one spelling.  Larger numbers are read as 2^32 - 1. */
bool
pw_take_number(Cursor *cursor, uint32_t *number)
{
	const char *start = cursor->p;
	uint64_t value = 0;

	for (; !pw_at_end(cursor) && *cursor->p >= '0' && *cursor->p <= '9'; cursor->p++)
		if (value <= UINT32_MAX)
			value = value * 10 + (uint64_t) (*cursor->p - '0');
	if (cursor->p == start || (*start == '0' && cursor->p - start > 1))
		return false;
	if (value > UINT32_MAX)
		value = UINT32_MAX;
	*number = (uint32_t) value;
	return true;
}

/* A number after its name: pw_take_named(cursor, "m=", &memory). */
bool
pw_take_named(Cursor *cursor, const char *name, uint32_t *number)
{
	return pw_take(cursor, name) && pw_take_number(cursor, number);
}

/* Everything up to the next '$', which is not consumed, or the end. */
Cursor
pw_take_field(Cursor *cursor)
{
	Cursor field = *cursor;

	while (!pw_at_end(cursor) && *cursor->p != '$')
		cursor->p++;
	field.end = cursor->p;
	return field;
}

/* Base64 of at least min and at most max bytes. */
bool
pw_take_base64(Cursor *cursor, Spelling spelling, size_t min, size_t max, uint8_t *out, size_t *length)
{
	Cursor field = pw_take_field(cursor);
	size_t n = (size_t) (field.end - field.p);

	if (n == 0 || (spelling == PADDED && n % 4 != 0))
		return false;
	if (spelling != PASSLIB && memchr(field.p, '.', n) != NULL)
		return false;
	if (spelling != PADDED && memchr(field.p, '=', n) != NULL)
		return false;
	return b64_decode(BASE64_STANDARD, (Slice){field.p, n}, out, max, length) && *length >= min;
}

/* Hexadecimal digits of at least min and at most max bytes. */
bool
pw_take_hex(Cursor *cursor, size_t min, size_t max, uint8_t *out, size_t *length)
{
	Cursor field = pw_take_field(cursor);
	size_t digits = (size_t) (field.end - field.p);

	*length = digits / 2;
	return *length >= min && *length <= max && bytes_hex_decode((Slice){field.p, digits}, out, *length);
}

/* Exactly size derived bytes in hexadecimal, and the end of the string. */
bool
pw_take_derived_hex(Cursor *cursor, size_t size, Parsed *parsed)
{
	return pw_take_hex(cursor, size, size, parsed->derived, &parsed->derived_length) && pw_at_end(cursor);
}

/* Text, of printable characters, whose bytes are the salt. */
bool
pw_keep_salt(Cursor text, Parsed *parsed)
{
	size_t i;

	parsed->salt_length = (size_t) (text.end - text.p);
	if (parsed->salt_length == 0 || parsed->salt_length > PW_SALT_MAX)
		return false;
	for (i = 0; i < parsed->salt_length; i++)
	{
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return false;
		parsed->salt[i] = (uint8_t) text.p[i];
	}
	return true;
}

bool
pw_take_salt_text(Cursor *cursor, Parsed *parsed)
{
	return pw_keep_salt(pw_take_field(cursor), parsed);
}

/* "$salt$derived", both in base64, and the end of the string. */
bool
pw_take_tail(Cursor *cursor, Spelling spelling, size_t salt_min, size_t salt_max, Parsed *parsed)
{
	return pw_take(cursor, "$") &&
		   pw_take_base64(cursor, spelling, salt_min, salt_max, parsed->salt, &parsed->salt_length) &&
		   pw_take(cursor, "$") &&
		   pw_take_base64(cursor, spelling, DERIVED_MIN, PW_DERIVED_MAX, parsed->derived, &parsed->derived_length) &&
		   pw_at_end(cursor);
}

PwResult
pw_compare(const Parsed *parsed, bool made, uint8_t *derived)
{
	PwResult result = PW_FAILED;

	if (made)
		result = bytes_equal(derived, parsed->derived, parsed->derived_length) ? PW_MATCH : PW_MISMATCH;
	bytes_wipe(derived, PW_DERIVED_MAX);
	return result;
}
