/*
 * key_file.h
 *		What the key file outside the database protects.
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

/* Plain text that fits into a sealed address: its length and up to 254 bytes, padded to one size. */
#define SEALED_ADDRESS_SIZE (SEAL_NONCE_SIZE + ADDRESS_LONGEST + 2 + SEAL_TAG_SIZE)

/*
 * First of all where keys will be needed: nothing is answered or changed under another file.  Writes in a new database.
 */
extern void key_file_require(void);

/* MAC of a refresh token's content. */
extern void key_file_refresh_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE]);

/* MAC of what the audit is sealed by; can it be made? */
extern void key_file_audit_mac(const void *data, size_t n, uint8_t mac[SHA256_SIZE]);
extern bool key_file_audit_usable(void);

/* Name of an account that says nothing about its address; purpose keeps counters apart. */
extern void key_file_tag(const char *purpose, const void *email, size_t n, AccountTag *tag);

/* Private key of kid, sealed; sealed takes n + SEAL_NONCE_SIZE + SEAL_TAG_SIZE bytes. */
extern void key_file_seal_key(const char *kid, const uint8_t *plain, size_t n, uint8_t *sealed);
/* False when it was sealed under another key file.  plain takes n - SEAL_NONCE_SIZE - SEAL_TAG_SIZE bytes. */
extern bool key_file_open_key(const char *kid, const uint8_t *sealed, size_t n, uint8_t *plain);

/* Always SEALED_ADDRESS_SIZE bytes, whatever the address; one too long to exist becomes the empty one. */
extern void key_file_seal_address(const char *email, size_t n, uint8_t sealed[SEALED_ADDRESS_SIZE]);
extern bool key_file_open_address(const uint8_t *sealed, size_t n, char email[ADDRESS_LONGEST + 1]);

#endif
