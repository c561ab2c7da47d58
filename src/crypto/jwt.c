/*
 * jwt.c
 *		Compact JWS: splits tokens, compares the header, verifies, returns the
 *		payload.
 *
 * Owns the form of a token and the one header each key has.  Never parses a
 * header, never reads a payload as JSON, never chooses an algorithm or a key by
 * a token's content.  Only the session id may be read before the token is
 * verified, and only to look the session up.
 *
 * Threats: tokens that steer their own verification (RFC 8725 sections 2.1 and
 * 3.1: "none", algorithm confusion, keys or URLs in the header); a second
 * spelling of a good token.
 */
#include <stdio.h>
#include <string.h>

#include "crypto/jwt.h"
#include "text/bytes.h"

#define SID_PREFIX "{\"sid\":\""
#define SID_PREFIX_LENGTH (sizeof(SID_PREFIX) - 1)
#define UUID_LENGTH 36
/* Prefix, uuid, quote and comma fit into this many bytes, exactly 64 base64url characters. */
#define SID_BYTES 48
#define SID_CHARACTERS 64

/* RFC 4648 section 5, without padding. */
static bool
is_base64url(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Length of the base64url characters at the start of s. */
static size_t
base64url_span(Slice text)
{
	size_t i = 0;

	while (i < text.length && is_base64url(text.data[i]))
		i++;
	return i;
}

/* A non-empty part, followed by a dot, or if it is the last, by the end. */
static bool
take_part(Slice *rest, bool last, Slice *part)
{
	size_t n = base64url_span(*rest);

	*part = (Slice){rest->data, n};
	if (n == 0 || (n == rest->length) != last || (!last && rest->data[n] != '.'))
		return false;
	*rest = slice_after(*rest, last ? n : n + 1);
	return true;
}

/* RFC 7515 section 7.1; the parts are slices of the token, not decoded. */
bool
jwt_split(Slice token, JwtParts *parts)
{
	Slice rest = token;

	if (token.length > JWT_MAX || !take_part(&rest, false, &parts->header) ||
		!take_part(&rest, false, &parts->payload) || !take_part(&rest, true, &parts->signature))
		return false;
	parts->signed_part = (Slice){token.data, parts->header.length + 1 + parts->payload.length};
	return true;
}

/* A kid consists of base64url characters, so it needs no escapes in JSON. */
size_t
jwt_header(CryptoAlg alg, const char *kid, char *out)
{
	char json[JWT_HEADER_MAX];
	Slice name = {kid, strnlen(kid, JWT_KID_MAX + 1)};
	int length;

	if (name.length == 0 || name.length > JWT_KID_MAX || base64url_span(name) != name.length)
		return 0;
	length =
		snprintf(json, sizeof(json), "{\"typ\":\"at+jwt\",\"alg\":\"%s\",\"kid\":\"%s\"}", crypto_alg_name(alg), kid);
	if (length < 0 || B64URL_LENGTH((size_t) length) > JWT_HEADER_MAX)
		return 0;
	return b64_encode(BASE64_URL, (const uint8_t *) json, (size_t) length, out);
}

/* The key, not the token, decides how to verify; a signature has one spelling. */
bool
jwt_verify(const JwtParts *parts, Slice header, const CryptoKey *key)
{
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t length;

	return slice_equal(parts->header, header) &&
		   b64_decode(BASE64_URL, parts->signature, signature, sizeof(signature), &length) &&
		   crypto_verify(key, parts->signed_part.data, parts->signed_part.length, signature, length);
}

/* *length does not count the terminating NUL, so a NUL in the payload is noticed. */
bool
jwt_payload(const JwtParts *parts, char *out, size_t *length)
{
	if (!b64_decode(BASE64_URL, parts->payload, (uint8_t *) out, JWT_MAX - 1, length))
		return false;
	out[*length] = '\0';
	return true;
}

/* Our headers are at most JWT_HEADER_MAX long, and our payloads longer than SID_BYTES. */
bool
jwt_peek_sid(Slice token, uint8_t sid[16])
{
	const char *dot = memchr(token.data, '.', token.length <= JWT_HEADER_MAX ? token.length : JWT_HEADER_MAX + 1);
	uint8_t start[SID_BYTES];
	const char *uuid = (const char *) start + SID_PREFIX_LENGTH;
	char digits[32];
	size_t n;

	if (dot == NULL || (size_t) (token.data + token.length - dot) <= SID_CHARACTERS ||
		!b64_decode(BASE64_URL, (Slice){dot + 1, SID_CHARACTERS}, start, sizeof(start), &n))
		return false;
	if (memcmp(start, SID_PREFIX, SID_PREFIX_LENGTH) != 0 || memcmp(uuid + UUID_LENGTH, "\",", 2) != 0)
		return false;
	if (uuid[8] != '-' || uuid[13] != '-' || uuid[18] != '-' || uuid[23] != '-')
		return false;
	memcpy(digits, uuid, 8);
	memcpy(digits + 8, uuid + 9, 4);
	memcpy(digits + 12, uuid + 14, 4);
	memcpy(digits + 16, uuid + 19, 4);
	memcpy(digits + 20, uuid + 24, 12);
	return bytes_hex_decode((Slice){digits, sizeof(digits)}, sid, 16);
}

/* Signs the token in its buffer, so that no second copy is left in memory. */
bool
jwt_sign(const CryptoKey *key, Slice header, Slice payload, char *out, size_t *length)
{
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t signature_length;
	size_t n = header.length;
	bool fits;

	if (header.length == 0 || header.length > JWT_HEADER_MAX || payload.length == 0 || payload.length > JWT_MAX ||
		header.length + 1 + B64URL_LENGTH(payload.length) > JWT_MAX)
		return false;
	memcpy(out, header.data, header.length);
	out[n++] = '.';
	n += b64_encode(BASE64_URL, (const uint8_t *) payload.data, payload.length, out + n);
	if (!crypto_sign(key, out, n, signature, &signature_length))
		return false;

	fits = n + 1 + B64URL_LENGTH(signature_length) <= JWT_MAX;
	if (fits)
	{
		out[n++] = '.';
		n += b64_encode(BASE64_URL, signature, signature_length, out + n);
		*length = n;
	}
	bytes_wipe(signature, sizeof(signature));
	return fits;
}
