/*
 * link.h
 *		The secrets of links in mails.
 */
#ifndef DJUST_LINK_H
#define DJUST_LINK_H

#include <stdbool.h>

#include "crypto/crypto.h"
#include "text/bytes.h"

typedef enum LinkKind
{
	LINK_RESET, /* sets a password: a reset, an invitation */
	LINK_CONFIRM, /* confirms an address */
	LINK_REVERT, /* puts the former address back */
	LINK_KINDS
} LinkKind;

/*
 * A new link, which is in this transaction's memory only, and the hash of its secret, to be stored.  url has {token};
 * NULL: the setting's.
 */
extern char *link_make(LinkKind kind, const char *url, uint8_t hash[SHA256_SIZE]);

/* True if the token begins as this kind does; it may be garbage all the same. */
extern bool link_has_prefix(Slice token, LinkKind kind);

/* The hash of a link's secret; false if the token is none of this kind. */
extern bool link_hash(Slice token, LinkKind kind, uint8_t hash[SHA256_SIZE]);

/* The shard that the secret of a link names; -1 for garbage, and for links of 1.0.  Verifies nothing. */
extern int link_shard(Slice token);

/* The text without secrets of links; it may quote a mail. */
extern char *link_mask(const char *text);

#endif
