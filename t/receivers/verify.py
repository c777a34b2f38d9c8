# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The documentation's function, word for word, in the standard library's server instead of FastAPI:

    verify.py CERTIFICATE KEY

prints its port. 204 for a good signature, 401 for any other."""
import hmac
import hashlib


def verify_tuor_signature(raw_body: bytes, header_value: str, secret: str) -> bool:
    if not header_value.startswith("sha256="):
        return False
    expected = hmac.new(
        secret.encode("utf-8"),
        raw_body,
        hashlib.sha256,
    ).hexdigest()
    return hmac.compare_digest(header_value.split("=", 1)[1], expected)


import json
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

webhook_secret = os.environ["TUOR_WEBHOOK_SECRET"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        raw_body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/tuor" and verify_tuor_signature(
            raw_body, self.headers.get("X-Tuor-Signature", ""), webhook_secret)
        event = json.loads(raw_body) if good else {}
        self.send_response(204 if "event_id" in event else 401)
        self.end_headers()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
