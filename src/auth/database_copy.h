/*
 * database_copy.h
 *		Ends sessions, links and mails in a copied or restored database, or
 *		under a new key file.
 */
#ifndef DJUST_DATABASE_COPY_H
#define DJUST_DATABASE_COPY_H

/* Call first in everything that writes: ends sessions, links and mails copied from another database. */
extern void database_copy_begin(void);

/* Ends sessions, links and waiting mails, and rotates the signing key. */
extern void database_after_restore(void);

/*
 * Makes this database know the present key file, or a new one if there is none: ends sessions and links, gives up
 * waiting reset mails, makes a signing key; keeps locks of existing accounts.
 */
extern void database_accept_key_file(void);

#endif
