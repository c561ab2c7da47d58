/*
 * pwcommon.h
 *		Whether a password is too common: made of words that are guessed first.
 */
#ifndef DJUST_PWCOMMON_H
#define DJUST_PWCOMMON_H

#include "text/bytes.h"

#define PWCOMMON_LONGEST 1024 /* characters that are looked at */
#define PWCOMMON_POINTS 5 /* fewer are too common */
#define PWCOMMON_LISTED_LONGEST 64 /* characters of an entry that is found as a word */
#define PWCOMMON_FOUND 160

/*
 * The judgement of one password, and the work on it, which is secret: allocate it where an error wipes it.  Each array
 * is indexed by the characters of the folded password.
 */
typedef struct PwCommon
{
	size_t length;
	uint32_t typed[PWCOMMON_LONGEST]; /* in lower case; 0 for the second letter of a character such as ß */
	uint32_t letter[PWCOMMON_LONGEST]; /* without diacritics */
	uint32_t words[PWCOMMON_LONGEST]; /* bit n: a built-in word of n letters begins here */
	uint16_t walk[PWCOMMON_LONGEST]; /* length of the longest walk, sequence, year or date that begins here */
	uint16_t own[PWCOMMON_LONGEST]; /* length of the longest word of the address or the shop that begins here */
	uint16_t before[PWCOMMON_LONGEST + 1]; /* fewest points up to here */
	uint16_t after[PWCOMMON_LONGEST + 1]; /* fewest points from here on */
	char word[PWCOMMON_LISTED_LONGEST * 4]; /* a candidate for the list */
	char found[PWCOMMON_FOUND]; /* what was found, NUL-terminated UTF-8; part of the password */
} PwCommon;

/*
 * True if the administrator's list has this word, or, if not whole, one that begins so.  UTF-8 in lower case, as typed
 * or with substitutions undone.
 */
typedef bool (*PwListed)(Slice word, bool whole, void *arg);

/*
 * password is in NFC, address in its normal form or empty, names a comma list.  listed may be NULL.  Wipes all of work
 * but found, which is empty if nothing but repetitions made the password common.
 */
extern bool pwcommon_judge(Slice password, Slice address, Slice names, PwListed listed, void *arg, PwCommon *work);

#endif
