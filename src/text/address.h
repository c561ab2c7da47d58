/*
 * address.h
 *		Email addresses: one parser for accounts, senders and recipients; pure.
 */
#ifndef DJUST_ADDRESS_H
#define DJUST_ADDRESS_H

#include "text/bytes.h"

#define ADDRESS_LONGEST 254 /* bytes of an address (RFC 5321) */
#define ADDRESS_LOCAL_LONGEST 64 /* bytes before the @ */
#define ADDRESS_INPUT_LONGEST 1024 /* bytes of input without outer white space */

typedef enum AddressFault
{
	ADDRESS_OK,
	ADDRESS_NOT_UTF8,
	ADDRESS_TOO_LONG,
	ADDRESS_NO_AT, /* none, several, or nothing on one side */
	ADDRESS_LOCAL_TOO_LONG,
	ADDRESS_SYNTAX, /* white space, quotes, brackets and other specials of RFC 5322 */
	ADDRESS_CONTROL,
	ADDRESS_INVISIBLE,
	ADDRESS_UNASSIGNED,
	ADDRESS_MARK, /* begins with a combining character */
	ADDRESS_EMPTY_LABEL, /* of the domain; includes a final dot */
	ADDRESS_LONG_LABEL,
	ADDRESS_HYPHEN,
	ADDRESS_DOMAIN_SIGN, /* ASCII other than letters, digits, hyphen */
	ADDRESS_NO_DOMAIN_NAME, /* invalid by UTS 46 */
	ADDRESS_NUMBER
} AddressFault;

typedef enum AddressCase
{
	ADDRESS_FOLD, /* for comparison: accounts */
	ADDRESS_KEEP /* for display: senders */
} AddressCase;

/* NUL-terminated UTF-8. */
typedef struct Address
{
	char text[ADDRESS_LONGEST + 1];
	size_t length;
} Address;

/*
 * The normal form of an address: no white space or invisible characters at its ends, the local part in NFC and, with
 * ADDRESS_FOLD, case-folded; the domain in A-labels and lower case.  Idempotent.  out is empty unless ADDRESS_OK.
 */
extern AddressFault address_parse(Slice text, AddressCase kind, Address *out);

/* A full sentence for error messages. */
extern const char *address_fault_text(AddressFault fault);

#endif
