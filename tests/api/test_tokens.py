"""test_tokens.py -- access tokens that are not ours, or not any more: each is a 401."""
import json
import re
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast import problem
from people import Forge, base64url, bearer


def doubled(f, name, last):
    text = json.dumps(f.claims)
    return f.signed(f.head, (text[:-1] + f', "{name}": {json.dumps(last)}}}').encode())


def padded(f, part):
    parts = f.with_claims().split(".")
    parts[part] += "=" * (-len(parts[part]) % 4 or 4)
    return ".".join(parts)


def loose_bits(f):
    """The last character of the signature carries four bits that must be zero."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return f.token[:-1] + letters[letters.index(f.token[-1]) + 1]


NOW = int(time.time())
ATTACKS = {
    "empty": lambda f: "",
    "word": lambda f: "token",
    "two parts": lambda f: f.token.rsplit(".", 1)[0],
    "four parts": lambda f: f.token + ".x",
    "no signature": lambda f: f.token.rsplit(".", 1)[0] + ".",
    "zero signature": lambda f: f.token.rsplit(".", 1)[0] + "." + base64url(bytes(64)),
    "changed claims": lambda f: f.token.split(".")[0] + "." + base64url(json.dumps(f.claims).encode() + b" ") + "." + f.token.split(".")[2],
    "too long": lambda f: f.with_claims(jti="a" * 5000),
    "trailing blank": lambda f: f.token + " x",
    "not base64": lambda f: f.token[:10] + "!" + f.token[10:],
    "standard base64": lambda f: f.token[:-2] + "+/",
    "padded head": lambda f: padded(f, 0),
    "padded claims": lambda f: padded(f, 1),
    "padded signature": lambda f: padded(f, 2),
    "loose last bits": loose_bits,
    "expired": lambda f: f.expired(),
    "another key": lambda f: f.stranger(),
    "another curve": lambda f: f.signed(f.head, f.claims, ec.generate_private_key(ec.SECP256K1())),
    "alg none": lambda f: f.none(),
    "alg none, signed": lambda f: f.none(f.token.split(".")[2]),
    "alg NoNe": lambda f: f.with_head(alg="NoNe"),
    "HS256 with the public key": lambda f: f.confused(),
    "alg es256": lambda f: f.with_head(alg="es256"),
    "alg ES384": lambda f: f.with_head(alg="ES384"),
    "no alg": lambda f: f.with_head(without=["alg"]),
    "no kid": lambda f: f.with_head(without=["kid"]),
    "kid unknown": lambda f: f.with_head(kid="k2"),
    "kid traversal": lambda f: f.with_head(kid="../public/k1"),
    "kid path": lambda f: f.with_head(kid="/dev/null"),
    "kid SQL": lambda f: f.with_head(kid="k1' or '1'='1"),
    "kid number": lambda f: f.with_head(kid=1),
    "kid empty": lambda f: f.with_head(kid=""),
    "typ at+jwt": lambda f: f.with_head(typ="at+jwt"),
    **{"extra " + name: lambda f, name=name, value=value: f.with_head(**{name: value}) for name, value in (
        ("crit", ["exp"]), ("jku", "http://127.0.0.1/jwks"), ("jwk", {"kty": "EC"}), ("x5u", "http://127.0.0.1/"), ("zip", "DEF"))},
    "head twice": lambda f: f.signed(json.dumps(f.head)[:-1].encode() + b', "alg": "ES256"}', f.claims),
    "head no object": lambda f: f.signed(["ES256"], f.claims),
    "claims no object": lambda f: f.signed(f.head, ["x"]),
    "claims no JSON": lambda f: f.signed(f.head, b"{"),
    "claims and rubbish": lambda f: f.signed(f.head, json.dumps(f.claims).encode() + b"\0{}"),
    "exp twice": lambda f: doubled(f, "exp", NOW + 600),
    "sub twice": lambda f: doubled(f, "sub", f.claims["sub"]),
    "claim more": lambda f: f.with_claims(role="admin"),
    **{"no " + name: lambda f, name=name: f.with_claims(without=[name])
       for name in ("iss", "aud", "sub", "sid", "use", "jti", "iat", "nbf", "exp")},
    **{name + " as text": lambda f, name=name: f.with_claims(**{name: str(f.claims[name])}) for name in ("iat", "nbf", "exp")},
    **{name + " as fraction": lambda f, name=name: f.with_claims(**{name: f.claims[name] + 0.5}) for name in ("iat", "nbf", "exp")},
    **{name + " null": lambda f, name=name: f.with_claims(**{name: None}) for name in ("nbf", "exp", "sid")},
    "nbf later": lambda f: f.with_claims(nbf=f.claims["nbf"] + 120),
    "iat later": lambda f: f.with_claims(iat=f.claims["iat"] + 120),
    "iat below zero": lambda f: f.with_claims(iat=-2 ** 63, nbf=0, exp=2 ** 63 - 1),
    "life of 901 seconds": lambda f: f.with_claims(exp=f.claims["iat"] + 901),
    "exp before iat": lambda f: f.with_claims(iat=f.claims["exp"]),
    "exp enormous": lambda f: f.with_claims(exp=2 ** 63 - 1),
    "wrong iss": lambda f: f.with_claims(iss="evil"),
    "wrong aud": lambda f: f.with_claims(aud="other"),
    "aud list": lambda f: f.with_claims(aud=["holdfast"]),
    "wrong use": lambda f: f.with_claims(use="refresh"),
    "sub no uuid": lambda f: f.with_claims(sub="rita"),
    "sid unknown": lambda f: f.with_claims(sid="1." + "A" * 43),
    "sid SQL": lambda f: f.with_claims(sid="1.' or true --"),
    "sid of nobody": lambda f: f.with_claims(sid=""),
}


@pytest.fixture(scope="module")
def forge(stack):
    return Forge(stack, stack.login("carl@demo.test"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack(stack, nobody, forge, attack):
    token = ATTACKS[attack](forge)
    for path in ("/sessions/current", "/customers"):
        answer = bearer(nobody, token, path)
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer" and "X-Classification" not in answer.headers
        assert re.fullmatch("token_missing|token_invalid|token_expired|session_ended", answer.json()["code"])


def test_right_tokens_beside_the_attacks(nobody, forge):
    """The forge makes good tokens too, so the attacks fail for their reason and not for another."""
    for token in (forge.token, forge.with_claims(), forge.with_claims(exp=forge.claims["iat"] + 900),
                  forge.with_claims(nbf=forge.claims["nbf"] + 20), forge.with_head()):
        assert bearer(nobody, token).status_code == 200
    assert nobody.request("GET", "/sessions/current", headers={"Authorization": "bearer " + forge.token}).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x", "Bearer  x y"])
def test_no_bearer(nobody, header):
    answer = nobody.request("GET", "/customers", headers={} if header is None else {"Authorization": header})
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
