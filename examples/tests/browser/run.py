#!/usr/bin/env python3
"""Headless Chromium against the real server, from a page of another origin.

    python3 examples/tests/browser/run.py [--server target/debug/upload-server] [--chromium chromium]

It sees the JSON of a 413 that is sent while it still uploads 30 MB, not a network error, and CORS works across origins, on
errors too. A proxy in between passes only the first MiB of it on until the answer has begun, so an answer that waited
for the whole body would never come. Needs Debian's `chromium`; `.ci/run` installs it.
"""

import argparse
import contextlib
import http.server
import json
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
KEY = "browser-test-key"
# A guard against a browser that never reports; nothing is measured with it.
PATIENCE = 60
# Bytes of a request that the proxy passes on before its answer has begun.
HELD = 1 << 20


def page_server(results):
    photo = (ROOT / "upload-media/tests/media/ok/rgb.jpg").read_bytes()
    files = {"/": ("text/html", (HERE / "page.html").read_bytes()), "/photo.jpg": ("image/jpeg", photo)}

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, status, kind="text/plain", body=b""):
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            found = files.get(urllib.parse.urlsplit(self.path).path)
            self.answer(200, *found) if found else self.answer(404)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.answer(204)
            results.put(json.loads(body))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def proxy(address):
    """Listens on a port of its own and passes bytes on to `address`, but of each request no more than HELD until its
    answer has begun."""
    host, port = address.rsplit(":", 1)
    listener = socket.create_server(("127.0.0.1", 0))

    def connection(client):
        server = socket.create_connection((host, int(port)))
        answered = threading.Condition()
        answers = 0

        def back():
            nonlocal answers
            with contextlib.suppress(OSError):
                while data := server.recv(1 << 16):
                    client.sendall(data)
                    with answered:
                        answers += 1
                        answered.notify()
                client.shutdown(socket.SHUT_WR)

        threading.Thread(target=back, daemon=True).start()
        with contextlib.suppress(OSError):
            before = passed = 0
            while data := client.recv(1 << 16):
                with answered:
                    if data.startswith((b"GET ", b"OPTIONS ", b"PATCH ", b"POST ")):
                        before, passed = answers, 0
                    passed += len(data)
                    answered.wait_for(lambda: passed < HELD or answers > before)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=connection, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def browse(chromium, url, profile, results):
    browser = subprocess.Popen(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={profile}", url],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return results.get(timeout=PATIENCE)
    except queue.Empty:
        sys.exit(f"the browser reported nothing within {PATIENCE} seconds (it ended with {browser.poll()})")
    finally:
        browser.terminate()
        browser.wait()


def check(seen):
    failures = []

    def expect(name, condition):
        if not condition:
            failures.append(f"{name}: {json.dumps(seen.get(name))}")

    def is_error(answer, status, *words):
        error = (answer.get("body") or {}).get("error", "")
        return answer.get("status") == status and error and all(word in error for word in words)

    large = seen.get("tooLargeRequest", [])
    expect("tooLargeRequest", len(large) == 5 and all(is_error(one, 413, "10MB", "chunked") for one in large))
    expect("tooLargeStream", is_error(seen.get("tooLargeStream", {}), 413, "file of size 9MB is larger than 8MB"))
    expect("noKey", is_error(seen.get("noKey", {}), 401))
    # The chunk's fields are missing, or its stream: either way the page can read why.
    expect("chunkOfNothing", any(is_error(seen.get("chunkOfNothing", {}), status) for status in (400, 404)))
    expect("upload", seen.get("upload", {}).get("status") == 200)
    expect("download", seen.get("download") == {"status": 200, "type": "image/jpeg", "same": True})
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(ROOT / "target/debug/upload-server"))
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--config", help="a configuration for the server")
    given = parser.parse_args()
    results = queue.Queue()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        arguments = ["--listen", "127.0.0.1:0", "--data", f"{directory}/data", "--api-key", KEY, "--log", "error"]
        arguments += ["--config", given.config] if given.config else []
        server = subprocess.Popen([given.server, *arguments], stdout=subprocess.PIPE, text=True)
        try:
            api = server.stdout.readline().strip().removeprefix("listening on http://")
            port = page_server(results)
            query = urllib.parse.urlencode({"api": proxy(api), "key": KEY})
            # localhost and 127.0.0.1 on two ports: two origins.
            seen = browse(given.chromium, f"http://localhost:{port}/?{query}", f"{directory}/profile", results)
        finally:
            server.send_signal(signal.SIGTERM)
            ended = server.wait()
    failures = check(seen)
    if ended != 0:
        failures.append(f"the server ended with {ended}")
    if failures:
        sys.exit("the browser saw something else:\n  " + "\n  ".join(failures))
    print("the browser saw what it should:", json.dumps(seen))


if __name__ == "__main__":
    main()
