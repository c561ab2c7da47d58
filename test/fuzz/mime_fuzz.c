/* mime_fuzz.c: strings that pass the checks make our headers and no others, on short lines, and are read back from them. */
#include <stdio.h>

#include "fuzz.h"
#include "text/mime.h"
#include "text/unicode.h"

/* A NUL-terminated copy of a line of the input. */
static char *
line_of(Slice *input)
{
	Slice line = take_until(input, '\n');
	char *text = calloc(1, line.length + 1);

	return memcpy(text, line.data, line.length);
}

/* Header values as RFC 2047 has them read: encoded-words, decoded, without the folds between them. */
static void
read_value(Slice value, char *out)
{
	size_t n = 0;

	while (value.length > 0)
	{
		if (slice_begins(value, "\r\n "))
			value = slice_after(value, 3);
		if (slice_begins(value, "=?UTF-8?B?"))
		{
			size_t length = 0;
			size_t characters;

			value = slice_after(value, 10);
			assert(b64_decode(BASE64_STANDARD, take_until(&value, '?'), (uint8_t *) out + n, 60, &length) &&
				   take_byte(&value) == '=');
			assert(length <= 45 && uni_count((Slice){out + n, length}, &characters));
			n += length;
		}
		else if (value.length > 0)
			out[n++] = (char) take_byte(&value);
	}
	out[n] = '\0';
}

/* Nothing that ends a line or hides in one (RFC 5322, Latin-1, Unicode). */
static void
check_clear(Slice text)
{
	uint32_t c;
	size_t n;

	for (; text.length > 0; text = slice_after(text, n))
		assert((n = uni_next(text, &c)) > 0 && !uni_is_control(c));
}

/* Lines of the headers: none longer than RFC 5322 asks for, none that the parts brought. */
static void
check_lines(const char *text)
{
	static const char *const names[] = {"From: ", "To: <", "Subject: ", "Date: ", "Message-ID: <", "Auto-Submitted: "};
	Slice rest = slice_of(text);
	size_t headers = 0;

	while (rest.length > 0)
	{
		Slice line = take_until(&rest, '\r');

		assert(memchr(line.data, '\n', line.length) == NULL && line.length <= ADDRESS_LONGEST + 20);
		assert(line.length <= 76 || memchr(line.data, '@', line.length) != NULL);
		assert(line.length > 0 && (rest.length == 0 || take_byte(&rest) == '\n'));
		if (line.data[0] != ' ')
			assert(headers < COUNT(names) && slice_begins(line, names[headers++]));
	}
	assert(headers == COUNT(names));
}

static void
check_headers(const Message *message, const Mailbox *from, const Address *recipient)
{
	static char value[FUZZ_MAX];
	char *text = mime_headers(message, from, recipient);
	char *name = strstr(text, "From: ") + 6;
	char *subject = strstr(text, "\r\nSubject: ") + 11;

	check_clear(slice_of(message->subject));
	check_clear(slice_of(from->name));
	check_lines(text);
	read_value((Slice){subject, (size_t) (strstr(subject, "\r\nDate: ") - subject)}, value);
	assert(strcmp(value, message->subject) == 0);
	read_value((Slice){name, (size_t) (strstr(name, "\r\nTo: <") - name) - strlen(from->address.text) - 2}, value);
	assert(strcmp(value, from->name) == 0);
	assert(strstr(text, recipient->text) != NULL);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice input = {(const char *) data, size};
	char *from = line_of(&input), *to = line_of(&input), *id = line_of(&input), *subject = line_of(&input),
		 *body = line_of(&input);
	Message message = {
		from, to, subject, body, "", id, (int64_t) size << choose((Slice){(const char *) data, size}, 40)};
	Mailbox mailbox;
	Address recipient;
	const char *fault = mime_template_fault(subject, body, "");

	assert((fault == NULL) == (mime_template_fault(subject, "", body) == NULL));
	assert(fault != NULL || mime_template_fault("", body, subject) == NULL);
	if (mime_parse_mailbox(from, &mailbox) && fault == NULL && mime_fault(&message) == NULL &&
		address_parse(slice_of(to), ADDRESS_KEEP, &recipient) == ADDRESS_OK)
		check_headers(&message, &mailbox, &recipient);
	free(from);
	free(to);
	free(id);
	free(subject);
	free(body);
	return 0;
}

/* Senders, recipients, ids and subjects, a line each, that would be headers of their own. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const words[] = {"ann@shop.example",
										"Shop <a@b>",
										"\"Shop, Inc.\" <a@b>",
										"<",
										">",
										"\"",
										"\\",
										" ",
										"\n",
										"\r",
										"\r\n",
										"\r\nBcc: x@y",
										"m@x",
										"<m@x>",
										"=?",
										"?=",
										"=?UTF-8?B?eA==?=",
										"\xc3\xa4",
										"\xe2\x82\xac",
										"\xf0\x9f\x8c\xb7",
										"\xc2\x85",
										"\xe2\x80\xa8",
										"\xc2\xa0",
										"\xff",
										"\xc3",
										",",
										"@",
										"0123456789012345678901234567890123456789012345678901234567890123456789"};

	return mutate_fields(data, size, max, seed, "\n@<>", words, COUNT(words));
}
