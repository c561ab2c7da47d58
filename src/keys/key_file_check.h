/*
 * key_file_check.h
 *		Whether the key file that was read is the one the database knows.
 */
#ifndef DJUST_KEY_FILE_CHECK_H
#define DJUST_KEY_FILE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "server/compat.h"

extern size_t keyfile_check_size(void);
extern void keyfile_check_attach(void);

/* True if it is, false when the database knows none yet; raises 55000 under another file or none. */
extern bool keyfile_check(void);
/* The same without raising: false under another file, too. */
extern bool keyfile_matches(void);
COMPAT_NORETURN extern void keyfile_refuse(void);

/* Was this database made from another one (CREATE DATABASE ... TEMPLATE), and not used since? */
extern bool keyfile_in_copy(void);

#endif
