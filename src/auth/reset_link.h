/*
 * reset_link.h
 *		The secret of a reset link: its prefix, which tells it from other tokens,
 *		and how many random bytes follow, in base64url.
 */
#ifndef DJUST_RESET_LINK_H
#define DJUST_RESET_LINK_H

#define RESET_PREFIX "djp_"
#define RESET_SECRET_SIZE 32

#endif
