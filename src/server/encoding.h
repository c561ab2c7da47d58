/*
 * encoding.h
 *		Text of the database, and its conversion to UTF-8 and back.
 */
#ifndef DJUST_ENCODING_H
#define DJUST_ENCODING_H

#include "server/compat.h"
#include "text/bytes.h"

/* The bytes of a text or bytea, not copied. */
static inline Slice
text_slice(const struct varlena *value)
{
	return (Slice){VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* SQL_ASCII does not define its bytes: it is taken for UTF-8. */
extern int database_encoding(void);

/* Converts database text to UTF-8, for JSON or mail, and back; NUL-terminated. */
extern char *database_to_utf8(char *text);
extern char *database_from_utf8(char *utf8, size_t n);

#endif
