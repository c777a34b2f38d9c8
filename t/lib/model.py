#!/usr/bin/python3
# Licensed under the Apache License, Version 2.0; see LICENSE.
"""An OpenAI-compatible endpoint that behaves as the path says, and writes down what it was asked.

    model.py LOG [CERTIFICATE KEY]

prints the port that it listens on, on 127.0.0.1; with a certificate, in TLS. One JSON object a line goes to LOG for each
request: {method path headers body}. Behaviours, by the path's start:

    /good           a suggestion, as a model makes it that does as it is told
    /status/N       N, with an error as OpenAI words it
    /said/TEXT      a completion that says TEXT (percent-encoded)
    /body/TEXT      a 200 with TEXT as the whole body
    /slow/SECONDS   /good after that many seconds
    /stall          half an answer, and then nothing
    /short          an answer that ends before its Content-Length
    /big/BYTES      a 200 of that length; /endless: without an end
    /long/BYTES     a suggestion whose content has so many bytes
    /redirect       302 to /good
    /drop           takes the request and closes the connection
    /garbage        answers something that is not HTTP
"""
import json
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log_lock = threading.Lock()


def completion(text, reason="stop"):
    return json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "test",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = json.dumps({"method": self.command, "path": self.path, "headers": dict(self.headers.items()),
                           "body": json.loads(body)})
        with log_lock, open(sys.argv[1], "a", encoding="utf-8") as log:
            log.write(line + "\n")
        _, what, *rest = self.path.split("/", 2)
        getattr(self, "when_" + what)(urllib.parse.unquote(rest[0]) if rest else "")

    do_GET = do_POST

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def when_good(self, _):
        self.answer(completion(json.dumps({"content": "Better: é\n", "rationale": "Reviewers said so."})))

    def when_status(self, status):
        self.answer(b'{"error": {"message": "no", "type": "server_error"}}', int(status))

    def when_said(self, text):
        self.answer(completion(text))

    def when_cut(self, text):
        self.answer(completion(text, "length"))

    def when_body(self, text):
        self.answer(text.encode("utf-8", "surrogateescape"))

    def when_slow(self, seconds):
        time.sleep(float(seconds))
        self.when_good("")

    def begin(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def when_stall(self, _):
        self.begin(1000)
        self.wfile.write(b'{"choices": [')
        self.wfile.flush()
        time.sleep(30)

    def when_short(self, _):
        self.begin(1000)
        self.wfile.write(completion("{}"))
        self.close_connection = True

    def when_big(self, size):
        self.begin(size)
        left = int(size)
        while left > 0:
            self.wfile.write(b" " * min(left, 65536))
            left -= 65536

    def when_endless(self, _):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536)

    def when_long(self, size):
        self.answer(completion(json.dumps({"content": "x" * int(size), "rationale": "long"})))

    def when_redirect(self, _):
        self.answer(b"", 302, Location="/good")

    def when_drop(self, _):
        self.close_connection = True

    def when_garbage(self, _):
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass        # broken connections are what the tests are about


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
    # The handshake is the thread's business, not the listener's.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
