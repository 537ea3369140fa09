#!/usr/bin/env python3
"""Headless Chromium uploads with the npm client @placeos/cloud-uploads to the real server.

    python3 examples/tests/cloud_uploads/run.py --server target/debug/upload-server --classes class.js --worker md5_worker.js

Its class API uploads from a page of another origin: files in one request and files in parts; one is paused, and goes on in a
new page, as after a browser was closed; one is cancelled. With `--functions` the function API of 1.x uploads the same from a
page of the API's own origin (it knows no other), its bytes going to another one. `run.sh` makes the bundles and calls this.
"""

import argparse
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "activestorage"))
from browser import Browser, expect  # noqa: E402

KEY = "cloud-uploads-test-key"
API = "/api/engine/v2/uploads"
# Direct up to 5,000,000 bytes; larger ones in parts of 5 MiB.
SIZES = [0, 1, 4_999_999, 5_000_001, 12 << 20]
PART = 5 << 20
LARGE = 48 << 20
# A guard against what never comes; nothing is measured with it.
PATIENCE = 60
PAGE = b"""<!doctype html>
<meta charset="utf-8">
<title>uploads</title>
<input type="file">
<script src="/client.js"></script>
"""


def page_server(client, worker, api):
    """Serves a page with this client, and passes requests to the API on, for clients that look for it at their own origin."""
    files = {"/": ("text/html", PAGE), "/client.js": ("text/javascript", client), "/worker.js": ("text/javascript", worker)}

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, status, headers, body):
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do(self):
            if not self.path.startswith("/api/"):
                found = files.get(self.path) if self.command == "GET" else None
                kind, body = found or ("text/plain", b"")
                return self.answer(200 if found else 404, [("content-type", kind)], body)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            connection = http.client.HTTPConnection(api)
            passed = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            connection.request(self.command, self.path, body, passed)
            answer = connection.getresponse()
            own = ("content-length", "transfer-encoding", "connection", "date")
            self.answer(
                answer.status, [(n, v) for n, v in answer.getheaders() if n.lower() not in own], answer.read())

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://localhost:{server.server_address[1]}/"


class Api:
    """The server as its operator sees it."""

    def __init__(self, address):
        self.address = address

    def get(self, path):
        request = urllib.request.Request(f"http://{self.address}{path}", headers={"X-API-Key": KEY})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def row(self, upload_id):
        """Of the list; `None` of one that is not there."""
        rows = json.loads(self.get(f"{API}?limit=1000"))
        return next((row for row in rows if row["id"] == upload_id), None)

    def expect_file(self, upload_id, file):
        expect(f"{file.name}, as it was stored", self.get(f"{API}/{upload_id}/download") == file.read_bytes(), upload_id)
        expect(f"{file.name} is complete", self.row(upload_id)["upload_complete"], self.row(upload_id))


@contextlib.contextmanager
def serving(server, data):
    running = subprocess.Popen(
        [server, "--listen", "127.0.0.1:0", "--data", data, "--api-key", KEY, "--log", "error"],
        stdout=subprocess.PIPE, text=True)
    try:
        yield Api(running.stdout.readline().strip().removeprefix("listening on http://"))
    finally:
        running.send_signal(signal.SIGTERM)
        ended = running.wait()
    if ended != 0:
        sys.exit(f"the server ended with {ended}")


def choose(browser, page, file, script):
    """A new page, a file chosen in it, and what a script comes to."""
    browser.go(page)
    browser.choose("input", [file])
    return browser.run(f"(async () => {{ const file = document.querySelector('input').files[0]; {script} }})()")


def puts(browser):
    """How many times this page has sent bytes."""
    sent = (event["params"]["request"] for event in browser.events if event.get("method") == "Network.requestWillBeSent")
    return sum(request["method"] == "PUT" and "/store/" in request["url"] for request in sent)


def classes(browser, page, api, files):
    """The class API."""
    begin = f"""
        cloudUploads.initialiseUploadService({{
            api_key: "{KEY}", endpoint: "http://{api.address}{API}", worker_url: "/worker.js", providers: [cloudUploads.Amazon] }});
        window.seen = [];
        const [upload] = cloudUploads.uploadFiles([file]);
        upload.status.subscribe(state => seen.push(state));
        const until = wanted => new Promise(resolve => upload.status.subscribe(
            state => wanted(state) && resolve({{ id: upload.id, status: state.status, error: String(state.error), seen }})));
        const ended = until(state => ["complete", "error", "cancelled"].includes(state.status));
    """
    for file in files:
        ended = choose(browser, page, file, begin + "return ended")
        expect(f"{file.name} ends well", ended["status"] == "complete", ended)
        api.expect_file(ended["id"], file)

    # Paused when some parts are there, and gone: its page ends. The same file again goes on in a new one.
    large = files[-1]
    large.write_bytes(os.urandom(LARGE))
    upload_id = choose(browser, page, large, begin + """
        window.upload = upload;
        await Promise.race([ended, until(() => upload.id)]);
        return upload.id""")
    until = time.monotonic() + PATIENCE
    while max(api.row(upload_id)["part_list"], default=0) <= 4:
        expect("parts arrive", time.monotonic() < until, upload_id)
    browser.run("upload.pause()")
    row = api.row(upload_id)
    expect("it is paused", not row["upload_complete"] and row["part_data"], row)
    ended = choose(browser, page, large, begin + "return ended")
    expect("it goes on", (ended["id"], ended["status"]) == (upload_id, "complete"), [upload_id, ended])
    api.expect_file(upload_id, large)
    # What was in flight is sent again, as this client does: three, and one that it had not begun.
    sent, parts = puts(browser), -(-LARGE // PART)
    expect("not all is sent again", sent <= parts - min(row["part_list"]) + 1 and sent < parts, [sent, row])

    # It tells of the requests that it breaks off first.
    cancelled = choose(browser, page, large, begin + """
        await Promise.race([ended, until(() => upload.id)]);
        upload.cancel();
        return { id: upload.id, seen }""")
    expect("it is cancelled", any(state["status"] == "cancelled" for state in cancelled["seen"]), cancelled)
    until = time.monotonic() + PATIENCE
    while api.row(cancelled["id"]):
        expect("it is gone", time.monotonic() < until, cancelled)
    return f"{len(files)} files are what was sent; one was paused, and {sent} of {parts} parts were sent in a new page"


def functions(browser, page, api, files):
    """The function API."""
    begin = f"""
        cloudUploads.initUploads({{ api_key: "{KEY}", worker_url: "/worker.js" }});
        const upload = await cloudUploads.uploadFile(file);
        const until = wanted => new Promise(resolve => upload.state.subscribe(
            state => wanted(state) && resolve({{ id: upload.id, ...state }})));
        const ended = until(state => ["COMPLETED", "FAILED"].includes(state.status));
    """
    for file in files:
        ended = choose(browser, page, file, begin + "return ended")
        expect(f"{file.name} ends well", ended["status"] == "COMPLETED", ended)
        api.expect_file(ended["id"], file)

    large = files[-1]
    large.write_bytes(os.urandom(LARGE))
    ended = choose(browser, page, large, begin + """
        await Promise.race([ended, until(state => state.completed.length >= 2)]);
        upload.pause();
        await until(state => state.working.length === 0);
        upload.resume();
        return ended""")
    expect("it is paused and goes on", ended["status"] == "COMPLETED", ended)
    api.expect_file(ended["id"], large)
    sent, parts = puts(browser), -(-LARGE // PART)
    expect("nothing is sent again", sent == parts, sent)
    return f"{len(files)} files are what was sent, one was paused and went on"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--classes", required=True, type=pathlib.Path)
    parser.add_argument("--functions", type=pathlib.Path)
    parser.add_argument("--worker", required=True, type=pathlib.Path)
    parser.add_argument("--chromium", default="chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        browser = Browser(given.chromium, f"{directory}/profile")
        try:
            browser.call("Network.enable")
            for tried, client in ((classes, given.classes), (functions, given.functions)):
                if client is None:
                    continue
                files = [pathlib.Path(directory, f"größe {tried.__name__} {size}.bin") for size in SIZES]
                for file, size in zip(files, SIZES):
                    file.write_bytes(os.urandom(size))
                with serving(given.server, f"{directory}/{tried.__name__}") as api:
                    page = page_server(client.read_bytes(), given.worker.read_bytes(), api.address)
                    print(f"cloud-uploads, {tried.__doc__.lower()[:-1]}:", tried(browser, page, api, files))
        finally:
            browser.end()


if __name__ == "__main__":
    main()
