#!/usr/bin/env python3
"""A registry on loopback that misbehaves on demand. Standard library only.

Usage: fault_registry.py --layout DIR --port-file FILE --log FILE [--tls CERT KEY]

Serves the OCI layout DIR under any repository name whose first component is one of the faults below,
so that one server serves every test:  127.0.0.1:PORT/cut/image:latest

  ok            no fault
  cut           every answer with a blob ends after half of what is left, three times
  cut-headers   the connection closes before any answer, twice for each path
  busy          429 with Retry-After: 1, twice for each path
  unavailable   503 for ever
  no-range      Range is ignored, and the first answer is cut
  wrong-blob    blobs have one byte changed
  long-blob     blobs are followed by more bytes, without a length
  short-blob    blobs lack their last bytes and say so in their length
  wrong-manifest  the manifest has one byte changed
  wrong-header  Docker-Content-Digest is another one
  endless-manifest  the manifest never ends
  endless-blob  blobs never end
  slow          blobs come one byte each second
  bearer        wants a token from /token (for anybody), which serves three requests
  bearer-login  wants a token from /token, for user "bulkhead" with password "secret" or for the
                refresh token "refresh"
  bearer-loop   never accepts a token
  bearer-evil   the token is not what it should be (a line end in it)
  basic         wants user "bulkhead" with password "secret"
  elsewhere     blobs are redirected to another port, where an Authorization is an error (400)
  downgrade     blobs are redirected to http:// on the port --plain-port-file names
  challenge     a WWW-Authenticate that is no challenge
  big-manifest  a manifest of 5 MiB
"""
import argparse
import base64
import hashlib
import json
import os
import socketserver
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

LOCK = threading.Lock()
COUNTS = {}
TOKENS = {}
BASIC = "Basic " + base64.b64encode(b"bulkhead:secret").decode()


def count(key):
    with LOCK:
        COUNTS[key] = COUNTS.get(key, 0) + 1
        return COUNTS[key]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status):
        line = {"method": self.command, "path": self.path, "status": status,
                "range": self.headers.get("Range", ""),
                "authorization": self.headers.get("Authorization", "").split(" ")[0],
                "port": self.server.server_address[1]}
        with LOCK, open(self.server.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def answer(self, status, body=b"", headers=(), length=None):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length is None:
            length = len(body)
        if length >= 0:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(2)

    def address(self, server=None):
        server = server or self.server
        scheme = "https" if server.tls else "http"
        return f"{scheme}://127.0.0.1:{server.server_address[1]}"

    # ---- tokens

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        form = urllib.parse.parse_qs(self.rfile.read(length).decode())
        self.server.note_form(form)
        ok = (form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == ["refresh"]
              and form.get("scope") == ["repository:bearer-login/image:pull"])
        self.token(ok, uses=1000)

    def token(self, ok, uses):
        if not ok:
            self.answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}')
            return
        token = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
        with LOCK:
            TOKENS[token] = uses
        self.answer(200, json.dumps({"token": token, "expires_in": 60}).encode(),
                    [("Content-Type", "application/json")])

    def get_token(self, query):
        scope = query.get("scope", [""])[0]
        if "bearer-evil" in scope:
            self.answer(200, json.dumps({"token": "a\r\nX-Evil: yes"}).encode())
        elif "bearer-login" in scope:
            self.token(self.headers.get("Authorization") == BASIC
                       and query.get("account") == ["bulkhead"], uses=1000)
        else:
            self.token(scope.endswith(":pull") and "Authorization" not in self.headers, uses=3)

    def demand(self, fault):
        """True when the request may go on."""
        given = self.headers.get("Authorization", "")
        if fault == "basic":
            if given == BASIC:
                return True
            challenge = 'Basic realm="test"'
        elif fault == "challenge":
            challenge = 'Bearer realm="no end'
        elif fault.startswith("bearer"):
            with LOCK:
                left = TOKENS.get(given[7:], 0)
                if given.startswith("Bearer ") and left > 0 and fault != "bearer-loop":
                    TOKENS[given[7:]] = left - 1
                    return True
            challenge = (f'Bearer realm="{self.address()}/token",service="test",'
                         f'scope="repository:{self.repository}:pull"')
        else:
            return True
        self.answer(401, b'{"errors":[]}', [("WWW-Authenticate", challenge)])
        return False

    # ---- content

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        path = parts.path
        if path == "/token":
            self.get_token(urllib.parse.parse_qs(parts.query))
            return
        if path.startswith("/elsewhere/"):
            if "Authorization" in self.headers:
                self.answer(400, b"credentials at the wrong place")
            else:
                self.blob("ok", path.rsplit("/", 1)[1])
            return
        if path in ("/v2", "/v2/"):
            self.answer(200, b"{}")
            return
        for kind in ("/manifests/", "/blobs/"):
            if path.startswith("/v2/") and kind in path:
                self.repository, name = path[4:].split(kind, 1)
                fault = self.repository.split("/")[0]
                if self.before(fault) and self.demand(fault):
                    (self.manifest if kind == "/manifests/" else self.blob)(fault, name)
                return
        self.answer(404, b"not a registry path")

    def before(self, fault):
        if fault == "unavailable":
            self.answer(503, b"gone fishing")
            return False
        if fault == "busy" and count(("busy", self.path)) <= 2:
            self.answer(429, b"later", [("Retry-After", "1")])
            return False
        if fault == "cut-headers" and count(("headers", self.path)) <= 2:
            self.note(0)
            self.cut()
            return False
        return True

    def read_blob(self, digest):
        algorithm, _, value = digest.partition(":")
        path = os.path.join(self.server.layout, "blobs", algorithm, value)
        if "/" in digest or not os.path.exists(path):
            return None
        with open(path, "rb") as f:
            return f.read()

    def manifest(self, fault, name):
        if not name.startswith("sha256:"):
            with open(os.path.join(self.server.layout, "index.json"), encoding="utf-8") as f:
                index = json.load(f)
            found = [m for m in index["manifests"]
                     if m.get("annotations", {}).get("org.opencontainers.image.ref.name") == name]
            if not found:
                self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}')
                return
            name = found[0]["digest"]
        body = self.read_blob(name)
        if body is None:
            self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}')
            return
        media_type = json.loads(body).get("mediaType", "application/vnd.oci.image.manifest.v1+json")
        digest = name
        if fault == "wrong-manifest":
            body = body.replace(b"{", b"{ ", 1)
        elif fault == "wrong-header":
            digest = "sha256:" + hashlib.sha256(b"other").hexdigest()
        elif fault == "big-manifest":
            body += b" " * (5 * 1024 * 1024)
        headers = [("Content-Type", media_type), ("Docker-Content-Digest", digest)]
        if fault == "endless-manifest":
            self.answer(200, body, headers, length=-1)
            self.pour(b" " * 65536)
            return
        self.answer(200, body, headers)

    def pour(self, piece, pause=0.0):
        try:
            while True:
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            self.close_connection = True

    def blob(self, fault, digest):
        body = self.read_blob(digest)
        if body is None:
            self.answer(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
            return
        if fault == "elsewhere":
            self.answer(307, b"", [("Location", f"{self.address(self.server.other)}/elsewhere/{digest}")])
            return
        if fault == "downgrade":
            plain = f"http://127.0.0.1:{self.server.other.server_address[1]}"
            self.answer(307, b"", [("Location", f"{plain}/elsewhere/{digest}")])
            return
        if fault == "wrong-blob":
            body = body[:-1] + bytes([body[-1] ^ 1])
        elif fault == "short-blob":
            body = body[:-3]
        elif fault == "long-blob":
            self.answer(200, body + b"more", length=-1)
            return
        elif fault == "endless-blob":
            self.answer(200, body, length=-1)
            self.pour(b"\0" * 65536)
            return
        elif fault == "slow":
            self.answer(200, b"", length=len(body))
            self.pour(b"\0", pause=1.0)
            return
        self.ranged(fault, digest, body)

    def ranged(self, fault, digest, body):
        asked, start, status, headers = self.headers.get("Range", ""), 0, 200, []
        if asked.startswith("bytes=") and fault != "no-range":
            start = int(asked[6:].split("-")[0])
            if start >= len(body):
                self.answer(416, b"")
                return
            status = 206
            headers = [("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")]
        rest = body[start:]
        times = {"cut": 3, "no-range": 1}.get(fault, 0)
        if count((fault, digest)) <= times and len(rest) > 1:
            self.answer(status, rest[:len(rest) // 2], headers, length=len(rest))
            self.cut()
            return
        self.answer(status, rest, headers)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, args, tls):
        super().__init__(("127.0.0.1", 0), Handler)
        self.layout, self.log, self.tls, self.other = args.layout, args.log, tls, None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*args.tls)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)

    def note_form(self, form):
        form = {k: v for k, v in form.items() if k != "refresh_token"}
        with LOCK, open(self.log, "a", encoding="utf-8") as log:
            log.write(json.dumps({"form": form}) + "\n")

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--tls", nargs=2)
    args = parser.parse_args()
    main_server = Server(args, tls=bool(args.tls))
    main_server.other = Server(args, tls=False)
    main_server.other.other = main_server
    threading.Thread(target=main_server.other.serve_forever, daemon=True).start()
    with open(args.port_file + ".new", "w", encoding="ascii") as f:
        f.write(str(main_server.server_address[1]))
    os.rename(args.port_file + ".new", args.port_file)
    main_server.serve_forever()


if __name__ == "__main__":
    main()
