/*
 * settings.h
 *		Every setting of the extension; see settings.c for meaning and bounds.
 */
#ifndef DJUST_SETTINGS_H
#define DJUST_SETTINGS_H

#include <stdbool.h>

/* settings.c defines them by another SETTING. */
#ifndef SETTING
#define SETTING extern
#endif

SETTING int setting_access_token_lifetime; /* s */
SETTING char *setting_api_url;
SETTING int setting_argon2_iterations;
SETTING int setting_argon2_memory; /* KiB */
SETTING int setting_argon2_parallelism;
SETTING char *setting_audience;
SETTING int setting_audit_retention; /* s */
SETTING char *setting_client_address_header;
SETTING char *setting_client_id;
SETTING char *setting_confirm_url;
SETTING char *setting_databases;
SETTING bool setting_enforce_routes;
SETTING bool setting_follower;
SETTING int setting_hash_wait_timeout; /* ms */
SETTING int setting_invitation_lifetime; /* s */
SETTING char *setting_issuer;
SETTING char *setting_jwt_role;
SETTING char *setting_key_file;
SETTING char *setting_mail_from;
SETTING int setting_mail_lease; /* s */
SETTING int setting_max_concurrent_hashes;
SETTING int setting_max_login_failures;
SETTING int setting_max_replica_lag; /* ms */
SETTING int setting_max_sessions; /* of a user; 0: no limit */
SETTING bool setting_notify_new_device;
SETTING char *setting_password_context;
SETTING int setting_password_min_length;
SETTING int setting_password_policy; /* PwPolicy */
SETTING int setting_purge_interval; /* s */
SETTING int setting_refresh_reuse_grace; /* s */
SETTING int setting_refresh_token_lifetime; /* s */
SETTING int setting_reset_link_lifetime; /* s */
SETTING char *setting_reset_url;
SETTING int setting_session_max_lifetime; /* s */
SETTING int setting_shard;
SETTING bool setting_sign_up;
SETTING char *setting_sign_up_profiles;
SETTING char *setting_smtp_ca_file;
SETTING char *setting_smtp_password_file;
SETTING bool setting_smtp_require_tls;
SETTING char *setting_smtp_url;
SETTING char *setting_smtp_user;
SETTING char *setting_store_header;
SETTING char *setting_worker_role;

/* Https (http for localhost) URL without query, fragment and userinfo. */
extern bool settings_is_base_url(const char *url);
/* True for an https URL (http for localhost) that contains {token} once and can stand in a mail. */
extern bool settings_is_link_url(const char *url);

/* Defines all settings; call only while the library is being preloaded. */
extern void settings_init(void);

#endif
