"""A stand-in before a node that wants a bearer token: what has it passes, all else but the page is answered 401.

With `files` the page itself comes from a folder, which is how one works on it without building the server:

    guard.py PORT 7070     serves src/console at http://127.0.0.1:PORT/console and all else from the node at 7070
"""

import http.client
import http.server
import pathlib
import sys
import threading

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
UNAUTHENTICATED = (b'{"type":"https://quorate.dev/problems/unauthenticated","title":"A token is needed","status":401,'
                   b'"detail":"send Authorization: Bearer","outcome":"not_applied"}')
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "host"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        page = self.path.split("?")[0]
        if page.startswith("/console") and self.server.files:
            return self.file(page.removeprefix("/console").strip("/") or "index.html")
        wanted = self.server.token and f"Bearer {self.server.token}"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if wanted and not page.startswith("/console") and self.headers.get("Authorization") != wanted:
            self.server.refused += 1
            return self.answer(401, [("Content-Type", "application/problem+json")], UNAUTHENTICATED)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=40)
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            self.answer(answer.status, answer.getheaders(), answer.read())
        except OSError:
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do

    def file(self, name):
        path = pathlib.Path(self.server.files) / name
        if not path.is_file():
            return self.answer(404, [], b"")
        policy = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                  "require-trusted-types-for 'script'; trusted-types 'none'")
        headers = [("Content-Type", TYPES[path.suffix]), ("Content-Security-Policy", policy), ("Cache-Control", "no-store")]
        return self.answer(200, headers, path.read_bytes())

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def start(upstream, token="", files="", port=0):
    """Serves in the background; returns the server, whose `server_port` is where."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.upstream, server.token, server.files, server.refused = upstream, token, files, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    page = pathlib.Path(__file__).parent.parent.parent / "src/console"
    start(int(sys.argv[2]), files=page, port=int(sys.argv[1]))
    threading.Event().wait()
