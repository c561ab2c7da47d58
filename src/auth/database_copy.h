/*
 * database_copy.h
 *		Ends sessions, links and mails in a copied or restored database, or
 *		under a new key file.
 */
#ifndef DJUST_DATABASE_COPY_H
#define DJUST_DATABASE_COPY_H

#include "keys/key_file_check.h"

/* Ends sessions, links and mails copied from another database.  Called through database_copy_begin. */
extern void database_copy_clean(void);

/* Call first in everything that writes. */
static inline void
database_copy_begin(void)
{
	if (key_file_in_copy())
		database_copy_clean();
}

/* Ends sessions, links and waiting mails, and rotates the signing key. */
extern void database_after_restore(void);

/*
 * Makes this database know the present key file, or a new one if there is none: ends sessions and links, gives up
 * waiting reset mails, makes a signing key; keeps locks of existing accounts.
 */
extern void database_accept_key_file(void);

#endif
