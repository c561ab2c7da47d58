/*
 * der.h
 *		DER (X.690) for the fuzzers: writing it, and mutations of one element that keep the lengths around it right.
 */
#ifndef DJUST_FUZZ_DER_H
#define DJUST_FUZZ_DER_H

#include "fuzz.h"

#define DER_MAX 4096 /* longer inputs are mutated without regard to their form */

/* Puts tag and length before what out has from `at` to `end`; returns the new end. */
static inline size_t
der_close(uint8_t *out, size_t at, size_t end, uint8_t tag)
{
	size_t n = end - at;
	uint8_t head[] = {tag, 0x82, (uint8_t) (n >> 8), (uint8_t) n};
	size_t length = n < 0x80 ? 2 : n < 0x100 ? 3 : 4;

	if (length == 2)
		head[1] = (uint8_t) n;
	else if (length == 3)
		memcpy(head + 1, (uint8_t[]){0x81, (uint8_t) n}, 2);
	memmove(out + at + length, out + at, n);
	memcpy(out + at, head, length);
	return end + length;
}

/* Appends a positive INTEGER. */
static inline size_t
der_number(uint8_t *out, size_t at, const uint8_t *number, size_t n)
{
	size_t zero = number[0] >= 0x80;

	out[at] = 0;
	memcpy(out + at + zero, number, n);
	return der_close(out, at, at + zero + n, 0x02);
}

/* Takes the first element, with lengths of at most three bytes. */
static inline bool
der_take(Slice *rest, uint8_t *tag, Slice *content)
{
	const uint8_t *p = (const uint8_t *) rest->data;
	size_t long_form = rest->length > 3 && (p[1] == 0x81 || p[1] == 0x82) ? p[1] & 3 : 0;
	size_t n = rest->length < 2 ? SIZE_MAX : long_form == 0 ? p[1] : long_form == 1 ? p[2] : (size_t) p[2] << 8 | p[3];

	if (rest->length < 2 + long_form || n > rest->length - 2 - long_form)
		return false;
	*tag = p[0];
	*content = (Slice){rest->data + 2 + long_form, n};
	*rest = slice_after(*rest, 2 + long_form + n);
	return true;
}

/* How many bytes of the content precede other elements: none, or of a BIT STRING one; all if there are no others. */
static inline size_t
der_lead(uint8_t tag, Slice content)
{
	size_t lead = tag == 0x03;
	Slice rest = content.length > lead ? slice_after(content, lead) : content;
	uint8_t inner;
	Slice ignored;

	if (tag & 0x20)
		return 0;
	return (tag == 0x03 || tag == 0x04) && content.length > lead && der_take(&rest, &inner, &ignored) &&
				   rest.length == 0 ?
			   lead :
			   content.length;
}

/* Object identifiers and numbers that change the meaning of a key. */
static const char *const der_words[] = {"06082a8648ce3d030107",
										"06072a8648ce3d0201",
										"06052b81040022",
										"06052b8104000a",
										"06092a864886f70d010101",
										"06092a864886f70d01010a",
										"06032b6570",
										"06032b656e",
										"06032b6571",
										"0500",
										"020100",
										"020101",
										"020102",
										"020103",
										"0203010001",
										"0203010000",
										"0201ff",
										"0420",
										"0440",
										"3000",
										"0400"};

/* In place of the element with this content, or before it. */
static inline size_t
der_change(uint8_t *out, uint8_t tag, Slice content, unsigned seed)
{
	const char *word = der_words[draw(&seed, COUNT(der_words))];
	size_t n = strlen(word) / 2;

	switch (draw(&seed, 5))
	{
		case 0:
			return 0;
		case 1:
			assert(bytes_hex_decode(slice_of(word), out, n));
			return n;
		case 2:
			memcpy(out, content.data, content.length);
			n = der_close(out, 0, content.length, tag);
			memcpy(out + n, out, n);
			return 2 * n;
		case 3:
			memcpy(out, content.data, content.length);
			return der_close(out, 0, content.length, (uint8_t) (tag ^ 1u << draw(&seed, 6)));
	}
	memcpy(out, content.data, content.length);
	return der_close(out, 0, LLVMFuzzerMutate(out, content.length, content.length + 8), tag);
}

/* Copies elements and changes the one that *countdown reaches. */
static inline size_t
der_rewrite(Slice der, uint8_t *out, int *countdown, unsigned seed)
{
	size_t n = 0;
	Slice content;
	uint8_t tag;

	while (der_take(&der, &tag, &content))
	{
		size_t lead = der_lead(tag, content);
		size_t end = n + lead;

		if ((*countdown)-- == 0)
		{
			n += der_change(out + n, tag, content, seed);
			continue;
		}
		memcpy(out + n, content.data, lead);
		if (lead < content.length)
			end += der_rewrite(slice_after(content, lead), out + end, countdown, seed);
		n = der_close(out, n, end, tag);
	}
	memcpy(out + n, der.data, der.length);
	return n + der.length;
}

static inline size_t
mutate_der(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static uint8_t out[4 * DER_MAX];
	Slice der = {(const char *) data, size};
	int countdown = 1 << 30;
	size_t n;

	if (size > DER_MAX || draw(&seed, 4) == 0)
		return LLVMFuzzerMutate(data, size, max);
	(void) der_rewrite(der, out, &countdown, seed);
	countdown = (int) draw(&seed, (size_t) ((1 << 30) - countdown + 1));
	n = der_rewrite(der, out, &countdown, seed);
	return splice(data, size, max, 0, size, (Slice){(const char *) out, n});
}

#endif
