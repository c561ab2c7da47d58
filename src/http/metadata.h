/*
 * metadata.h
 *		The metadata of the authorization server (RFC 8414).
 */
#ifndef DJUST_METADATA_H
#define DJUST_METADATA_H

/* JSON text.  Raises 55000 unless djust_auth.issuer is a URL. */
extern char *metadata_json(void);

#endif
