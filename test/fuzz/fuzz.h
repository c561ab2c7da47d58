/*
 * fuzz.h
 *		For the fuzzers: the parts of an input, and mutations that keep the form of a text.
 */
#ifndef DJUST_FUZZ_H
#define DJUST_FUZZ_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text/bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FUZZ_MAX 16384 /* more than -max_len */

extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* The next n bytes of an input; fewer at its end. */
static inline Slice
take(Slice *input, size_t n)
{
	Slice taken = {input->data, n < input->length ? n : input->length};

	*input = slice_after(*input, taken.length);
	return taken;
}

/* 0 at the end. */
static inline uint8_t
take_byte(Slice *input)
{
	Slice taken = take(input, 1);

	return taken.length > 0 ? (uint8_t) taken.data[0] : 0;
}

/* Up to the separator, which is dropped, or the end. */
static inline Slice
take_until(Slice *input, char separator)
{
	const char *end = memchr(input->data, separator, input->length);
	Slice taken = take(input, end ? (size_t) (end - input->data) : input->length);

	(void) take(input, 1);
	return taken;
}

/* A block of exactly this size, so that the sanitizer sees a byte too many; the caller frees it. */
static inline char *
copy_of(Slice text)
{
	return memcpy(malloc(text.length > 0 ? text.length : 1), text.data, text.length);
}

/* A byte of a checksum, for choices that need no bytes of the input. */
static inline size_t
choose(Slice input, size_t below)
{
	uint32_t sum = 0;

	for (; input.length > 0; input = slice_after(input, 1))
		sum = sum * 31 + (uint8_t) input.data[0];
	return (sum ^ sum >> 15) % below;
}

static inline uint32_t
draw(unsigned *seed, size_t below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % (uint32_t) below;
}

/* Puts text in place of `removed` bytes; changes nothing if the result does not fit. */
static inline size_t
splice(uint8_t *data, size_t size, size_t max, size_t at, size_t removed, Slice text)
{
	if (size - removed + text.length > max)
		return size;
	memmove(data + at + text.length, data + at + removed, size - at - removed);
	memcpy(data + at, text.data, text.length);
	return size - removed + text.length;
}

/* Mutates `length` bytes and leaves what surrounds them. */
static inline size_t
mutate_part(uint8_t *data, size_t size, size_t max, size_t at, size_t length)
{
	static uint8_t part[FUZZ_MAX];
	size_t made;

	memcpy(part, data + at, length);
	made = LLVMFuzzerMutate(part, length, max - (size - length) < sizeof(part) ? max - (size - length) : sizeof(part));
	return splice(data, size, max, at, length, (Slice){(const char *) part, made});
}

/* A text of fields between separators: one of them is mutated, replaced by a word, repeated or removed. */
static inline size_t
mutate_fields(uint8_t *data, size_t size, size_t max, unsigned seed, const char *separators, const char *const *words,
			  size_t count)
{
	size_t at = draw(&seed, size + 1);
	Slice word = slice_of(words[draw(&seed, count)]);
	size_t start = at;
	size_t end = at;
	static char again[FUZZ_MAX];

	while (start > 0 && strchr(separators, data[start - 1]) == NULL)
		start--;
	while (end < size && strchr(separators, data[end]) == NULL)
		end++;
	switch (draw(&seed, 6))
	{
		case 0:
			return splice(data, size, max, start, end - start, word);
		case 1:
			return splice(data, size, max, at, 0, word);
		case 2:
			return splice(data, size, max, start, end - start + (end < size), slice_of(""));
		case 3:
			end += end < size;
			return splice(data, size, max, start, 0, (Slice){memcpy(again, data + start, end - start), end - start});
		case 4:
			return mutate_part(data, size, max, start, end - start);
	}
	return LLVMFuzzerMutate(data, size, max);
}

#endif
