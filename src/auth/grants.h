/*
 * grants.h
 *		Who gets which part of the extension.
 */
#ifndef DJUST_GRANTS_H
#define DJUST_GRANTS_H

/* kind is one of the contract's words; raises 22023 for another, and for PUBLIC. */
extern void grants_give(Oid role, const char *kind);

#endif
