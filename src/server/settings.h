/*
 * settings.h
 *		Every setting of the extension; see settings.c for meaning and bounds.
 */
#ifndef DJUST_SETTINGS_H
#define DJUST_SETTINGS_H

#include <stdbool.h>

extern int setting_access_token_lifetime; /* s */
extern int setting_argon2_iterations;
extern int setting_argon2_memory; /* KiB */
extern int setting_argon2_parallelism;
extern char *setting_audience;
extern int setting_audit_retention; /* s */
extern char *setting_client_address_header;
extern char *setting_client_id;
extern char *setting_databases;
extern bool setting_enforce_routes;
extern int setting_hash_wait_timeout; /* ms */
extern char *setting_issuer;
extern char *setting_jwt_role;
extern char *setting_key_file;
extern char *setting_mail_from;
extern int setting_mail_lease; /* s */
extern int setting_max_concurrent_hashes;
extern int setting_max_login_failures;
extern int setting_password_min_length;
extern int setting_purge_interval; /* s */
extern int setting_refresh_reuse_grace; /* s */
extern int setting_refresh_token_lifetime; /* s */
extern int setting_reset_link_lifetime; /* s */
extern char *setting_reset_url;
extern int setting_session_max_lifetime; /* s */
extern char *setting_smtp_ca_file;
extern char *setting_smtp_password_file;
extern bool setting_smtp_require_tls;
extern char *setting_smtp_url;
extern char *setting_smtp_user;
extern char *setting_worker_role;

/* Defines all settings; call only while the library is being preloaded. */
extern void settings_init(void);

#endif
