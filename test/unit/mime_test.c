/*
 * mime_test.c
 *		What may stand in a header and what may not; how it is written.
 *		test/t/mailer.py has whole mails read by another program's parser.
 */
#include <stdlib.h>

#include "check.h"
#include "text/mime.h"

#define AN "\xc3\xa4" /* 2 bytes */
#define EURO "\xe2\x82\xac" /* 3 bytes */
#define TULIP "\xf0\x9f\x8c\xb7" /* 4 bytes */
#define TEN(s) s s s s s s s s s s

static void
contains(const char *from, const char *subject, int64_t date, const char *wanted)
{
	Message message = {
		.subject = subject, .body_text = "", .body_html = "", .message_id = "m@shop.example", .date = date};
	Address recipient = {"ann@shop.example"};
	Mailbox mailbox;
	char *headers;

	CHECK_THAT(mime_parse_mailbox(from, &mailbox) && mime_fault(&message) == NULL, from);
	headers = mime_headers(&message, &mailbox, &recipient);
	CHECK_THAT(headers != NULL && strstr(headers, wanted) != NULL, wanted);
	free(headers);
}

static void
test_mailboxes(void)
{
	static const struct
	{
		const char *text;
		const char *name;
		const char *address;
	} good[] = {
		{"a@b.example", "", "a@b.example"},
		{" a@b.example ", "", "a@b.example"},
		{"<a@b.example>", "", "a@b.example"},
		{"Shop <a@b.example>", "Shop", "a@b.example"},
		{"\"Shop, Inc.\" <a@b.example> ", "Shop, Inc.", "a@b.example"},
		{"Blumen " AN " <A@" AN ".example>", "Blumen " AN, "A@xn--4ca.example"},
	};
	static const char *const bad[] = {
		"",
		" ",
		"a",
		"a@",
		"@b",
		"a@b@c",
		"a b@c",
		"Shop <a@b",
		"Shop a@b>",
		"Shop <a@b> x",
		"Shop <a@b> <c@d>",
		"<>",
		"Shop <>",
		"a@b.example, c@d.example",
		"a@b.example\r\nBcc: c@d.example",
		"Shop\r\nBcc: c@d.example <a@b.example>",
		"Shop\n <a@b.example>",
		"Shop\x7f <a@b.example>",
		"Sh\"op <a@b.example>",
		"Sh\\op <a@b.example>",
		"a@b.example;c@d.example",
		"Shop \xc2\x85 <a@b.example>",
		"Shop \xe2\x80\xa8 <a@b.example>",
		"Shop \xff <a@b.example>",
		"a\xc0\x8a@b.example",
		"\xed\xa0\x80@b.example",
		"(comment) a@b.example",
		"a@[127.0.0.1]",
		"\"a b\"@c.example",
		TEN(TEN("abc")) "@b.example",
	};
	Mailbox mailbox;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_THAT(mime_parse_mailbox(good[i].text, &mailbox) && strcmp(mailbox.name, good[i].name) == 0 &&
					   strcmp(mailbox.address.text, good[i].address) == 0,
				   good[i].text);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_THAT(!mime_parse_mailbox(bad[i], &mailbox), bad[i]);
}

static void
test_faults(void)
{
	static const char *const subjects[] = {"a\nb",
										   "a\rb",
										   "\r\nBcc: x@y",
										   "a\tb",
										   "a\x01",
										   "a\x7f",
										   "\xc2\x80",
										   "\xc2\x9f",
										   "\xe2\x80\xa9",
										   "\xff",
										   "\xc3",
										   "\xe0\x80\xaf",
										   "\xf4\x90\x80\x80"};
	Message message = {.subject = "s", .body_text = "", .body_html = "", .message_id = "m@x"};
	size_t i;

	CHECK(mime_fault(&message) == NULL);
	for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
	{
		message.subject = subjects[i];
		CHECK_THAT(mime_fault(&message) != NULL, subjects[i]);
	}
	message.subject = "s";
	message.body_text = "\xff";
	CHECK_THAT(mime_fault(&message) != NULL, "a body that is no UTF-8");
	CHECK_THAT(mime_template_fault("s", "x", "\xc3") != NULL, "nor one of HTML");
	CHECK_THAT(mime_template_fault("s", "a\tb\r\n\x01", "x") == NULL, "controls in a body are encoded");
	message.body_text = "";
	message.subject = AN EURO TULIP "\xc2\xa0";
	CHECK(mime_fault(&message) == NULL);
	message.message_id = "m@x>\r\nBcc: <c@d";
	CHECK(mime_fault(&message) != NULL);
	message.message_id = "m" AN "@x";
	CHECK(mime_fault(&message) != NULL);
}

static void
test_headers(void)
{
	contains("a@b",
			 "s",
			 0,
			 "From: <a@b>\r\nTo: <ann@shop.example>\r\nSubject: s\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\n"
			 "Message-ID: <m@shop.example>\r\nAuto-Submitted: auto-generated");
	contains("a@b", "s", 1709251199, "\r\nDate: Thu, 29 Feb 2024 23:59:59 +0000\r\n");
	contains("a@b", "Reset your password", 0, "\r\nSubject: Reset your password\r\n");
	contains("a@b", "", 0, "\r\nSubject: \r\n");
	contains("a@b", "=?UTF-8?B?eA==?=", 0, "\r\nSubject: =?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=\r\n");
	contains("a@b", AN, 0, "\r\nSubject: =?UTF-8?B?w6Q=?=\r\n");
	contains("Shop <a@b>", "s", 0, "From: Shop\r\n <a@b>\r\n");
	contains("\"Shop, Inc.\" <a@b>", "s", 0, "From: =?UTF-8?B?U2hvcCwgSW5jLg==?=\r\n <a@b>\r\n");
	/* 13 of 3 bytes fill a word of 39; one more byte in front, and the last of them goes to the next */
	contains("a@b",
			 TEN(EURO) EURO EURO EURO,
			 0,
			 "\r\nSubject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n");
	contains("a@b", "x" TEN(EURO) EURO EURO EURO, 0, "?=\r\n =?UTF-8?B?4oKs?=\r\n");
}

int
main(void)
{
	test_mailboxes();
	test_faults();
	test_headers();
	return finish();
}
