/*
 * pwscheme.h
 *		Shared by the schemes of password hashes: a parsed hash, and the
 *		reading of its fields.  For the pw*.c files; others use pwhash.h.
 */
#ifndef DJUST_PWSCHEME_H
#define DJUST_PWSCHEME_H

#include "crypto/crypto.h"
#include "pwhash/pwhash.h"

#define PW_SALT_MAX 256
#define PW_DERIVED_MAX 256
#define PW_KEY_MAX 64
#define BCRYPT_PASSWORD_MAX 72 /* bcrypt ignores further bytes */

typedef struct Scheme Scheme;

/* A parsed hash; the scheme defines the meaning of the cost fields. */
typedef struct Parsed
{
	const Scheme *scheme;
	Slice stored; /* without the mark of another system around it */
	CryptoDigest digest;
	uint32_t version; /* Argon2 */
	uint32_t memory; /* Argon2: KiB */
	uint32_t iterations;
	uint32_t parallelism;
	uint64_t n; /* scrypt */
	uint32_t r;
	uint8_t salt[PW_SALT_MAX];
	size_t salt_length;
	uint8_t derived[PW_DERIVED_MAX];
	size_t derived_length;
	uint8_t key[PW_KEY_MAX]; /* Firebase: encrypted with the derived key */
	size_t separator_length; /* Firebase: bytes at the end of the salt that are the project's */
} Parsed;

/* The unread rest of a string. */
typedef struct Cursor
{
	const char *p;
	const char *end;
} Cursor;

struct Scheme
{
	const char *prefix;
	const char *name;
	PwResult (*parse)(Cursor *cursor, Parsed *parsed);
	PwResult (*verify)(const Parsed *parsed, Slice password, const PwArena *arena);
	int variant; /* argon2_type, CryptoDigest, length of a sha-crypt hash, or what the parse function says */
	size_t reads; /* bytes of the password that it reads; 0: all */
	size_t outer; /* bytes of the prefix that are not part of the hash that crypt(3) knows */
};

/* Base64 variants of a field. */
typedef enum Spelling
{
	PHC, /* standard alphabet, no padding */
	PASSLIB, /* '.' for '+' (both are read), no padding */
	PADDED /* standard alphabet, padded, as Django writes it */
} Spelling;

/* Each function consumes the named field or returns false. */

extern bool pw_at_end(const Cursor *cursor);
extern bool pw_take(Cursor *cursor, const char *text);
extern bool pw_take_number(Cursor *cursor, uint32_t *number);
extern bool pw_take_named(Cursor *cursor, const char *name, uint32_t *number);
extern Cursor pw_take_field(Cursor *cursor);
extern bool pw_take_base64(Cursor *cursor, Spelling spelling, size_t min, size_t max, uint8_t *out, size_t *length);
extern bool pw_take_hex(Cursor *cursor, size_t min, size_t max, uint8_t *out, size_t *length);
extern bool pw_keep_salt(Cursor text, Parsed *parsed);
extern bool pw_take_salt_text(Cursor *cursor, Parsed *parsed);
extern bool pw_take_derived_hex(Cursor *cursor, size_t size, Parsed *parsed);
extern bool pw_take_tail(Cursor *cursor, Spelling spelling, size_t salt_min, size_t salt_max, Parsed *parsed);

/* The last step of schemes that derive bytes; wipes derived, PW_DERIVED_MAX bytes. */
extern PwResult pw_compare(const Parsed *parsed, bool made, uint8_t *derived);

/* pwargon2.c */
extern PwResult pw_parse_argon2(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_argon2(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_judge_argon2(const Parsed *parsed);
extern bool pw_derive_argon2(const Parsed *parsed, Slice password, const PwArena *arena, uint8_t *out);

/* pwkdf.c */
/* The bounds of scrypt, by n, r and parallelism. */
extern PwResult pw_judge_scrypt(const Parsed *parsed);
extern PwResult pw_parse_scrypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_scrypt_django(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_scrypt(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_parse_scrypt_werkzeug(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_scrypt_spring(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_scrypt_better_auth(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_scrypt_better_auth(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_parse_scrypt_firebase(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_scrypt_firebase(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_parse_pbkdf2_phc(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_pbkdf2_passlib(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_pbkdf2_django(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_pbkdf2_werkzeug(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_pbkdf2_spring(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_pbkdf2_aspnet(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_pbkdf2(const Parsed *parsed, Slice password, const PwArena *arena);

/* pwcrypt.c */
extern PwResult pw_parse_bcrypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_sha_crypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_md5_crypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_sun_md5(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_sha1_crypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_nt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_bsdi(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_scrypt_crypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_yescrypt(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_crypt(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_verify_bcrypt_sha256(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_verify_bcrypt_wordpress(const Parsed *parsed, Slice password, const PwArena *arena);

/* pwdigest.c */
extern PwResult pw_parse_digest_django(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_salt_first(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_parse_digest_bare(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_digest_ldap(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_digest_ldap_salted(Cursor *cursor, Parsed *parsed);
extern PwResult pw_parse_digest_spring(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_salt_last(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_parse_spring_standard(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_spring_standard(const Parsed *parsed, Slice password, const PwArena *arena);
extern PwResult pw_parse_phpass(Cursor *cursor, Parsed *parsed);
extern PwResult pw_verify_phpass(const Parsed *parsed, Slice password, const PwArena *arena);

#endif
