/*
 * logtext.h
 *		Finding secrets in texts of the server log.
 */
#ifndef DJUST_LOGTEXT_H
#define DJUST_LOGTEXT_H

#include <stdbool.h>

/* Quotes around values. */
#define LOGTEXT_QUOTES "'\""

/* True if the text contains one of our names that may come with a secret; false for NULL. */
extern bool logtext_is_ours(const char *text);

/* True if the statement may call one of our functions without naming it. */
extern bool logtext_may_name_ours(const char *statement);

/* True if the text is a single statement that names objects and contains no expression. */
extern bool logtext_only_names(const char *statement);

/* Cuts the text in place at the first possible value, at the latest at one of the stops, and wipes the rest. */
extern void logtext_cut(char *text, const char *stops);
extern void logtext_cut_context(char *text);

/* Cuts a line of pgaudit at its statement. */
extern void logtext_cut_audit(char *text);

/* A message format with *** for its arguments; in the current context. */
extern char *logtext_words(const char *format);

#endif
