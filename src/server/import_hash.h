/*
 * import_hash.h
 *		Password hashes of other systems that are stored in another form.
 */
#ifndef DJUST_IMPORT_HASH_H
#define DJUST_IMPORT_HASH_H

#include "text/bytes.h"

/*
 * The form in which a hash is stored: the PHC string of a Keycloak credential, NULL for a mark of a user without a
 * password, every other text as it is, for the constraint to judge.
 */
extern const char *import_hash(Slice text);

#endif
