/*
 * datum.h
 *		Values of text and bytea columns.
 */
#ifndef DJUST_DATUM_H
#define DJUST_DATUM_H

#include "fmgr.h"
#include "utils/builtins.h"

#include "server/compat.h"

/* NULL becomes 0, which statements take for NULL. */
static inline Datum
text_datum(const char *value)
{
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

static inline Datum
bytes_datum(const uint8 *value, size_t n)
{
	bytea *copy;

	if (value == NULL)
		return (Datum) 0;
	copy = palloc(VARHDRSZ + n);
	SET_VARSIZE(copy, VARHDRSZ + n);
	memcpy(VARDATA(copy), value, n);
	return PointerGetDatum(copy);
}

/* A value of another length becomes zeroes, which match no hash. */
static inline void
datum_bytes(Datum value, uint8 *bytes, size_t n)
{
	bytea *plain = DatumGetByteaPP(value);

	memset(bytes, 0, n);
	if (VARSIZE_ANY_EXHDR(plain) == n)
		memcpy(bytes, VARDATA_ANY(plain), n);
}

#endif
