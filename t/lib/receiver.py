#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A webhook receiver that behaves as the path says, and writes down what it got.

    receiver.py LOG CERTIFICATE KEY [ADDRESS]

prints the port that it listens on. One JSON object a line goes to LOG for each
connection that brought a request: {time peer method path headers body}, peer
being the client's port, the body in base64, headers as a list of [name, value]. Behaviours, by the path's start:

    /ok             200 {"ok": true}
    /status/N       N
    /redirect/N/URL N with Location: URL (percent-encoded)
    /slow/SECONDS   200 after that many seconds
    /stall          takes the request and never answers
    /trickle        200, and then a byte a second for ever
    /bytes/HEX[/N]  200 with that body, after N times x
    /big/BYTES      200 with a body of that length
    /drop           takes the request and closes the connection
    /reset          takes the request and resets the connection
    /garbage        answers something that is not HTTP
"""
import base64
import json
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log_lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def log_message(self, *_):
        pass

    def record(self, body):
        line = json.dumps({
            "time": time.time(), "peer": self.client_address[1], "method": self.command, "path": self.path,
            "headers": [[name, value] for name, value in self.headers.items()],
            "body": base64.b64encode(body).decode(),
        })
        with log_lock, open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        self.record(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        _, what, *rest = urllib.parse.urlsplit(self.path).path.split("/")
        behaviour = getattr(self, "do_" + what, None)
        if behaviour:
            behaviour(*rest)
        else:
            self.answer(404)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    def do_ok(self, *_):
        self.answer(200, b'{"ok": true}')

    def do_status(self, status, *_):
        self.answer(int(status), b'{"status": %d}' % int(status))

    def do_redirect(self, status, target, *_):
        self.answer(int(status), Location=urllib.parse.unquote(target))

    def do_slow(self, seconds, *_):
        time.sleep(float(seconds))
        self.do_ok()

    def do_stall(self, *_):
        time.sleep(120)

    def do_trickle(self, *_):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        while True:
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(1)

    def do_big(self, size, *_):
        self.send_response(200)
        self.send_header("Content-Length", size)
        self.end_headers()
        left = int(size)
        while left > 0:
            self.wfile.write(b"x" * min(left, 65536))
            left -= 65536

    def do_bytes(self, body, pad="0", *_):
        self.answer(200, b"x" * int(pad) + bytes.fromhex(body))

    def do_drop(self, *_):
        self.close_connection = True

    def do_reset(self, *_):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_garbage(self, *_):
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """TLS is spoken in each connection's own thread: a client that stalls in the
    middle of the handshake holds up nobody else."""
    daemon_threads = True
    request_queue_size = 512

    def finish_request(self, request, client_address):
        with context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, *_):
        pass        # broken connections are what the tests are about


address = sys.argv[4] if len(sys.argv) > 4 else "127.0.0.1"
if ":" in address:
    Server.address_family = socket.AF_INET6
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server = Server((address, 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
