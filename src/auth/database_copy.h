/*
 * database_copy.h
 *		What ends in a copy of a database, after a restore, and under a new key file.
 */
#ifndef DJUST_DATABASE_COPY_H
#define DJUST_DATABASE_COPY_H

#include "keys/key_file_check.h"

/* Ends what was copied along from another database.  Called through database_copy_begin. */
extern void database_copy_clean(void);

/* First of all in everything that writes. */
static inline void
database_copy_begin(void)
{
	if (key_file_in_copy())
		database_copy_clean();
}

/* Sessions, links and waiting mails end, the signing key is rotated. */
extern void database_after_restore(void);

/*
 * Makes the key file that is there now, or a new one if there is none, the one this database knows: sessions and links
 * end, waiting reset mails are given up, a signing key is made; locks of existing accounts stay.
 */
extern void database_accept_key_file(void);

#endif
