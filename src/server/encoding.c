/*
 * encoding.c
 *		Owns what is taken for the encoding of the database, and conversion to
 *		UTF-8 and back of text that is not secret.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "server/encoding.h"

int
database_encoding(void)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? PG_UTF8 : GetDatabaseEncoding();
}

char *
database_to_utf8(char *text)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? text : pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

char *
database_from_utf8(char *utf8, size_t n)
{
	return GetDatabaseEncoding() == PG_SQL_ASCII ? utf8 : pg_any_to_server(utf8, (int) n, PG_UTF8);
}
