/*
 * grants.h
 *		Privileges on the parts of the extension.
 */
#ifndef DJUST_GRANTS_H
#define DJUST_GRANTS_H

/* kind is one of the contract's words; raises 22023 for others, and for PUBLIC. */
extern void grants_give(Oid role, const char *kind);

#endif
