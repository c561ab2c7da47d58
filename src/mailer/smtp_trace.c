/*
 * smtp_trace.c
 *		Owns the trace of libcurl's dialogue with an SMTP server; libc only.
 *
 * Threat: a server whose answers quote the link, or are malformed on purpose.
 * Only the two codes at the start of an answer are stored, if they are valid.
 */
#include "mailer/smtp_trace.h"

#include <string.h>
#include <strings.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char digits[] = "0123456789";

void
smtp_trace_begin(SmtpTrace *trace)
{
	trace->step = SMTP_CONNECTION;
	trace->code = 0;
	trace->over = false;
	memset(trace->enhanced, 0, sizeof(trace->enhanced));
}

static bool
begins_with(const char *line, size_t n, const char *word)
{
	return n >= strlen(word) && strncasecmp(line, word, strlen(word)) == 0;
}

void
smtp_trace_said(SmtpTrace *trace, const char *line, size_t n)
{
	static const struct
	{
		const char *word;
		SmtpStep step;
	} commands[] = {
		{"EHLO", SMTP_EHLO},
		{"HELO", SMTP_EHLO},
		{"STARTTLS", SMTP_STARTTLS},
		{"AUTH ", SMTP_AUTH},
		{"MAIL ", SMTP_MAIL},
		{"RCPT ", SMTP_RCPT},
		{"DATA", SMTP_DATA},
	};
	size_t i;

	trace->over = begins_with(line, n, "QUIT");
	if (trace->over)
		return;
	trace->code = 0;
	for (i = 0; i < LENGTH(commands); i++)
		if (begins_with(line, n, commands[i].word))
			trace->step = commands[i].step;
	if (trace->step == SMTP_EHLO)
		trace->logged_in = trace->offers_utf8 = false;
	else if (trace->step == SMTP_AUTH)
		trace->logged_in = true;
}

/* Stores an enhanced code such as "5.1.1". */
static void
note_enhanced(SmtpTrace *trace, const char *text)
{
	const char *p = text;
	int i;

	for (i = 0; i < 3; i++)
	{
		size_t width = strspn(p, digits);

		if (width == 0 || width > 3 || (i < 2 ? p[width] != '.' : p[width] != ' ' && p[width] != '\r'))
			return;
		p += width + (i < 2);
	}
	memcpy(trace->enhanced, text, p - text);
}

void
smtp_trace_heard(SmtpTrace *trace, const char *line, size_t n)
{
	char start[sizeof("250-") + ENHANCED_LONGEST + 1] = {0};

	memcpy(start, line, n < sizeof(start) - 1 ? n : sizeof(start) - 1);
	if (trace->over || strspn(start, digits) != 3 || start[0] < '2' || start[0] > '5')
		return;
	if (begins_with(start + 3, 9, " SMTPUTF8") || begins_with(start + 3, 9, "-SMTPUTF8"))
		trace->offers_utf8 = true;
	/* more lines follow */
	if (start[3] == '-')
		return;
	trace->code = (start[0] - '0') * 100 + (start[1] - '0') * 10 + start[2] - '0';
	memset(trace->enhanced, 0, sizeof(trace->enhanced));
	if (start[3] != '\0')
		note_enhanced(trace, start + 4);
	if (trace->step == SMTP_DATA && trace->code == 354)
	{
		trace->step = SMTP_TEXT;
		trace->code = 0;
	}
}
