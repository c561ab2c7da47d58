/*
 * mime.c
 *		Owns the checks of a mail's parts, and the writing of its headers.
 *		libcurl encodes the rest (mailer/smtp.c).
 *
 * Threat: an address, a subject or a setting that injects a header, a second
 * recipient or a second mail.  Header values with control characters are
 * refused, not repaired; everything but plain ASCII is encoded.
 */
#include "text/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text/bytes.h"
#include "text/unicode.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$%&'*+-/=?^_`{|}~"
#define PLAIN_LONGEST 60

/* Bytes in an encoded-word: 52 characters of base64, so that a line after "Subject: " has at most 76. */
#define WORD_BYTES 39

/* True for valid UTF-8 without control characters, including those of Latin-1 and Unicode's line separators. */
static bool
is_header_text(const char *text)
{
	Slice rest = slice_of(text);
	size_t length;
	uint32_t c;

	for (; rest.length > 0; rest = slice_after(rest, length))
		if ((length = uni_next(rest, &c)) == 0 || uni_is_control(c))
			return false;
	return true;
}

static bool
is_utf8(const char *text)
{
	size_t characters;

	return uni_count(slice_of(text), &characters);
}

/* Strips spaces at the ends, then quotes. */
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

bool
mime_parse_mailbox(const char *text, Mailbox *mailbox)
{
	const char *open = strchr(text, '<');
	const char *close;

	mailbox->name[0] = '\0';
	if (!is_header_text(text))
		return false;
	if (open == NULL)
		return address_parse(slice_of(text), ADDRESS_KEEP, &mailbox->address) == ADDRESS_OK;
	close = strchr(open, '>');
	return close != NULL && close[1 + strspn(close + 1, " ")] == '\0' &&
		   copy_trimmed(text, open - text, mailbox->name, NAME_LONGEST) && strpbrk(mailbox->name, "\"\\<>") == NULL &&
		   address_parse((Slice){open + 1, (size_t) (close - open) - 1}, ADDRESS_KEEP, &mailbox->address) == ADDRESS_OK;
}

/* True for a msg-id of RFC 5322 that consists of dot-atoms. */
static bool
is_message_id(const char *id)
{
	Address address;

	return uni_is_ascii(slice_of(id)) && address_parse(slice_of(id), ADDRESS_KEEP, &address) == ADDRESS_OK &&
		   strcmp(address.text, id) == 0;
}

static const char *
content_fault(const char *subject, const char *body_text, const char *body_html)
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
	return content_fault(subject, body_text, body_html);
}

const char *
mime_fault(const Message *message)
{
	const char *fault = content_fault(message->subject, message->body_text, message->body_html);

	if (fault)
		return fault;
	if (!is_message_id(message->message_id))
		return "the Message-ID is malformed";
	return NULL;
}

/* RFC 2047: encoded-words, one per line, none of which splits a character. */
static void
write_words(FILE *out, const char *value)
{
	Slice rest = slice_of(value);
	size_t n;

	for (; rest.length > 0; rest = slice_after(rest, n))
	{
		char word[B64URL_LENGTH(WORD_BYTES) + 1];
		size_t length;
		uint32_t c;

		for (n = 0; (length = uni_next(slice_after(rest, n), &c)) > 0 && n + length <= WORD_BYTES; n += length)
			;
		if (n == 0)
			return;
		word[b64_encode(BASE64_STANDARD, (const uint8_t *) rest.data, n, word)] = '\0';
		fprintf(out, "%s=?UTF-8?B?%s%s?=", rest.data > value ? "\r\n " : "", word, &"=="[(n + 2) % 3]);
	}
}

/* Writes a short value of plain characters as it is, and encodes any other: no folding and no quoting are needed. */
static void
write_value(FILE *out, const char *value, const char *plain)
{
	size_t n = strlen(value);

	if (n <= PLAIN_LONGEST && strspn(value, plain) == n && strstr(value, "=?") == NULL &&
		(n == 0 || (value[0] != ' ' && value[n - 1] != ' ')))
		fputs(value, out);
	else
		write_words(out, value);
}

/* RFC 5322 section 3.3, in UTC; LC_TIME is always C in a server. */
static void
write_date(FILE *out, time_t seconds)
{
	char date[64];
	struct tm utc;

	if (gmtime_r(&seconds, &utc) != NULL && strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &utc) > 0)
		fprintf(out, "Date: %s\r\n", date);
}

char *
mime_headers(const Message *message, const Mailbox *from, const Address *recipient)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	bool whole;

	if (out == NULL)
		return NULL;
	fputs("From: ", out);
	write_value(out, from->name, LETTERS);
	fprintf(out, "%s<%s>\r\nTo: <%s>\r\nSubject: ", *from->name ? "\r\n " : "", from->address.text, recipient->text);
	write_value(out, message->subject, LETTERS ".,:;\"()<>@[\\]");
	fputs("\r\n", out);
	write_date(out, message->date);
	fprintf(out, "Message-ID: <%s>\r\nAuto-Submitted: auto-generated", message->message_id);
	whole = fflush(out) == 0 && !ferror(out);
	fclose(out);
	if (!whole)
		free(text);
	return whole ? text : NULL;
}
