/* mime_fuzz.c: three strings that pass the checks make our headers and no others, on short lines. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text/mime.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *in = calloc(1, size + 3), *from = memcpy(in, data, size), *to = from + strlen(from) + 1, *text = NULL, *line,
		 *end;
	Message message = {
		.subject = to < in + size ? to + strlen(to) + 1 : "", .body_text = "", .body_html = "", .message_id = "m@x"};
	Mailbox mailbox;
	Address recipient;
	int headers = 0;

	if (mime_parse_mailbox(from, &mailbox) && mime_fault(&message) == NULL &&
		address_parse(slice_of(to), ADDRESS_KEEP, &recipient) == ADDRESS_OK)
	{
		assert((text = mime_headers(&message, &mailbox, &recipient)) != NULL);
		for (line = text; line; line = end ? end + 2 : NULL)
		{
			end = strstr(line, "\r\n");
			assert(strcspn(line, "\r\n") == (end ? (size_t) (end - line) : strlen(line)) && strcspn(line, "\r") < 300);
			headers += *line != ' ';
		}
		assert(headers == 6);
	}
	free(text);
	free(in);
	return 0;
}
