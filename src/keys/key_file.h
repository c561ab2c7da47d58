/*
 * key_file.h
 *		Sealing and MACs under the key file outside the database.
 *
 * All of these raise 55000 under a key file that the database does not know.
 */
#ifndef DJUST_KEY_FILE_H
#define DJUST_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/account_tag.h"
#include "crypto/crypto.h"
#include "text/address.h"

/* A sealed address holds its length and up to 254 bytes, padded to one size. */
#define SEALED_ADDRESS_SIZE (SEAL_NONCE_SIZE + ADDRESS_LONGEST + 2 + SEAL_TAG_SIZE)

/* Call before anything else that needs keys: raises under another key file.  Records the file in a new database. */
extern void key_file_require(void);

/* MAC of a refresh token's content. */
extern void key_file_refresh_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE]);

/* MAC for audit seals; only if key_file_matches. */
extern void key_file_audit_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE]);

/* Keyed identifier of an account, reveals no address; purpose separates the counters. */
extern void key_file_tag(const char *purpose, Slice email, AccountTag *tag);

/* Seals the private key of kid into n + SEAL_NONCE_SIZE + SEAL_TAG_SIZE bytes. */
extern void key_file_seal_key(const char *kid, const uint8_t *plain, size_t n, uint8_t *sealed);
/* False if it was sealed under another key file.  plain takes n - SEAL_NONCE_SIZE - SEAL_TAG_SIZE bytes. */
extern bool key_file_open_key(const char *kid, Slice sealed, uint8_t *plain);

#define SEALED_SIZE(n) ((n) + SEAL_NONCE_SIZE + SEAL_TAG_SIZE)

/* A customer who moves; purpose says where.  sealed takes SEALED_SIZE(n) bytes, plain SEALED_SIZE(0) less than that. */
extern void key_file_seal_user(const char *purpose, const uint8_t *plain, size_t n, uint8_t *sealed);
extern bool key_file_open_user(const char *purpose, Slice sealed, uint8_t *plain);

/* Always writes SEALED_ADDRESS_SIZE bytes; an address too long to exist is sealed as the empty one. */
extern void key_file_seal_address(const char *email, uint8_t sealed[SEALED_ADDRESS_SIZE]);
extern bool key_file_open_address(Slice sealed, char email[ADDRESS_LONGEST + 1]);

#endif
