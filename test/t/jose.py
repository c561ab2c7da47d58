"""Access tokens and published keys, checked by independent libraries: PyJWT and cryptography."""

import hashlib
import hmac
import json

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from support import Db, claims_of, equal, from_base64url, header_of, main, ok, shop

ISSUER = "https://id.shop.example"
AUDIENCE = "https://api.shop.example"
CLIENT = "shop-web"

db = Db()
shop(db)
for name, value in (("issuer", ISSUER), ("audience", AUDIENCE), ("client_id", CLIENT), ("jwt_role", "web_customer")):
    db.run(f"SET djust_auth.{name} = '{value}'")
user_id = db.create_user("ann@jose.example", profiles=["customer"])


def parts(token):
    header, payload, signature = token.split(".")
    return header_of(token), claims_of(token), from_base64url(signature), (header + "." + payload).encode("ascii")


def published(kid):
    return next((key for key in db.one("SELECT djust_jwks()")["keys"] if key["kid"] == kid), None)


# The same by hand, from the members of the JWK and RFC 7518 or RFC 8037

def verify_es256(key, signature, message):
    numbers = ec.EllipticCurvePublicNumbers(*(int.from_bytes(from_base64url(key[name]), "big") for name in "xy"), ec.SECP256R1())
    der = utils.encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    numbers.public_key().verify(der, message, ec.ECDSA(hashes.SHA256()))


def verify_rs256(key, signature, message):
    numbers = rsa.RSAPublicNumbers(int.from_bytes(from_base64url(key["e"]), "big"), int.from_bytes(from_base64url(key["n"]), "big"))
    numbers.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())


def verify_eddsa(key, signature, message):
    ed25519.Ed25519PublicKey.from_public_bytes(from_base64url(key["x"])).verify(signature, message)


def accepts(verify, key, signature, message):
    try:
        verify(key, signature, message)
        return True
    except InvalidSignature:
        return False


PUBLIC = {
    "ES256": ({"kty": "EC", "crv": "P-256"}, {"x": 32, "y": 32}, 64, verify_es256),
    "RS256": ({"kty": "RSA"}, {"n": 384, "e": 3}, 384, verify_rs256),
    "EdDSA": ({"kty": "OKP", "crv": "Ed25519"}, {"x": 32}, 64, verify_eddsa),
}


def judge_claims(algorithm, claims, token):
    session = db.row("SELECT sid::text, extract(epoch FROM refreshed_at)::float8 FROM djust_auth.session WHERE sid = %s", claims["sid"])
    equal({name: claims[name] for name in ("iss", "aud", "sub", "client_id", "role", "profiles")},
          {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "client_id": CLIENT, "role": "web_customer", "profiles": ["customer"]},
          f"{algorithm}: the claims say who and for whom")
    equal(sorted(claims), sorted(["iss", "aud", "sub", "client_id", "role", "profiles", "sid", "jti", "iat", "exp"]),
          f"{algorithm}: and nothing else")
    ok(session is not None and type(claims["iat"]) is int and claims["exp"] - claims["iat"] == 600 and abs(claims["iat"] - session[1]) <= 1,
       f"{algorithm}: sid is the session's, exp ten minutes after iat", (claims, session))
    ok("ann@jose.example" not in json.dumps(claims) and isinstance(claims["jti"], str) and claims["jti"],
       f"{algorithm}: no address, an identifier of its own")


def asymmetric():
    for algorithm, (fixed, lengths, signature_length, verify) in PUBLIC.items():
        kid = db.one("SELECT djust_auth.rotate_signing_key(%s)", algorithm)
        tokens = db.login("ann@jose.example")
        token = tokens["access_token"]
        header, payload, signature, message = parts(token)
        equal(header, {"typ": "at+jwt", "alg": algorithm, "kid": kid}, f"{algorithm}: header of RFC 9068")
        key = published(kid)
        equal({name: key[name] for name in fixed}, fixed, f"{algorithm}: kind of key")
        equal({name: len(from_base64url(key[name])) for name in lengths}, lengths, f"{algorithm}: its members have the length they must have")
        equal(sorted(key), sorted([*fixed, *lengths, "kid", "alg", "use"]), f"{algorithm}: and there are no others, private ones least of all")
        equal((key["alg"], key["use"]), (algorithm, "sig"), f"{algorithm}: it is for signatures of this kind")

        claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER,
                            options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]})
        equal(claims, payload, f"{algorithm}: PyJWT takes the token")
        judge_claims(algorithm, claims, token)
        equal(len(signature), signature_length, f"{algorithm}: length of the signature")
        ok(accepts(verify, key, signature, message), f"{algorithm}: cryptography takes the signature")
        ok(not accepts(verify, key, signature, message + b"x"), f"{algorithm}: of this message only")
        ok(db.can(token), f"{algorithm}: and so do we")
        other = db.refresh(tokens["refresh_token"])["access_token"]
        ok(parts(other)[1]["jti"] != payload["jti"] and parts(other)[1]["sid"] == payload["sid"], f"{algorithm}: a refresh has a jti of its own")
        ok(db.can(token) and db.can(other), f"{algorithm}: the older one lives on")
        ours = [key["kid"] for key in db.one("SELECT djust_jwks()")["keys"]]
        ok(len(set(ours)) == len(ours) and kid in ours, f"{algorithm}: every kid once")


def rotated():
    """Whoever still has a token of the key before can verify it."""
    old = db.login("ann@jose.example")["access_token"]
    kid = parts(old)[0]["kid"]
    algorithm = parts(old)[0]["alg"]
    new_kid = db.one("SELECT djust_auth.rotate_signing_key()")
    ok(published(kid) is not None and published(new_kid) is not None, "both keys are published after a rotation")
    equal(published(new_kid)["alg"], algorithm, "of the same algorithm, none being named")
    ok(db.can(old), "a token of the old key is good")
    equal(jwt.decode(old, jwt.PyJWK(published(kid)).key, algorithms=[algorithm], audience=AUDIENCE)["sub"], user_id, "for PyJWT too")
    equal(parts(db.login("ann@jose.example")["access_token"])[0]["kid"], new_kid, "new tokens are signed by the new key")


def hs256():
    kid = db.one("SELECT djust_auth.rotate_signing_key('HS256')")
    key = db.one("SELECT djust_auth.hs256_key()")
    token = db.login("ann@jose.example")["access_token"]
    header, payload, signature, message = parts(token)
    equal(header, {"typ": "at+jwt", "alg": "HS256", "kid": kid}, "HS256: header")
    equal({name: key[name] for name in ("kty", "alg", "kid")}, {"kty": "oct", "alg": "HS256", "kid": kid}, "HS256: the JWK of the secret")
    secret = from_base64url(key["k"])
    ok(len(secret) >= 32, "HS256: as long as its digest at least", len(secret))
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience=AUDIENCE, issuer=ISSUER)
    equal(claims, payload, "HS256: PyJWT takes the token")
    judge_claims("HS256", claims, token)
    equal(signature, hmac.new(secret, message, hashlib.sha256).digest(), "HS256: and so does hmac")
    ok(db.can(token), "HS256: and so do we")
    keys = db.one("SELECT djust_jwks()")
    ok(published(kid) is None and key["k"] not in json.dumps(keys) and not any("k" in each or "d" in each for each in keys["keys"]),
       "HS256: the secret is not published")
    db.run("SELECT djust_auth.rotate_signing_key('ES256')")
    ok(db.can(token), "HS256: the token lives on after a rotation to ES256")


main(asymmetric, rotated, hs256)
