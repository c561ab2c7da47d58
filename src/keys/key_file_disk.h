/*
 * key_file_disk.h
 *		The key file on disk, and the keys derived from it.
 */
#ifndef DJUST_KEY_FILE_DISK_H
#define DJUST_KEY_FILE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"

typedef struct KeyFileKeys
{
	uint8_t refresh[SHA256_SIZE];
	uint8_t tag[SHA256_SIZE];
	uint8_t key_seal[SEAL_KEY_SIZE];
	uint8_t address_seal[SEAL_KEY_SIZE];
	uint8_t user_seal[SEAL_KEY_SIZE]; /* of customers who move to another shard */
	uint8_t audit[SHA256_SIZE];
	uint8_t check[SHA256_SIZE]; /* identifies the file in a database; reveals no other key */
} KeyFileKeys;

/* At server start: reads the file, or creates it if no database can know another one.  Never raises. */
extern void key_file_load(void);

/* Reads the file again and uses its keys; on failure the present keys stay and the result is false. */
extern bool key_file_read(void);
/* NULL if no file could be read. */
extern const KeyFileKeys *key_file_keys(void);
/* Changes whenever other keys are loaded. */
extern uint64_t key_file_generation(void);
/* Why reading or creating it last failed; quotes no content. */
extern const char *key_file_failure(void);

/* True if nothing, of any file type, exists at its path. */
extern bool key_file_is_missing(void);
/* Fails if the file exists.  Logs success. */
extern bool key_file_create(void);

/* A marker file in the data directory: a database of this server knows its key file, so no other is created. */
extern bool key_file_is_known(void);
extern void key_file_mark_known(void);

#endif
