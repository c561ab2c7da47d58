/*
 * logtext.h
 *		Where secrets can stand in the texts of the server log.
 */
#ifndef DJUST_LOGTEXT_H
#define DJUST_LOGTEXT_H

#include <stdbool.h>

/* What values stand in. */
#define LOGTEXT_QUOTES "'\""

/* Does the text have a name of ours that may carry a secret?  NULL has none. */
extern bool logtext_is_ours(const char *text);

/* May the statement run one of ours without naming it? */
extern bool logtext_may_name_ours(const char *statement);

/* Is the statement one that names objects and holds no expression, alone in its text? */
extern bool logtext_only_names(const char *statement);

/*
 * Cut in place where the first value can stand, at one of the stops at the latest; the rest is wiped.  NULL is left
 * alone.
 */
extern void logtext_cut(char *text, const char *stops);
extern void logtext_cut_context(char *text);

/* A line of pgaudit, up to its statement. */
extern void logtext_cut_audit(char *text);

/* The words of a format of messages, with *** for its arguments; in the current context. */
extern char *logtext_words(const char *format);

#endif
