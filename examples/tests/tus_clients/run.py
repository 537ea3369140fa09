#!/usr/bin/env python3
"""The clients of npm and PyPI against the real server, through a proxy that cuts each connection after a few MiB.

    python3 examples/tests/tus_clients/run.py --server target/debug/upload-server --node node.mjs --bundle bundle.js

`run.sh` installs them and calls this.
"""

import argparse
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "activestorage"))
import pypi  # noqa: E402
from browser import Browser, expect  # noqa: E402
from proxy import Proxy  # noqa: E402
from serving import Server  # noqa: E402

KEY = "tus-clients-test-key"
MIB = 1 << 20
# After so many bytes of its client a connection is cut: `LONGEST` of clients.mjs is the most.
ROUGH = (2 * MIB + MIB // 2, 5 * MIB)


def page_server(script):
    """A page of another origin than the API's."""
    files = {"/": ("text/html", b"<!doctype html><script src=/bundle.js></script>"), "/bundle.js": ("text/javascript", script)}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, body = files.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in files else 404)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://localhost:{server.server_address[1]}/"


def in_chromium(chromium, directory, bundle, *where):
    browser = Browser(chromium, f"{directory}/profile")
    try:
        browser.go(page_server(bundle.read_bytes()))
        print("chromium:", browser.run(f"runClients(...{json.dumps(where)})"))
    finally:
        browser.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--node", required=True)
    parser.add_argument("--bundle", required=True, type=pathlib.Path)
    parser.add_argument("--chromium", default="chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        with Server(given.server, f"{directory}/data", "--api-key", KEY) as server:
            proxy = Proxy(server.address, rough=ROUGH)
            where = (f"{proxy.url}/files", f"http://{server.address}", KEY)
            for clients in (
                lambda: subprocess.run(["node", given.node, *where], check=True),
                lambda: in_chromium(given.chromium, directory, given.bundle, *where),
                lambda: pypi.run(*where, directory),
            ):
                before = proxy.cuts
                clients()
                expect("connections were cut", proxy.cuts > before, proxy.cuts)
                print(f"  {proxy.cuts - before} connections were cut")


if __name__ == "__main__":
    main()
