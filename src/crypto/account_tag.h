/*
 * account_tag.h
 *		Identifies an account: a keyed hash of database and normalised
 *		address, made by key_file_tag(), so that neither tables nor memory
 *		contain addresses that no user has.
 */
#ifndef DJUST_ACCOUNT_TAG_H
#define DJUST_ACCOUNT_TAG_H

#include "text/bytes.h"

typedef struct AccountTag
{
	uint8_t bytes[16];
} AccountTag;

#define ACCOUNT_TAG_HEX_SIZE (2 * sizeof(AccountTag) + 1)

/* As audit events show it; NUL-terminated. */
static inline void
account_tag_hex(const AccountTag *tag, char hex[ACCOUNT_TAG_HEX_SIZE])
{
	bytes_hex_encode(tag->bytes, sizeof(tag->bytes), hex);
}

#endif
