/*
 * mime_test.c
 *		What may stand in a header and what may not; how it is written.
 *		test/t/mailer.py has the same mails read by another program's parser.
 */
#include <stdlib.h>

#include "check.h"
#include "text/mime.h"

#define AN "\xc3\xa4"			/* 2 bytes */
#define EURO "\xe2\x82\xac"		/* 3 bytes */
#define TULIP "\xf0\x9f\x8c\xb7"	/* 4 bytes */
#define TEN(s) s s s s s s s s s s

/* NUL-terminated; the caller frees it. */
static char *
write_whole(const char *from, const char *subject, const char *body, int64_t date)
{
	Message		message = {.recipient = "ann@shop.example", .subject = subject, .body_text = body, .body_html = "<p>x</p>",
	.message_id = "m@shop.example", .date = date};
	Text		text = {0};

	if (!mime_parse_mailbox(from, &message.from) || mime_fault(&message) != NULL)
		return NULL;
	text.capacity = mime_bound(&message);
	text.data = calloc(1, text.capacity + 1);
	mime_write(&message, &text);
	CHECK(!text.full);
	return text.data;
}

static void
contains(const char *from, const char *subject, const char *body, int64_t date, const char *wanted)
{
	char	   *mail = write_whole(from, subject, body, date);

	CHECK_THAT(mail != NULL && strstr(mail, wanted) != NULL, wanted);
	free(mail);
}

static void
test_mailboxes(void)
{
	static const struct
	{
		const char *text;
		const char *name;
		const char *address;
	}			good[] = {
		{"a@b.example", "", "a@b.example"},
		{" a@b.example ", "", "a@b.example"},
		{"<a@b.example>", "", "a@b.example"},
		{"Shop <a@b.example>", "Shop", "a@b.example"},
		{"\"Shop, Inc.\" <a@b.example> ", "Shop, Inc.", "a@b.example"},
		{"Blumen " AN " <A@" AN ".example>", "Blumen " AN, "A@xn--4ca.example"},
	};
	static const char *const bad[] = {
		"", " ", "a", "a@", "@b", "a@b@c", "a b@c", "Shop <a@b", "Shop a@b>", "Shop <a@b> x", "Shop <a@b> <c@d>", "<>", "Shop <>",
		"a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "Shop\r\nBcc: c@d.example <a@b.example>",
		"Shop\n <a@b.example>", "Shop\x7f <a@b.example>", "Sh\"op <a@b.example>", "Sh\\op <a@b.example>", "a@b.example;c@d.example",
		"Shop \xc2\x85 <a@b.example>", "Shop \xe2\x80\xa8 <a@b.example>", "Shop \xff <a@b.example>", "a\xc0\x8a@b.example",
		"\xed\xa0\x80@b.example", "(comment) a@b.example", "a@[127.0.0.1]", "\"a b\"@c.example", TEN(TEN("abc")) "@b.example",
	};
	Mailbox		mailbox;
	size_t		i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK_THAT(mime_parse_mailbox(good[i].text, &mailbox) && strcmp(mailbox.name, good[i].name) == 0 &&
				   strcmp(mailbox.address, good[i].address) == 0, good[i].text);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_THAT(!mime_parse_mailbox(bad[i], &mailbox), bad[i]);
}

static void
test_faults(void)
{
	static const char *const subjects[] = {"a\nb", "a\rb", "\r\nBcc: x@y", "a\tb", "a\x01", "a\x7f", "\xc2\x80", "\xc2\x9f", "\xe2\x80\xa9", "\xff", "\xc3",
	"\xe0\x80\xaf", "\xf4\x90\x80\x80"};
	Message		message = {.recipient = "a@b", .subject = "s", .body_text = "", .body_html = "", .message_id = "m@x"};
	size_t		i;

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
	CHECK(!mime_set_recipient(&message, "a@b>\r\nRCPT TO:<c@d") && mime_fault(&message) != NULL);
	CHECK(!mime_set_recipient(&message, "") && mime_fault(&message) != NULL);
	CHECK(mime_set_recipient(&message, AN "@" AN) && mime_fault(&message) == NULL && strcmp(message.recipient, AN "@xn--4ca") == 0);
	message.message_id = "m@x>\r\nBcc: <c@d";
	CHECK(mime_fault(&message) != NULL);
	message.message_id = "m" AN "@x";
	CHECK(mime_fault(&message) != NULL);
}

static void
test_dates(void)
{
	static const struct
	{
		int64_t		seconds;
		const char *date;
	}			dates[] = {
		{0, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
		{-1, "Date: Wed, 31 Dec 1969 23:59:59 +0000\r\n"},
		{951782400, "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"},
		{1709251199, "Date: Thu, 29 Feb 2024 23:59:59 +0000\r\n"},
		{1709251200, "Date: Fri, 01 Mar 2024 00:00:00 +0000\r\n"},
		{1795509555, "Date: Tue, 24 Nov 2026 08:39:15 +0000\r\n"},
		{4107542400, "Date: Mon, 01 Mar 2100 00:00:00 +0000\r\n"},
	};
	size_t		i;

	for (i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
		contains("a@b", "s", "", dates[i].seconds, dates[i].date);
}

static void
test_headers(void)
{
	contains("a@b", "Reset your password", "", 0, "\r\nSubject: Reset your password\r\n");
	contains("a@b", "", "", 0, "\r\nSubject: \r\n");
	contains("a@b", "=?UTF-8?B?eA==?=", "", 0, "\r\nSubject: =?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?=\r\n");
	contains("a@b", AN, "", 0, "\r\nSubject: =?UTF-8?B?w6Q=?=\r\n");
	contains("Shop <a@b>", "s", "", 0, "From: Shop\r\n <a@b>\r\n");
	contains("\"Shop, Inc.\" <a@b>", "s", "", 0, "From: =?UTF-8?B?U2hvcCwgSW5jLg==?=\r\n <a@b>\r\n");
	/* 13 of 3 bytes fill a word of 39; one more byte in front, and the last of them goes to the next */
	contains("a@b", TEN(EURO) EURO EURO EURO, "", 0, "\r\nSubject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n");
	contains("a@b", "x" TEN(EURO) EURO EURO EURO, "", 0, "?=\r\n =?UTF-8?B?4oKs?=\r\n");
}

/* Every line of a body is short, ends in CRLF, and is foreign to nobody. */
static void
test_bodies(void)
{
	static const struct
	{
		const char *body;
		const char *wanted;
	}			bodies[] = {
		{"", "quoted-printable\r\n\r\n\r\n--=_djust_auth\r\n"},
		{"a", "\r\n\r\na\r\n--="},
		{"a\nb\r\nc\rd", "\r\n\r\na\r\nb\r\nc\r\nd\r\n--="},
		{".", "\r\n\r\n=2E\r\n--="},
		{"..\n.\r\n.x.", "\r\n\r\n=2E.\r\n=2E\r\n=2Ex.\r\n--="},
		{"a \nb\t\n c", "\r\n\r\na=20\r\nb=09\r\n c\r\n--="},
		{"a\n\n", "\r\n\r\na\r\n\r\n\r\n--="},
		{"a=b " AN, "\r\n\r\na=3Db =C3=A4\r\n--="},
		{"\x01\x7f", "\r\n\r\n=01=7F\r\n--="},
		{"--=_djust_auth--", "\r\n\r\n--=3D_djust_auth--\r\n--="},
		{TEN("0123456789"), "0123456789" "01234=\r\n56789" "0123456789" "0123456789\r\n--="},
	};
	char	   *mail;
	char	   *line;
	char	   *end;
	size_t		i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		contains("a@b", "s", bodies[i].body, 0, bodies[i].wanted);
	mail = write_whole("a@b", TEN(TULIP AN), TEN(TEN("." AN "= ")) "\r\r\n\n \t", 0);
	for (line = mail; *line; line = end + 2)
	{
		end = strstr(line, "\r\n");
		CHECK(end != NULL);
		if (end == NULL)
			break;
		CHECK(end - line <= 76 && line[0] != '.' && memchr(line, '\r', end - line) == NULL && memchr(line, '\n', end - line) == NULL);
		CHECK(end == line || (end[-1] != ' ' && end[-1] != '\t'));
	}
	free(mail);
}

static void
test_bounds(void)
{
	Message		message = {.recipient = "a@b", .subject = "s", .body_text = "x", .body_html = "x", .message_id = "m@x"};
	char		room[600];
	Text		text = {room, 0, sizeof(room), false};
	size_t		whole;

	CHECK(mime_parse_mailbox("a@b", &message.from));
	mime_write(&message, &text);
	whole = text.length;
	CHECK(!text.full);
	text.length = 0;
	text.capacity = whole - 1;
	mime_write(&message, &text);
	CHECK(text.full && text.length < whole);
	text.length = 0;
	text.capacity = 40;
	text.full = false;
	text_append_number(&text, INT64_MIN, 0);
	text_append_number(&text, 7, 3);
	text_append_number(&text, 0, 1);
	CHECK(text.length == 24 && memcmp(room, "-92233720368547758080070", 24) == 0);
}

int
main(void)
{
	test_mailboxes();
	test_faults();
	test_dates();
	test_headers();
	test_bodies();
	test_bounds();
	return finish();
}
