/*
 * utility_hook.h
 *		Utility commands that concern the background worker.
 */
#ifndef DJUST_UTILITY_HOOK_H
#define DJUST_UTILITY_HOOK_H

/* Installs the hook; call only while the library is being preloaded. */
extern void utility_hook_init(void);

#endif
