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

/* True if it is; false if the database knows none yet.  Raises 55000 under another file or none. */
extern bool key_file_check(void);
/* The same without raising: false under another file, too. */
extern bool key_file_matches(void);
COMPAT_NORETURN extern void key_file_refuse(void);

/* True if this database was copied from another one (CREATE DATABASE ... TEMPLATE) and has not been used since. */
extern bool key_file_in_copy(void);

#endif
