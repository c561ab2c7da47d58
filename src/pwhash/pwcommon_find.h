/*
 * pwcommon_find.h
 *		Folding a password, and finding what it is made of; for pwcommon.c.
 */
#ifndef DJUST_PWCOMMON_FIND_H
#define DJUST_PWCOMMON_FIND_H

#include "pwhash/pwcommon.h"

/* Folds UTF-8, other bytes as they are.  typed may be NULL.  Returns the number of characters, capacity at most. */
extern size_t pwcommon_fold(Slice text, uint32_t *typed, uint32_t *letter, size_t capacity);

/* The letters that a character is typed for, such as "il" for 1; "" if none. */
extern const char *pwcommon_meant(uint32_t c);

/* Fill work->words, walk and own, which are zero. */
extern void pwcommon_find_words(PwCommon *work);
extern void pwcommon_find_walks(PwCommon *work);
extern void pwcommon_find_dates(PwCommon *work);
extern void pwcommon_find_own(PwCommon *work, Slice address, Slice names);

/* The built-in word of this length that begins here, in either direction; NULL if none. */
extern const char *pwcommon_word_at(const PwCommon *work, size_t begin, size_t length);

#endif
