/*
 * mime.c
 *		Owns the form of a mail: headers, encodings, parts.
 *
 * Threat: an address, a subject or a setting that smuggles in a header, a
 * second recipient or a second mail.  Header values with control characters are
 * refused, not repaired; everything beyond plain ASCII is encoded; bodies are
 * quoted-printable, in which no line is foreign to SMTP.
 */
#include "text/mime.h"

#include <string.h>

#include "text/unicode.h"

/* '=' followed by '_' never occurs in quoted-printable: no body can hold it (RFC 2045 section 6.7). */
#define BOUNDARY "=_djust_auth"
#define CRLF "\r\n"
#define HEADERS_LONGEST 2048
#define LINE_LONGEST 76
#define PLAIN_LONGEST 60

/* Bytes of one encoded-word: 52 characters of base64, so that the line stays within 76 behind "Subject: ". */
#define WORD_BYTES 39

void
text_append_bytes(Text *text, const char *more, size_t n)
{
	if (n > text->capacity - text->length)
	{
		text->full = true;
		return;
	}
	memcpy(text->data + text->length, more, n);
	text->length += n;
}

void
text_append(Text *text, const char *more)
{
	text_append_bytes(text, more, strlen(more));
}

/* At least so many digits. */
void
text_append_number(Text *text, int64_t number, int digits)
{
	char		reversed[20];
	uint64_t	rest = number < 0 ? -(uint64_t) number : (uint64_t) number;
	int			n = 0;

	if (number < 0)
		text_append(text, "-");
	while (rest > 0 || n < digits || n == 0)
	{
		reversed[n++] = (char) ('0' + rest % 10);
		rest /= 10;
	}
	while (n > 0)
		text_append_bytes(text, &reversed[--n], 1);
}

/* Valid UTF-8 without controls, those of Latin-1 and the line separators of Unicode included. */
static bool
is_header_text(const char *text)
{
	Slice		rest = slice_of(text);
	size_t		length;
	uint32_t	c;

	for (; rest.length > 0; rest = slice_after(rest, length))
		if ((length = uni_next(rest, &c)) == 0 || uni_is_control(c))
			return false;
	return true;
}

static bool
is_utf8(const char *text)
{
	size_t		characters;

	return uni_count(slice_of(text), &characters);
}

/* Without spaces at the ends, then without quotes. */
static bool
copy_trimmed(const char *from, size_t n, char *to, size_t longest)
{
	while (n > 0 && *from == ' ')
	{
		from++;
		n--;
	}
	while (n > 0 && from[n - 1] == ' ')
		n--;
	if (n >= 2 && from[0] == '"' && from[n - 1] == '"')
	{
		from++;
		n -= 2;
	}
	if (n > longest)
		return false;
	memcpy(to, from, n);
	to[n] = '\0';
	return true;
}

static bool
parse_address(Slice text, AddressCase kind, char to[ADDRESS_LONGEST + 1])
{
	Address		address;
	AddressFault fault = address_parse(text, kind, &address);

	memcpy(to, address.text, sizeof(address.text));
	return fault == ADDRESS_OK;
}

bool
mime_parse_mailbox(const char *text, Mailbox *mailbox)
{
	const char *open = strchr(text, '<');
	const char *close;

	mailbox->name[0] = '\0';
	if (!is_header_text(text))
		return false;
	if (open == NULL)
		return parse_address(slice_of(text), ADDRESS_KEEP, mailbox->address);
	close = strchr(open, '>');
	return close != NULL && close[1 + strspn(close + 1, " ")] == '\0' &&
		copy_trimmed(text, open - text, mailbox->name, NAME_LONGEST) &&
		strpbrk(mailbox->name, "\"\\<>") == NULL &&
		parse_address((Slice) {open + 1, (size_t) (close - open) - 1}, ADDRESS_KEEP, mailbox->address);
}

bool
mime_set_recipient(Message *message, const char *address)
{
	return parse_address(slice_of(address), ADDRESS_KEEP, message->recipient);
}

/* msg-id of RFC 5322, dot-atoms only. */
static bool
is_message_id(const char *id)
{
	Address		address;

	return uni_is_ascii(slice_of(id)) && address_parse(slice_of(id), ADDRESS_KEEP, &address) == ADDRESS_OK &&
		strcmp(address.text, id) == 0;
}

static const char *
text_fault(const char *subject, const char *body_text, const char *body_html)
{
	if (!is_header_text(subject))
		return "the subject holds control characters or is not UTF-8";
	if (!is_utf8(body_text) || !is_utf8(body_html))
		return "the body is not UTF-8";
	return NULL;
}

const char *
mime_template_fault(const char *subject, const char *body_text, const char *body_html)
{
	if (strlen(subject) > SUBJECT_LONGEST)
		return "the subject is longer than 500 bytes";
	if (strlen(body_text) > BODY_LONGEST || strlen(body_html) > BODY_LONGEST)
		return "the body is longer than 256 kB";
	return text_fault(subject, body_text, body_html);
}

const char *
mime_fault(const Message *message)
{
	const char *fault = text_fault(message->subject, message->body_text, message->body_html);

	if (message->recipient[0] == '\0')
		return "the recipient is no address that can be written into a mail";
	if (fault)
		return fault;
	if (!is_message_id(message->message_id))
		return "the Message-ID is malformed";
	return NULL;
}

static void
append_base64(Text *out, const unsigned char *p, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t		i;

	for (i = 0; i < n; i += 3)
	{
		uint32_t	group = p[i] << 16 | (i + 1 < n ? p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		char		quad[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63], '=', '='};

		if (i + 1 < n)
			quad[2] = alphabet[group >> 6 & 63];
		if (i + 2 < n)
			quad[3] = alphabet[group & 63];
		text_append_bytes(out, quad, 4);
	}
}

/* RFC 2047: encoded-words, one a line, none of which splits a character. */
static void
append_words(Text *out, const char *value)
{
	const char *p = value;
	size_t		left = strlen(value);

	while (left > 0)
	{
		size_t		n = 0;
		size_t		length;
		uint32_t	c;

		while ((length = uni_next((Slice) {p + n, left - n}, &c)) > 0 && n + length <= WORD_BYTES)
			n += length;
		if (n == 0)
			return;
		text_append(out, p == value ? "=?UTF-8?B?" : CRLF " =?UTF-8?B?");
		append_base64(out, (const unsigned char *) p, n);
		text_append(out, "?=");
		p += n;
		left -= n;
	}
}

/* Short and of these characters as it is, anything else encoded: no folding, no quoting to get wrong. */
static void
append_value(Text *out, const char *value, const char *plain)
{
	size_t		n = strlen(value);

	if (n <= PLAIN_LONGEST && strspn(value, plain) == n && strstr(value, "=?") == NULL &&
		(n == 0 || (value[0] != ' ' && value[n - 1] != ' ')))
		text_append(out, value);
	else
		append_words(out, value);
}

/* RFC 5322 section 3.3, in UTC, by the civil calendar (no locale). */
static void
append_date(Text *out, int64_t seconds)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char weekdays[] = "ThuFriSatSunMonTueWed";
	int64_t		day = seconds / 86400 - (seconds % 86400 < 0);
	int64_t		rest = seconds - day * 86400;
	int64_t		era_day = day + 719468;		/* since 0000-03-01 */
	int64_t		era = (era_day >= 0 ? era_day : era_day - 146096) / 146097;
	int64_t		doe = era_day - era * 146097;
	int64_t		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t		month = (5 * doy + 2) / 153;	/* from March */
	int64_t		year = yoe + era * 400 + (month >= 10);

	text_append_bytes(out, weekdays + 3 * ((day % 7 + 7) % 7), 3);
	text_append(out, ", ");
	text_append_number(out, doy - (153 * month + 2) / 5 + 1, 2);
	text_append(out, " ");
	text_append_bytes(out, names + 3 * ((month + 2) % 12), 3);
	text_append(out, " ");
	text_append_number(out, year, 4);
	text_append(out, " ");
	text_append_number(out, rest / 3600, 2);
	text_append(out, ":");
	text_append_number(out, rest / 60 % 60, 2);
	text_append(out, ":");
	text_append_number(out, rest % 60, 2);
	text_append(out, " +0000" CRLF);
}

/* Does the line end at p?  Any of CRLF, LF and CR ends one; length of what ends it. */
static size_t
line_end(const char *p)
{
	return p[0] == '\r' ? 1 + (p[1] == '\n') : p[0] == '\n';
}

/*
 * RFC 2045 section 6.7, with CRLF for every line end.  Encoded as well are a space or tab that ends a line, and a dot
 * that begins one, so that nobody on the way has to double it.
 */
static void
append_quoted_printable(Text *out, const char *p)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t		column = 0;

	for (; *p; p++)
	{
		unsigned char c = (unsigned char) *p;
		size_t		end = line_end(p);
		bool		last = p[1] == '\0' || line_end(p + 1) > 0;
		bool		plain = (c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !last);
		char		hex[3] = {'=', digits[c >> 4], digits[c & 15]};

		if (end > 0)
		{
			text_append(out, CRLF);
			p += end - 1;
			column = 0;
			continue;
		}
		if (column + (plain ? 1 : 3) > LINE_LONGEST - 1)
		{
			text_append(out, "=" CRLF);
			column = 0;
		}
		if (c == '.' && column == 0)
			plain = false;
		text_append_bytes(out, plain ? p : hex, plain ? 1 : 3);
		column += plain ? 1 : 3;
	}
}

static void
append_part(Text *out, const char *type, const char *body)
{
	text_append(out, CRLF "--" BOUNDARY CRLF "Content-Type: ");
	text_append(out, type);
	text_append(out, "; charset=utf-8" CRLF "Content-Transfer-Encoding: quoted-printable" CRLF CRLF);
	append_quoted_printable(out, body);
}

/* A byte of a body takes 3, a soft line break before it 3 more at the very worst. */
size_t
mime_bound(const Message *message)
{
	return HEADERS_LONGEST + 6 * (strlen(message->subject) + strlen(message->body_text) + strlen(message->body_html));
}

void
mime_write(const Message *message, Text *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$%&'*+-/=?^_`{|}~";
	static const char printable[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$%&'*+-/=?^_`{|}~.,:;\"()<>@[\\]";

	text_append(out, "From: ");
	append_value(out, message->from.name, letters);
	text_append(out, message->from.name[0] ? CRLF " <" : "<");
	text_append(out, message->from.address);
	text_append(out, ">" CRLF "To: <");
	text_append(out, message->recipient);
	text_append(out, ">" CRLF "Subject: ");
	append_value(out, message->subject, printable);
	text_append(out, CRLF "Date: ");
	append_date(out, message->date);
	text_append(out, "Message-ID: <");
	text_append(out, message->message_id);
	text_append(out, ">" CRLF "Auto-Submitted: auto-generated" CRLF "MIME-Version: 1.0" CRLF
				"Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"" CRLF);
	append_part(out, "text/plain", message->body_text);
	append_part(out, "text/html", message->body_html);
	text_append(out, CRLF "--" BOUNDARY "--" CRLF);
}
