"""people.py -- people and tokens that tests make up: newcomers, another org, forged tokens."""
import base64
import json
import os
import time
import uuid

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from holdfast import PASSWORD, Client

MISSING = "01900000-0000-7000-8000-000000000000"


def faceless(answer):
    """A refusal without what names the request: hidden and missing must be equal in it."""
    return answer.status_code, {k: v for k, v in answer.json().items() if k != "instance"}


def welcome(stack, email, token, password=PASSWORD):
    """Sets a password by an invite token and logs in."""
    answer = Client(stack).post("/sessions/password", {"token": token, "password": password})
    assert answer.status_code == 204, answer.text
    return stack.login(email, password)


def newcomer(stack, role="rep", manager=None, segments=("prospecting",)):
    """Somebody new, logged in, whom no other test knows: in his manager's org, without one in the demo org."""
    email = f"{role}-{uuid.uuid4().hex[:12]}@demo.test"
    stack.sql("""insert into app.staff
            (org_id, id, person_id, name, email, role, manager_id, segments, status, created_at, updated_at)
            select l.org_id, i.id, i.id, 'New Comer', %s, %s, %s::uuid, %s::text[], 'invited', app.now(), app.now()
            from app.login l, (select app.uuid7() id) i where l.staff_id = %s or l.email = %s""",
              email, role, manager and manager.id, list(segments), manager and manager.id, None if manager else "ada@demo.test")
    return welcome(stack, email, invite(stack, email))


def invite(stack, email):
    return stack.sql("select app.invite_create(%s)", email)[0][0]


def other_org(stack):
    """The admin of another org."""
    name = "otto-" + uuid.uuid4().hex[:12]
    email = name + "@other.test"
    token = stack.sql("select app.org_create(%s, 'Otto', %s)", name, email)[0][0]
    return welcome(stack, email, token)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(part):
    return part if isinstance(part, bytes) else json.dumps(part).encode()


class Forge:
    """Makes tokens as the stack does, with its own key, and every kind of wrong one."""

    def __init__(self, stack, client):
        folder = os.path.join(stack.state, "keys")
        with open(os.path.join(folder, "k1.pem"), "rb") as file:
            self.key = serialization.load_pem_private_key(file.read(), None)
        with open(os.path.join(folder, "public/k1.pub"), "rb") as file:
            self.public_pem = file.read()
        self.token = client.tokens["access_token"]
        self.head = jwt.get_unverified_header(self.token)
        self.claims = jwt.decode(self.token, options={"verify_signature": False})

    def signed(self, head, claims, key=None):
        """A token of these parts (objects or bytes), rightly signed with ES256."""
        text = base64url(_bytes(head)) + "." + base64url(_bytes(claims))
        r, s = utils.decode_dss_signature((key or self.key).sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    def with_claims(self, without=(), **claims):
        return self.signed(self.head, {k: v for k, v in dict(self.claims, **claims).items() if k not in without})

    def with_head(self, without=(), **head):
        return self.signed({k: v for k, v in dict(self.head, **head).items() if k not in without}, self.claims)

    def expired(self):
        now = int(time.time())
        return self.with_claims(iat=now - 310, nbf=now - 310, exp=now - 10)

    def stranger(self):
        return self.signed(self.head, self.claims, ec.generate_private_key(ec.SECP256R1()))

    def none(self, signature=""):
        return base64url(_bytes(dict(self.head, alg="none"))) + "." + base64url(_bytes(self.claims)) + "." + signature

    def confused(self):
        """HS256 with the text of the public key as the secret."""
        from cryptography.hazmat.primitives import hmac
        text = base64url(_bytes(dict(self.head, alg="HS256"))) + "." + base64url(_bytes(self.claims))
        mac = hmac.HMAC(self.public_pem, hashes.SHA256())
        mac.update(text.encode())
        return text + "." + base64url(mac.finalize())


def bearer(client, token, path="/sessions/current", method="GET"):
    return client.request(method, path, headers={"Authorization": "Bearer " + token})
