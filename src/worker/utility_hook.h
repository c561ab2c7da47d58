/*
 * utility_hook.h
 *		Commands that the background worker must know of.
 */
#ifndef DJUST_UTILITY_HOOK_H
#define DJUST_UTILITY_HOOK_H

/* Hooks into the running of utility commands; only while the library is being preloaded. */
extern void utility_hook_init(void);

#endif
