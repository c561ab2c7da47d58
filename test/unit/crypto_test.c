/*
 * crypto_test.c
 *		Published vectors for every primitive, and the keys, signatures and
 *		sealed texts that must be refused.
 *
 * Keys are base64url of DER.  Those whose comment says "openssl genpkey" were
 * made with the OpenSSL 3.0 command line for this test and are used nowhere
 * else.
 */
#include <stdlib.h>

#include "text/bytes.h"
#include "check.h"
#include "crypto/cryptokey.h"
#include "keys.h"

/* Its public half. */
static const char a2_public[] =
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W2"
	"6mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
	"pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
	"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
	"DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQAB";

/* The same modulus under exponent 1. */
static const char rsa_exponent_1[] =
	"MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W2"
	"6mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
	"pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
	"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
	"DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIBAQ";

/* ... and under an even one. */
static const char rsa_exponent_even[] =
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W2"
	"6mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
	"pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
	"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
	"DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQIDAQAA";

/* openssl genpkey: RSA of 1024 bits. */
static const char rsa_1024_public[] =
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDIinULzznp2A1VMbrvaQke_tfGdOQjOaFWmYAZ0YmYJib9cSG06A5zYTG2"
	"M-lGu3uAunaI9PgMOVxIyaV4jsFWGp4jFg0coNPcN-PesnFnC8aEC4vKK-gVPqroiTc83RYuX9gNSFAd9TTje7QjR3QIj-"
	"kdPls8uwibf7KXxKNEKwIDAQAB";

/* openssl genpkey: RSA-PSS of 2048 bits. */
static const char rsa_pss_public[] =
	"MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAMUpXihU6bkfMguVbqimbVJIGlipQsu0X9CkkPZ7O-"
	"tCSJq0XRTcBnyxX_Ts9--8sjBXU2XSY0gJDEEgTzEENtebLsmj0gjjRqAGix6WvQLHM0Iay5lv_Ck0qSbipc9tu0177dTLRw"
	"ByhAUQcIca5eefT2fcOWkk8qqxMcddn52E-"
	"4jNKF87lxxOBhFyuFeyoeirDIzx7jswIhIPiQxXe8m15xGpaCD_z7jrQcCLtEZBLTl9GZK7kSk53xtQZNQo6wNT9m-"
	"Lv3tehMSz7az69UCl288am4BtOxpH1rvKHaC5f3006O3vCLj72kOQwazKM1DA1C_deMEBxUb7bSW6tLUCAwEAAQ";

/* openssl genpkey: P-384. */
static const char p384_private[] =
	"MIGkAgEBBDBiyLx3ORAWlUnST1bQ38hF8YEy0YBNV98qdAxQoRtXhnr1lICyAx7zlx6KWUFm_4ygBwYFK4EEACKhZANiAAQN"
	"RVk-bt8suDT9gF32D9mNMzJydkHX_MHKAvfpJU9B8gLFDXSt2ACHo4TZOx6MgOP4_oedJBVJL0C8X10hl4nlrKYFuYDb_N-"
	"VUIrIGMXPIR4f68ZQatqCge43m1lYNdI";

/* openssl genpkey: P-384. */
static const char p384_public[] =
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEDUVZPm7fLLg0_YBd9g_ZjTMycnZB1_zBygL36SVPQfICxQ10rdgAh6OE2TsejIDj"
	"-P6HnSQVSS9AvF9dIZeJ5aymBbmA2_zflVCKyBjFzyEeH-vGUGragoHuN5tZWDXS";

/* openssl genpkey: secp256k1. */
static const char secp256k1_private[] =
	"MHQCAQEEIM2iu1YW1IqIR_jdn5IXfWKhW_O6JT5Q4memF5xd-ZoIoAcGBSuBBAAKoUQDQgAEC-"
	"uEc-A2XHAyViMlDZ5HHAsPDeAbJ4FJ1g_DnZvbf855D-Ai06kp31sEgJLWy4trjmEOsCIpuvXE_yrY-O4u4A";

/* openssl genpkey: secp256k1. */
static const char secp256k1_public[] =
	"MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEC-"
	"uEc-A2XHAyViMlDZ5HHAsPDeAbJ4FJ1g_DnZvbf855D-Ai06kp31sEgJLWy4trjmEOsCIpuvXE_yrY-O4u4A";

/* openssl genpkey: P-256 with its parameters written out. */
static const char explicit_public[] =
	"MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP____8AAAABAAAAAAAAAAAAAAAA________________MFsE"
	"IP____8AAAABAAAAAAAAAAAAAAAA_______________8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw-"
	"J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li_hp_m47n"
	"60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP____8AAAAA__________-"
	"85vqtpxeehPO5ysL8YyVRAgEBA0IABNCBf4cIoLYoQJXnf_XxjvTD27k1ia1Mh2N3_oRjMhfv4bc9-"
	"WZ1LnnY8x8H0H_KxdxkkZ8JSh7UhZ_YHtILwPs";

/* openssl genpkey: X25519. */
static const char x25519_private[] = "MC4CAQAwBQYDK2VuBCIEIKglyPVRK5S9EfC3zAuqKh0ggmsQbdpGKQBEOoCRypBB";

static const char x25519_public[] = "MCowBQYDK2VuAyEAgUGJIX0MwIiz655_tOsOZTrXxa-KhhjxbXEubRkFPwE";

/* openssl genpkey: Ed448. */
static const char ed448_public[] =
	"MEMwBQYDK2VxAzoAPkSqJ2Ja1-r-rzSUaD8rGXxsG0GBEFina9KHR4BHqWWeyVJUXrek2woDfaBPSCZre6eceTLe-kYA";

/* openssl ec: P-256 in the older form (SEC 1), without the name of its algorithm. */
static const char sec1_private[] =
	"MHcCAQEEINFPPhj6AlUuQQqFngQOH46p3fnuxMdg-kXCh6RXaPu8oAoGCCqGSM49AwEHoUQDQgAElW-"
	"xTAZqxM8dj3OjV4MXwF3TvmdqP_QjayxyBB1cwRhy14afgUV8AJ5ZJPXBb7s5qP9_PtqxuJLt3ZoPiUxaJg";

/* RFC 7515 A.2.1. */
#define A2_N \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF" \
	"d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo" \
	"7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM" \
	"Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ"

/* The payload that RFC 7515 signs in A.1 to A.3. */
#define RFC_PAYLOAD ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define A1_INPUT "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" RFC_PAYLOAD
#define A2_INPUT "eyJhbGciOiJSUzI1NiJ9" RFC_PAYLOAD
#define A3_INPUT "eyJhbGciOiJFUzI1NiJ9" RFC_PAYLOAD
#define A4_INPUT "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define A1_SIGNATURE "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define A2_SIGNATURE \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb" \
	"F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383" \
	"LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy" \
	"wlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define A3_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define A4_SIGNATURE "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

/* Order of P-256 (FIPS 186-4 D.1.2.3). */
#define P256_ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

typedef struct Bytes
{
	uint8_t data[2048];
	size_t length;
} Bytes;

/* Bytes from hexadecimal, then from base64url; a vector that is not so is a mistake in this file. */
static Bytes
from(const char *hex, const char *base64)
{
	Bytes bytes;
	size_t n = strlen(hex) / 2;
	size_t more = 0;

	memset(&bytes, 0, sizeof(bytes));
	if (!bytes_hex_decode(slice_of(hex), bytes.data, n) ||
		!b64_decode(BASE64_URL, slice_of(base64), bytes.data + n, sizeof(bytes.data) - n, &more))
		abort();
	bytes.length = n + more;
	return bytes;
}

/* Bytes from hexadecimal alone. */
static Bytes
from_hex(const char *hex)
{
	return from(hex, "");
}

/* As many bytes as hex has digits for. */
static bool
is_hex(const uint8_t *data, const char *hex)
{
	Bytes expected = from_hex(hex);

	return memcmp(data, expected.data, expected.length) == 0;
}

/* A private key whose DER is a prefix in hexadecimal and the rest in base64url. */
static CryptoKey *
private_key(CryptoAlg alg, const char *prefix, const char *base64)
{
	Bytes der = from(prefix, base64);

	return crypto_key_private(alg, der.data, der.length);
}

/* The same for a public key. */
static CryptoKey *
public_key(CryptoAlg alg, const char *prefix, const char *base64)
{
	Bytes der = from(prefix, base64);

	return crypto_key_public(alg, der.data, der.length);
}

/* The one key whose public form has two numbers. */
static CryptoKey *
a3_public_key(void)
{
	Bytes der = from(P256_PUBLIC_PREFIX, A3_X);
	Bytes y = from("", A3_Y);

	memcpy(der.data + der.length, y.data, y.length);
	return crypto_key_public(ALG_ES256, der.data, der.length + y.length);
}

/* The key is freed: for those that must not be made. */
static bool
refused(CryptoKey *key)
{
	bool good = key == NULL;

	crypto_key_free(key);
	return good;
}

/* crypto_verify over a string. */
static bool
verifies(const CryptoKey *key, const char *input, const Bytes *signature)
{
	return crypto_verify(key, input, strlen(input), signature->data, signature->length);
}

/* Names are those of RFC 7518 and RFC 8037, and no others are known. */
static void
test_names(void)
{
	CryptoAlg alg;

	CHECK(strcmp(crypto_alg_name(ALG_ES256), "ES256") == 0);
	CHECK(strcmp(crypto_alg_name(ALG_HS256), "HS256") == 0);
	CHECK(strcmp(crypto_alg_name(ALG_RS256), "RS256") == 0);
	CHECK(strcmp(crypto_alg_name(ALG_EDDSA), "EdDSA") == 0);
	CHECK(crypto_alg_from_name("ES256", &alg) && alg == ALG_ES256);
	CHECK(crypto_alg_from_name("HS256", &alg) && alg == ALG_HS256);
	CHECK(crypto_alg_from_name("RS256", &alg) && alg == ALG_RS256);
	CHECK(crypto_alg_from_name("EdDSA", &alg) && alg == ALG_EDDSA);
	CHECK(!crypto_alg_from_name("none", &alg));
	CHECK(!crypto_alg_from_name("hs256", &alg));
	CHECK(!crypto_alg_from_name("HS256 ", &alg));
	CHECK(!crypto_alg_from_name("PS256", &alg));
	CHECK(!crypto_alg_from_name("", &alg));
}

/* Two draws differ; more than the library can count is refused. */
static void
test_random(void)
{
	uint8_t a[32] = {0};
	uint8_t b[32] = {0};

	CHECK(crypto_random(a, sizeof(a)) && crypto_random(b, sizeof(b)));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK(crypto_random(a, 0));
	CHECK(!crypto_random(a, (size_t) 1 << 31));
}

/* FIPS 180-2 appendix B.1 and B.2, and the empty message (NIST CAVP). */
static void
test_sha256(void)
{
	uint8_t out[SHA256_SIZE];

	CHECK(crypto_sha256("abc", 3, out) &&
		  is_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	CHECK(crypto_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out) &&
		  is_hex(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
	CHECK(crypto_sha256(NULL, 0, out) &&
		  is_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

/* RFC 4231 sections 4.2 to 4.5, 4.7 and 4.8. */
static void
test_hmac(void)
{
	static const struct
	{
		const char *key;
		int fill; /* when key is NULL: this byte, so many times */
		size_t key_length;
		const char *data;
		const char *mac;
	} vectors[] = {
		{NULL, 0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"Jefe",
		 0,
		 4,
		 "what do ya want for nothing?",
		 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{NULL,
		 0xaa,
		 20,
		 "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
		 "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd",
		 "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
		 0,
		 25,
		 "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
		 "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd",
		 "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
		{NULL,
		 0xaa,
		 131,
		 "Test Using Larger Than Block-Size Key - Hash Key First",
		 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{NULL,
		 0xaa,
		 131,
		 "This is a test using a larger than block-size key and a larger than block-size data. "
		 "The key needs to be hashed before being used by the HMAC algorithm.",
		 "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"}};
	uint8_t key[131];
	uint8_t out[SHA256_SIZE];
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		if (vectors[i].key != NULL)
			memcpy(key, vectors[i].key, vectors[i].key_length);
		else
			memset(key, vectors[i].fill, vectors[i].key_length);
		CHECK_THAT(crypto_hmac_sha256(key, vectors[i].key_length, vectors[i].data, strlen(vectors[i].data), out) &&
					   is_hex(out, vectors[i].mac),
				   vectors[i].mac);
	}

	/* Empty key and message: computed with Python's hmac. */
	CHECK(crypto_hmac_sha256(NULL, 0, NULL, 0, out) &&
		  is_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

/* RFC 5869 A.1, A.2 and A.3. */
static void
test_hkdf(void)
{
	static const struct
	{
		const char *ikm;
		const char *salt;
		const char *info;
		size_t length;
		const char *okm;
	} vectors[] = {{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
					"000102030405060708090a0b0c",
					"f0f1f2f3f4f5f6f7f8f9",
					42,
					"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
				   {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f"
					"303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
					"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
					"909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
					"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
					"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
					82,
					"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
					"da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
				   {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
					"",
					"",
					42,
					"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"}};
	uint8_t out[82];
	uint8_t *most = malloc(255 * SHA256_SIZE + 1);
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		Bytes ikm = from_hex(vectors[i].ikm);
		Bytes salt = from_hex(vectors[i].salt);
		Bytes info = from_hex(vectors[i].info);

		CHECK_THAT(
			crypto_hkdf(ikm.data, ikm.length, salt.data, salt.length, info.data, info.length, out, vectors[i].length) &&
				is_hex(out, vectors[i].okm),
			vectors[i].okm);
	}
	CHECK(crypto_hkdf("k", 1, NULL, 0, NULL, 0, most, 255 * SHA256_SIZE));
	CHECK(!crypto_hkdf("k", 1, NULL, 0, NULL, 0, most, 255 * SHA256_SIZE + 1));
	free(most);
}

/* McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test cases 13 to 16. */
static void
test_seal_vectors(void)
{
	static const struct
	{
		const char *key;
		const char *nonce;
		const char *aad;
		const char *plain;
		const char *sealed;
	} vectors[] = {{"0000000000000000000000000000000000000000000000000000000000000000",
					"000000000000000000000000",
					"",
					"",
					"530f8afbc74536b9a963b4f1c4cb738b"},
				   {"0000000000000000000000000000000000000000000000000000000000000000",
					"000000000000000000000000",
					"",
					"00000000000000000000000000000000",
					"cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
				   {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
					"cafebabefacedbaddecaf888",
					"",
					"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
					"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
					"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
					"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
					"b094dac5d93471bdec1a502270e3cc6c"},
				   {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
					"cafebabefacedbaddecaf888",
					"feedfacedeadbeeffeedfacedeadbeefabaddad2",
					"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
					"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
					"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
					"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
					"76fc6ece0f4e1768cddf8853bb2d551b"}};
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		Bytes key = from_hex(vectors[i].key);
		Bytes nonce = from_hex(vectors[i].nonce);
		Bytes aad = from_hex(vectors[i].aad);
		Bytes plain = from_hex(vectors[i].plain);
		uint8_t sealed[128];
		uint8_t opened[128];

		CHECK_THAT(crypto_seal(key.data, nonce.data, aad.data, aad.length, plain.data, plain.length, sealed) &&
					   is_hex(sealed, vectors[i].sealed),
				   vectors[i].sealed);
		CHECK_THAT(
			crypto_open(key.data, nonce.data, aad.data, aad.length, sealed, plain.length + SEAL_TAG_SIZE, opened) &&
				memcmp(opened, plain.data, plain.length) == 0,
			vectors[i].sealed);
	}
}

/* Whatever bit is changed, of key, nonce, additional data, text or tag, nothing is handed out. */
static void
test_seal_refusals(void)
{
	static const uint8_t zeros[12];
	uint8_t key[SEAL_KEY_SIZE] = {1};
	uint8_t nonce[SEAL_NONCE_SIZE] = {2};
	uint8_t sealed[12 + SEAL_TAG_SIZE];
	uint8_t plain[12];
	size_t i;
	bool good = true;

	CHECK(crypto_seal(key, nonce, "aad", 3, "secret bytes", 12, sealed));
	for (i = 0; i < sizeof(sealed); i++)
	{
		memset(plain, 0xee, sizeof(plain));
		sealed[i] ^= 0x80;
		good = good && !crypto_open(key, nonce, "aad", 3, sealed, sizeof(sealed), plain) &&
			   memcmp(plain, zeros, sizeof(plain)) == 0;
		sealed[i] ^= 0x80;
	}
	CHECK(good);
	CHECK(!crypto_open(key, nonce, "aae", 3, sealed, sizeof(sealed), plain));
	CHECK(!crypto_open(key, nonce, "aad", 2, sealed, sizeof(sealed), plain));
	CHECK(!crypto_open(key, nonce, NULL, 0, sealed, sizeof(sealed), plain));
	CHECK(!crypto_open(key, nonce, "aad", 3, sealed, sizeof(sealed) - 1, plain));
	CHECK(!crypto_open(key, nonce, "aad", 3, sealed, SEAL_TAG_SIZE, plain));
	CHECK(!crypto_open(key, nonce, "aad", 3, sealed, SEAL_TAG_SIZE - 1, plain));
	CHECK(!crypto_open(key, nonce, "aad", 3, sealed, 0, plain));
	nonce[0] ^= 1;
	CHECK(!crypto_open(key, nonce, "aad", 3, sealed, sizeof(sealed), plain));
	nonce[0] ^= 1;
	key[31] ^= 1;
	CHECK(!crypto_open(key, nonce, "aad", 3, sealed, sizeof(sealed), plain));
	key[31] ^= 1;
	CHECK(crypto_open(key, nonce, "aad", 3, sealed, sizeof(sealed), plain) && memcmp(plain, "secret bytes", 12) == 0);
}

/* RFC 7914 section 12; the fourth vector takes a gigabyte and is left out. */
static void
test_scrypt(void)
{
	uint8_t out[64];

	CHECK(crypto_scrypt("", 0, "", 0, 16, 1, 1, out, 64) &&
		  is_hex(out,
				 "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
				 "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"));
	CHECK(crypto_scrypt("password", 8, "NaCl", 4, 1024, 8, 16, out, 64) &&
		  is_hex(out,
				 "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
				 "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"));
	CHECK(crypto_scrypt("pleaseletmein", 13, "SodiumChloride", 14, 16384, 8, 1, out, 64) &&
		  is_hex(out,
				 "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
				 "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"));
	CHECK(crypto_scrypt(NULL, 0, NULL, 0, 16, 1, 1, out, 64));
	CHECK(!crypto_scrypt("p", 1, "s", 1, 15, 1, 1, out, 64));
	CHECK(!crypto_scrypt("p", 1, "s", 1, 1, 1, 1, out, 64));
	CHECK(!crypto_scrypt("p", 1, "s", 1, 16, 0, 1, out, 64));
	CHECK(!crypto_scrypt("p", 1, "s", 1, 16, 1, 0, out, 64));
	CHECK(!crypto_scrypt("p", 1, "s", 1, UINT64_MAX, UINT64_MAX, UINT64_MAX, out, 64));
	CHECK(!crypto_scrypt("p", 1, "s", 1, (uint64_t) 1 << 60, 8, 1, out, 64));
}

/* RFC 6070 (the vector of 2^24 iterations left out), RFC 7914 section 11; SHA-512 made with Python's hashlib. */
static void
test_pbkdf2(void)
{
	uint8_t out[64];

	CHECK(crypto_pbkdf2(DIGEST_SHA1, "password", 8, "salt", 4, 1, out, 20) &&
		  is_hex(out, "0c60c80f961f0e71f3a9b524af6012062fe037a6"));
	CHECK(crypto_pbkdf2(DIGEST_SHA1, "password", 8, "salt", 4, 2, out, 20) &&
		  is_hex(out, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"));
	CHECK(crypto_pbkdf2(DIGEST_SHA1, "password", 8, "salt", 4, 4096, out, 20) &&
		  is_hex(out, "4b007901b765489abead49d926f721d065a429c1"));
	CHECK(crypto_pbkdf2(
			  DIGEST_SHA1, "passwordPASSWORDpassword", 24, "saltSALTsaltSALTsaltSALTsaltSALTsalt", 36, 4096, out, 25) &&
		  is_hex(out, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"));
	CHECK(crypto_pbkdf2(DIGEST_SHA1, "pass\0word", 9, "sa\0lt", 5, 4096, out, 16) &&
		  is_hex(out, "56fa6aa75548099dcc37d7f03425e0c3"));
	CHECK(crypto_pbkdf2(DIGEST_SHA256, "passwd", 6, "salt", 4, 1, out, 64) &&
		  is_hex(out,
				 "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
				 "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"));
	CHECK(crypto_pbkdf2(DIGEST_SHA256, "Password", 8, "NaCl", 4, 80000, out, 64) &&
		  is_hex(out,
				 "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
				 "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"));
	CHECK(crypto_pbkdf2(DIGEST_SHA512, "password", 8, "salt", 4, 2, out, 64) &&
		  is_hex(out,
				 "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
				 "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e"));
	CHECK(crypto_pbkdf2(DIGEST_SHA256, NULL, 0, NULL, 0, 1, out, 32));
	CHECK(!crypto_pbkdf2(DIGEST_SHA256, "p", 1, "s", 1, 0, out, 32));
	CHECK(!crypto_pbkdf2(DIGEST_SHA256, "p", 1, "s", 1, 1U << 31, out, 32));
	CHECK(!crypto_pbkdf2(DIGEST_SHA256, "p", 1, "s", 1, 1, out, 0));
}

/* One published signature: both halves of the key verify it; no other bit pattern or length does. */
static void
check_vector(CryptoKey *signer, CryptoKey *verifier, const char *input, const char *signature)
{
	Bytes expected = from("", signature);
	Bytes bad;
	size_t i;
	bool good = true;

	CHECK(signer != NULL && verifier != NULL);
	CHECK(verifies(signer, input, &expected));
	CHECK(verifies(verifier, input, &expected));
	CHECK(!crypto_verify(verifier, input, strlen(input) - 1, expected.data, expected.length));
	CHECK(!crypto_verify(verifier, "", 0, expected.data, expected.length));
	for (i = 0; i < expected.length; i++)
	{
		bad = expected;
		bad.data[i] ^= 1;
		good = good && !verifies(verifier, input, &bad);
	}
	CHECK(good);
	for (i = 0; i < CRYPTO_SIGNATURE_MAX + 2; i++)
	{
		bad = expected;
		bad.length = i;
		good = good && verifies(verifier, input, &bad) == (i == expected.length);
	}
	CHECK(good);
	memset(bad.data, 0, sizeof(bad.data));
	bad.length = expected.length;
	CHECK(!verifies(verifier, input, &bad));
	memset(bad.data, 0xff, sizeof(bad.data));
	CHECK(!verifies(verifier, input, &bad));
}

/* For the algorithms whose signature depends on nothing else. */
static void
check_signs(const CryptoKey *signer, const char *input, const char *signature)
{
	Bytes expected = from("", signature);
	uint8_t made[CRYPTO_SIGNATURE_MAX];
	size_t length = 0;

	CHECK(crypto_sign(signer, input, strlen(input), made, &length));
	CHECK(length == expected.length && memcmp(made, expected.data, length) == 0);
}

/* RFC 7515 A.1. */
static void
test_hs256(void)
{
	CryptoKey *key = private_key(ALG_HS256, "", A1_K);

	check_vector(key, key, A1_INPUT, A1_SIGNATURE);
	check_signs(key, A1_INPUT, A1_SIGNATURE);
	crypto_key_free(key);
}

/* RFC 7515 A.2. */
static void
test_rs256(void)
{
	CryptoKey *signer = private_key(ALG_RS256, "", A2_PRIVATE);
	CryptoKey *verifier = public_key(ALG_RS256, "", a2_public);

	check_vector(signer, verifier, A2_INPUT, A2_SIGNATURE);
	check_signs(signer, A2_INPUT, A2_SIGNATURE);
	crypto_key_free(signer);
	crypto_key_free(verifier);
}

/* RFC 7515 A.3; the signature depends on a random number, so it is only verified. */
static void
test_es256(void)
{
	CryptoKey *signer = private_key(ALG_ES256, P256_PRIVATE_PREFIX, A3_D);
	CryptoKey *verifier = a3_public_key();
	uint8_t made[CRYPTO_SIGNATURE_MAX];
	size_t length = 0;

	check_vector(signer, verifier, A3_INPUT, A3_SIGNATURE);
	CHECK(crypto_sign(signer, A3_INPUT, strlen(A3_INPUT), made, &length) && length == 64);
	CHECK(crypto_verify(verifier, A3_INPUT, strlen(A3_INPUT), made, length));
	crypto_key_free(signer);
	crypto_key_free(verifier);
}

/* One R or S in 128 has a leading zero byte: enough signatures to meet some. */
static void
test_es256_padding(void)
{
	CryptoKey *signer = private_key(ALG_ES256, P256_PRIVATE_PREFIX, A3_D);
	uint8_t made[CRYPTO_SIGNATURE_MAX];
	size_t length = 0;
	bool good = true;
	int i;

	for (i = 0; i < 1000; i++)
		good = good && crypto_sign(signer, &i, sizeof(i), made, &length) && length == 64 &&
			   crypto_verify(signer, &i, sizeof(i), made, length);
	CHECK(good);
	crypto_key_free(signer);
}

/* RFC 8037 A.4. */
static void
test_eddsa(void)
{
	CryptoKey *signer = private_key(ALG_EDDSA, ED25519_PRIVATE_PREFIX, A4_D);
	CryptoKey *verifier = public_key(ALG_EDDSA, ED25519_PUBLIC_PREFIX, A4_X);

	check_vector(signer, verifier, A4_INPUT, A4_SIGNATURE);
	check_signs(signer, A4_INPUT, A4_SIGNATURE);
	crypto_key_free(signer);
	crypto_key_free(verifier);
}

/* a - b, both 32 bytes, a the larger. */
static void
subtract(const uint8_t *a, const uint8_t *b, uint8_t *out)
{
	int borrow = 0;
	int i;

	for (i = 31; i >= 0; i--)
	{
		int difference = a[i] - b[i] - borrow;

		borrow = difference < 0;
		out[i] = (uint8_t) (difference + 256 * borrow);
	}
}

/*
 * Numbers outside 1..order-1 never verify.  The published signature has S in
 * the upper half, so that half must be taken, and with it its mirror image:
 * a property of ES256, written down here.
 */
static void
test_es256_ranges(void)
{
	CryptoKey *key = a3_public_key();
	Bytes order = from_hex(P256_ORDER);
	Bytes good = from("", A3_SIGNATURE);
	Bytes bad = good;

	CHECK(good.data[32] >= 0x80);
	subtract(order.data, good.data + 32, bad.data + 32);
	CHECK(bad.data[32] < 0x80 && verifies(key, A3_INPUT, &bad));

	bad = good;
	memset(bad.data, 0, 32);
	CHECK(!verifies(key, A3_INPUT, &bad));
	bad = good;
	memset(bad.data + 32, 0, 32);
	CHECK(!verifies(key, A3_INPUT, &bad));
	bad = good;
	memcpy(bad.data, order.data, 32);
	CHECK(!verifies(key, A3_INPUT, &bad));
	bad = good;
	memcpy(bad.data + 32, order.data, 32);
	CHECK(!verifies(key, A3_INPUT, &bad));
	memcpy(bad.data, order.data, 32);
	CHECK(!verifies(key, A3_INPUT, &bad));
	crypto_key_free(key);
}

/* DER where raw bytes are wanted: 64 bytes of it, cut or filled, are not a signature. */
static void
test_es256_der(void)
{
	CryptoKey *key = a3_public_key();
	Bytes raw = from("", A3_SIGNATURE);
	Bytes der = from_hex("304502200000000000000000000000000000000000000000000000000000000000000000"
						 "022100");

	memcpy(der.data + 4, raw.data, 32);
	memcpy(der.data + 39, raw.data + 32, 32);
	der.length = 71;
	CHECK(!verifies(key, A3_INPUT, &der));
	der.length = 64;
	CHECK(!verifies(key, A3_INPUT, &der));
	crypto_key_free(key);
}

/* Each private key under every algorithm but its own. */
static void
test_private_key_confusion(void)
{
	static const struct
	{
		const char *prefix;
		const char *key;
		int own; /* CryptoAlg, or -1 for a key that fits none */
	} keys[] = {{P256_PRIVATE_PREFIX, A3_D, ALG_ES256},
				{"", A2_PRIVATE, ALG_RS256},
				{ED25519_PRIVATE_PREFIX, A4_D, ALG_EDDSA},
				{"", p384_private, -1},
				{"", secp256k1_private, -1},
				{"", x25519_private, -1},
				{"", sec1_private, -1},
				{"", a2_public, -1},
				{ED25519_PUBLIC_PREFIX, A4_X, -1}};
	static const CryptoAlg algs[] = {ALG_ES256, ALG_RS256, ALG_EDDSA};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		for (j = 0; j < 3; j++)
		{
			CryptoKey *key = private_key(algs[j], keys[i].prefix, keys[i].key);

			CHECK_THAT((key != NULL) == (keys[i].own == (int) algs[j]), keys[i].key);
			crypto_key_free(key);
		}
	}
}

/* The same for public keys; under HS256 none is a key, whatever its bytes. */
static void
test_public_key_confusion(void)
{
	static const struct
	{
		const char *prefix;
		const char *key;
		int own;
	} keys[] = {{"", a2_public, ALG_RS256},
				{ED25519_PUBLIC_PREFIX, A4_X, ALG_EDDSA},
				{"", rsa_exponent_1, -1},
				{"", rsa_exponent_even, -1},
				{"", rsa_1024_public, -1},
				{"", rsa_pss_public, -1},
				{"", p384_public, -1},
				{"", secp256k1_public, -1},
				{"", explicit_public, -1},
				{"", x25519_public, -1},
				{"", ed448_public, -1},
				{"", A2_PRIVATE, -1},
				{ED25519_PRIVATE_PREFIX, A4_D, -1},
				{"", A1_K, -1}};
	static const CryptoAlg algs[] = {ALG_ES256, ALG_RS256, ALG_EDDSA, ALG_HS256};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		for (j = 0; j < 4; j++)
		{
			CryptoKey *key = public_key(algs[j], keys[i].prefix, keys[i].key);

			CHECK_THAT((key != NULL) == (keys[i].own == (int) algs[j]), keys[i].key);
			crypto_key_free(key);
		}
	}
}

/* Lengths: nothing may be missing and nothing may follow. */
static void
test_key_lengths(void)
{
	Bytes der = from("", A2_PRIVATE);
	Bytes pub = from("", a2_public);
	Bytes secret = from("", A1_K);
	uint8_t large[CRYPTO_PRIVATE_MAX + 1] = {0};
	CryptoKey *key;

	CHECK(refused(crypto_key_private(ALG_RS256, der.data, der.length + 1)));
	CHECK(refused(crypto_key_private(ALG_RS256, der.data, der.length - 1)));
	CHECK(refused(crypto_key_private(ALG_RS256, der.data, 0)));
	CHECK(refused(crypto_key_private(ALG_RS256, large, sizeof(large))));
	/* P-256 with an empty private key, which has no public point: found by cryptokey_fuzz */
	CHECK(refused(crypto_key_private(
		ALG_ES256,
		(const uint8_t *) "\x30\x21\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a"
						  "\x86\x48\xce\x3d\x03\x01\x07\x04\x07\x30\x05\x02\x01\x01\x04\x00",
		35)));
	CHECK(refused(crypto_key_public(ALG_RS256, pub.data, pub.length + 1)));
	CHECK(refused(crypto_key_public(ALG_RS256, pub.data, pub.length - 1)));
	CHECK(refused(crypto_key_public(ALG_RS256, pub.data, 0)));
	CHECK(refused(crypto_key_public(ALG_RS256, large, sizeof(large))));
	CHECK(refused(crypto_key_private(ALG_HS256, secret.data, 31)));
	CHECK(refused(crypto_key_private(ALG_HS256, secret.data, 0)));
	CHECK(refused(crypto_key_private(ALG_HS256, large, sizeof(large))));
	key = crypto_key_private(ALG_HS256, secret.data, 32);
	CHECK(key != NULL);
	crypto_key_free(key);
	crypto_key_free(NULL);
}

/* A point off the curve is not a key. */
static void
test_invalid_point(void)
{
	Bytes der = from(P256_PUBLIC_PREFIX, A3_X);
	Bytes y = from("", A3_Y);

	memcpy(der.data + der.length, y.data, y.length);
	der.length += y.length;
	der.data[der.length - 1] ^= 1;
	CHECK(refused(crypto_key_public(ALG_ES256, der.data, der.length)));
}

/* The public half signs nothing. */
static void
test_public_key_does_not_sign(void)
{
	CryptoKey *keys[3];
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t length;
	size_t i;

	keys[0] = a3_public_key();
	keys[1] = public_key(ALG_RS256, "", a2_public);
	keys[2] = public_key(ALG_EDDSA, ED25519_PUBLIC_PREFIX, A4_X);
	for (i = 0; i < 3; i++)
	{
		CHECK(keys[i] != NULL && !crypto_sign(keys[i], "x", 1, signature, &length));
		crypto_key_free(keys[i]);
	}
}

/* A member of a JWK as the RFC prints it. */
static bool
is_member(const uint8_t *member, size_t length, const char *base64)
{
	Bytes expected = from("", base64);

	return length == expected.length && memcmp(member, expected.data, length) == 0;
}

/* The members that RFC 7515 A.2.1, A.3.1 and RFC 8037 A.2 publish, from either half of the key. */
static void
test_jwk(void)
{
	CryptoKey *keys[6];
	CryptoKey *secret = private_key(ALG_HS256, "", A1_K);
	CryptoJwk jwk;
	int i;

	keys[0] = private_key(ALG_ES256, P256_PRIVATE_PREFIX, A3_D);
	keys[1] = a3_public_key();
	keys[2] = private_key(ALG_RS256, "", A2_PRIVATE);
	keys[3] = public_key(ALG_RS256, "", a2_public);
	keys[4] = private_key(ALG_EDDSA, ED25519_PRIVATE_PREFIX, A4_D);
	keys[5] = public_key(ALG_EDDSA, ED25519_PUBLIC_PREFIX, A4_X);
	for (i = 0; i < 2; i++)
	{
		CHECK(crypto_jwk(keys[i], &jwk) && is_member(jwk.first, jwk.first_length, A3_X) &&
			  is_member(jwk.second, jwk.second_length, A3_Y));
		CHECK(crypto_jwk(keys[i + 2], &jwk) && is_member(jwk.first, jwk.first_length, A2_N) &&
			  is_member(jwk.second, jwk.second_length, "AQAB"));
		CHECK(crypto_jwk(keys[i + 4], &jwk) && is_member(jwk.first, jwk.first_length, A4_X) && jwk.second_length == 0);
	}
	CHECK(!crypto_jwk(secret, &jwk));
	for (i = 0; i < 6; i++)
		crypto_key_free(keys[i]);
	crypto_key_free(secret);
}

/* New keys of each kind: they come back from their bytes, sign, verify, and are not each other's. */
static void
test_generate(void)
{
	static const size_t sizes[] = {64, 32, 384, 64};
	uint8_t private_der[CRYPTO_PRIVATE_MAX];
	uint8_t public_der[CRYPTO_PUBLIC_MAX];
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t private_length;
	size_t public_length;
	size_t length;
	int alg;

	for (alg = ALG_ES256; alg <= ALG_EDDSA; alg++)
	{
		CryptoKey *signer;
		CryptoKey *verifier = NULL;

		CHECK_THAT(crypto_generate(alg, private_der, &private_length, public_der, &public_length),
				   crypto_alg_name(alg));
		signer = crypto_key_private(alg, private_der, private_length);
		if (alg != ALG_HS256)
			verifier = crypto_key_public(alg, public_der, public_length);
		CHECK_THAT(alg != ALG_HS256 || (private_length == 32 && public_length == 0), crypto_alg_name(alg));
		CHECK_THAT(crypto_sign(signer, "message", 7, signature, &length) && length == sizes[alg], crypto_alg_name(alg));
		CHECK_THAT(crypto_verify(verifier ? verifier : signer, "message", 7, signature, length), crypto_alg_name(alg));
		CHECK_THAT(!crypto_verify(signer, "massage", 7, signature, length), crypto_alg_name(alg));
		crypto_key_free(signer);
		crypto_key_free(verifier);

		CHECK_THAT(crypto_generate(alg, private_der, &private_length, public_der, &public_length),
				   crypto_alg_name(alg));
		signer = crypto_key_private(alg, private_der, private_length);
		CHECK_THAT(!crypto_verify(signer, "message", 7, signature, length), crypto_alg_name(alg));
		crypto_key_free(signer);
	}
}

int
main(void)
{
	test_names();
	test_random();
	test_sha256();
	test_hmac();
	test_hkdf();
	test_seal_vectors();
	test_seal_refusals();
	test_scrypt();
	test_pbkdf2();
	test_hs256();
	test_rs256();
	test_es256();
	test_es256_padding();
	test_eddsa();
	test_es256_ranges();
	test_es256_der();
	test_private_key_confusion();
	test_public_key_confusion();
	test_key_lengths();
	test_invalid_point();
	test_public_key_does_not_sign();
	test_jwk();
	test_generate();
	return finish();
}
