/*
 * reset_link.h
 *		The secret of a reset link: its prefix, which distinguishes it from
 *		other tokens, and the number of random bytes that follow, in
 *		base64url.
 */
#ifndef DJUST_RESET_LINK_H
#define DJUST_RESET_LINK_H

#define RESET_PREFIX "djp_"
#define RESET_SECRET_SIZE 32

#endif
