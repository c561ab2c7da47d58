/*
 * key_file_disk.h
 *		The key file on disk, and the keys derived from what it holds.
 */
#ifndef DJUST_KEY_FILE_DISK_H
#define DJUST_KEY_FILE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"

typedef struct KeyFileKeys
{
	uint8_t		refresh[SHA256_SIZE];
	uint8_t		tag[SHA256_SIZE];
	uint8_t		key_seal[SEAL_KEY_SIZE];
	uint8_t		address_seal[SEAL_KEY_SIZE];
	uint8_t		audit[SHA256_SIZE];
	uint8_t		check[SHA256_SIZE]; /* a database knows the file by it; nothing else can be derived from it */
} KeyFileKeys;

/* At server start: reads the file, or creates it where no database can know another one.  Never raises. */
extern void key_file_load(void);

/* Reads the file anew and takes over its keys; false leaves the present ones. */
extern bool key_file_read(void);
/* NULL when no file could be read. */
extern const KeyFileKeys *key_file_keys(void);
/* Changes whenever other keys were taken over. */
extern uint64_t key_file_generation(void);
/* Why the last reading or creation failed; no part of the content. */
extern const char *key_file_failure(void);

/* Is there no file, of whatever kind, at its place? */
extern bool key_file_is_missing(void);
/* Fails where there is a file already.  Logs its success. */
extern bool key_file_create(void);

/* A mark in the data directory that a database of this server knows its key file: no other is created then. */
extern bool key_file_is_known(void);
extern void key_file_mark_known(void);

#endif
