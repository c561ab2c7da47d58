/*
 * key_file_check.h
 *		Checks that the loaded key file is the one the database knows.
 */
#ifndef DJUST_KEY_FILE_CHECK_H
#define DJUST_KEY_FILE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "server/compat.h"

extern size_t key_file_check_size(void);
extern void key_file_check_attach(void);

/*
 * True if the loaded key file is the one that this database knows; false if it knows none.  Raises 55000 if it knows
 * another, or none is loaded.
 */
extern bool key_file_check(void);
/* The same, but returns false instead of raising. */
extern bool key_file_matches(void);
/* Raises 55000: the key file is another one, or not loaded. */
COMPAT_NORETURN extern void key_file_refuse(void);

/* True if this database was copied from another one (CREATE DATABASE ... TEMPLATE) and has not been used since. */
extern bool key_file_in_copy(void);

#endif
