/*
 * smtp_trace.c
 *		Owns what is known of the dialogue that libcurl has with an SMTP server;
 *		libc only.
 *
 * Threat: a server whose answers quote the link, or are made to confuse.  Of
 * an answer, the two codes at its start are kept, if they are codes.
 */
#include "mailer/smtp_trace.h"

#include <string.h>
#include <strings.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char digits[] = "0123456789";

void
smtp_trace_begin(SmtpTrace *transcript)
{
	transcript->step = SMTP_CONNECTION;
	transcript->code = 0;
	transcript->over = false;
	memset(transcript->enhanced, 0, sizeof(transcript->enhanced));
}

static bool
begins_with(const char *line, size_t n, const char *word)
{
	return n >= strlen(word) && strncasecmp(line, word, strlen(word)) == 0;
}

void
smtp_trace_said(SmtpTrace *transcript, const char *line, size_t n)
{
	static const struct
	{
		const char *word;
		SmtpStep	step;
	}			commands[] = {
		{"EHLO", SMTP_EHLO}, {"HELO", SMTP_EHLO}, {"STARTTLS", SMTP_STARTTLS}, {"AUTH ", SMTP_AUTH}, {"MAIL ", SMTP_MAIL},
		{"RCPT ", SMTP_RCPT}, {"DATA", SMTP_DATA},
	};
	size_t		i;

	transcript->over = begins_with(line, n, "QUIT");
	if (transcript->over)
		return;
	transcript->code = 0;
	for (i = 0; i < LENGTH(commands); i++)
		if (begins_with(line, n, commands[i].word))
			transcript->step = commands[i].step;
	if (transcript->step == SMTP_EHLO)
		transcript->logged_in = transcript->offers_utf8 = false;
	else if (transcript->step == SMTP_AUTH)
		transcript->logged_in = true;
}

/* "5.1.1" and what may follow it. */
static void
note_enhanced(SmtpTrace *transcript, const char *text)
{
	const char *p = text;
	int			i;

	for (i = 0; i < 3; i++)
	{
		size_t		width = strspn(p, digits);

		if (width == 0 || width > 3 || (i < 2 ? p[width] != '.' : p[width] != ' ' && p[width] != '\r'))
			return;
		p += width + (i < 2);
	}
	memcpy(transcript->enhanced, text, p - text);
}

void
smtp_trace_heard(SmtpTrace *transcript, const char *line, size_t n)
{
	char		start[sizeof("250-") + ENHANCED_LONGEST + 1] = {0};

	memcpy(start, line, n < sizeof(start) - 1 ? n : sizeof(start) - 1);
	if (transcript->over || strspn(start, digits) != 3 || start[0] < '2' || start[0] > '5')
		return;
	if (begins_with(start + 3, 9, " SMTPUTF8") || begins_with(start + 3, 9, "-SMTPUTF8"))
		transcript->offers_utf8 = true;
	/* more lines follow */
	if (start[3] == '-')
		return;
	transcript->code = (start[0] - '0') * 100 + (start[1] - '0') * 10 + start[2] - '0';
	memset(transcript->enhanced, 0, sizeof(transcript->enhanced));
	if (start[3] != '\0')
		note_enhanced(transcript, start + 4);
	if (transcript->step == SMTP_DATA && transcript->code == 354)
	{
		transcript->step = SMTP_TEXT;
		transcript->code = 0;
	}
}
