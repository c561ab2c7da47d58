/* mime_fuzz.c: four strings that pass the checks make a mail of short lines, with our headers and no others. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text/mime.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *in = calloc(1, size + 4), *from = memcpy(in, data, size), *line, *end;
	char	   *recipient = from + strlen(from) + (from + strlen(from) < in + size), *subject = recipient + strlen(recipient) + 1;
	char	   *body = subject < in + size ? subject + strlen(subject) + 1 : in + size;
	Message		message = {.subject = subject < in + size ? subject : "", .body_text = body < in + size ? body : "",
	.body_html = body < in + size ? body : "", .message_id = "m@x"};
	Text		text = {0};
	int			headers = 0, in_body = 0;

	if (mime_parse_mailbox(from, &message.from) && mime_set_recipient(&message, recipient) && mime_fault(&message) == NULL)
	{
		text.data = calloc(1, (text.capacity = mime_bound(&message)) + 1);
		mime_write(&message, &text);
		assert(!text.full);
		for (line = text.data; *line; line = end + 2)
		{
			assert((end = strstr(line, "\r\n")) != NULL && end - line < 600 && *line != '.' && memchr(line, '\n', end - line) == NULL);
			in_body |= end == line;
			headers += !in_body && *line != ' ';
		}
		assert(headers == 8);
	}
	free(text.data);
	free(in);
	return 0;
}
