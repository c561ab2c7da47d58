/*
 * account_tag.h
 *		Identifies an account: a keyed hash of database and normalised
 *		address, made by key_file_tag(), so that neither tables nor memory
 *		contain addresses that no user has.
 */
#ifndef DJUST_ACCOUNT_TAG_H
#define DJUST_ACCOUNT_TAG_H

#include <stdint.h>

typedef struct AccountTag
{
	uint8_t bytes[16];
} AccountTag;

#endif
