"""A key service on loopback that speaks AWS KMS's documented protocol (JSON 1.1), with real keys: it signs what it is asked to.

It is none: it checks no signature of requests but that there is one by the known access key, and keeps keys in memory.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACCESS_KEY = "AKIAEXAMPLEAUDITOR"


class KeyServer(ThreadingHTTPServer):
    """Keys by alias, and the requests that came: (operation, body)."""

    keys: dict[str, Any]
    asked: list[tuple[str, dict[str, Any]]]


class _Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].removeprefix("TrentService.")
        self.server.asked.append((operation, body))
        if f"Credential={ACCESS_KEY}/" not in self.headers.get("Authorization", ""):
            return self._answer(400, {"__type": "AccessDeniedException", "message": "who are you"})
        key = self.server.keys.get(body["KeyId"])
        if key is None:
            return self._answer(400, {"__type": "NotFoundException", "message": "no such key"})
        if operation == "GetPublicKey":
            return self._answer(
                200,
                {
                    "KeyId": body["KeyId"],
                    "KeyUsage": "SIGN_VERIFY",
                    "PublicKey": _text(
                        key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                    ),
                },
            )
        assert (operation, body["MessageType"]) == ("Sign", "DIGEST")
        done = _signed(key, base64.b64decode(body["Message"]), body["SigningAlgorithm"])
        if done is None:
            return self._answer(400, {"__type": "InvalidKeyUsageException", "message": "not with this key"})
        return self._answer(200, {"KeyId": body["KeyId"], "Signature": _text(done)})

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signed(key: Any, digest: bytes, algorithm: str) -> bytes | None:
    """The signature of a digest; None where the key can't sign so, or the digest is none of that kind."""
    kind = {"256": hashes.SHA256(), "384": hashes.SHA384()}[algorithm[-3:]]
    if len(digest) != kind.digest_size:
        return None
    if isinstance(key, rsa.RSAPrivateKey) and algorithm.startswith("RSASSA_PKCS1_V1_5_"):
        return key.sign(digest, padding.PKCS1v15(), Prehashed(kind))
    curve = isinstance(key, ec.EllipticCurvePrivateKey) and f"ECDSA_SHA_{key.curve.key_size}"
    return key.sign(digest, ec.ECDSA(Prehashed(kind))) if curve == algorithm else None


@contextmanager
def serving(keys: dict[str, Any]) -> Iterator[tuple[str, KeyServer]]:
    """Its address and itself, with these private keys by alias."""
    server = KeyServer(("127.0.0.1", 0), _Handler)
    server.keys, server.asked = keys, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
