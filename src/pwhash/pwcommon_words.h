/*
 * pwcommon_words.h
 *		The built-in words of too_common, sorted.
 */
#ifndef DJUST_PWCOMMON_WORDS_H
#define DJUST_PWCOMMON_WORDS_H

#include <stddef.h>

#define PWCOMMON_WORD 15

extern const char pwcommon_words[][PWCOMMON_WORD + 1];
extern const size_t pwcommon_word_count;

#endif
