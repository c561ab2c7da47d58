/*
 * address.h
 *		Email addresses: one parser for accounts, senders and recipients; pure.
 */
#ifndef DJUST_ADDRESS_H
#define DJUST_ADDRESS_H

#include <stddef.h>

#define ADDRESS_LONGEST 254		/* bytes of an address (RFC 5321) */
#define ADDRESS_LOCAL_LONGEST 64	/* bytes before the @ */
#define ADDRESS_INPUT_LONGEST 1024	/* bytes that are looked at, white space at the ends not counted */

typedef enum AddressFault
{
	ADDRESS_OK,
	ADDRESS_NOT_UTF8,
	ADDRESS_TOO_LONG,
	ADDRESS_NO_AT,				/* none, several, or nothing before or behind it */
	ADDRESS_LOCAL_TOO_LONG,
	ADDRESS_SYNTAX,				/* white space, quotes, brackets and other signs of RFC 5322 */
	ADDRESS_CONTROL,
	ADDRESS_INVISIBLE,
	ADDRESS_UNASSIGNED,
	ADDRESS_MARK,				/* begins with a combining character */
	ADDRESS_EMPTY_LABEL,		/* of the domain; a final dot, too */
	ADDRESS_LONG_LABEL,
	ADDRESS_HYPHEN,
	ADDRESS_DOMAIN_SIGN,		/* ASCII other than letters, digits, hyphen */
	ADDRESS_NO_DOMAIN_NAME,		/* not a name by UTS 46 */
	ADDRESS_NUMBER
} AddressFault;

typedef enum AddressCase
{
	ADDRESS_FOLD,				/* for comparison: accounts */
	ADDRESS_KEEP				/* for show: senders */
} AddressCase;

/* NUL-terminated UTF-8. */
typedef struct Address
{
	char		text[ADDRESS_LONGEST + 1];
	size_t		length;
} Address;

/*
 * The normal form of an address: without white space and invisible characters at its ends, the local part in NFC and,
 * with ADDRESS_FOLD, folded; the domain in A-labels and lower case.  Idempotent.  out is empty unless ADDRESS_OK.
 */
extern AddressFault address_parse(const char *text, size_t n, AddressCase kind, Address *out);

/* Full sentence for people, with capital and period. */
extern const char *address_fault_text(AddressFault fault);

#endif
