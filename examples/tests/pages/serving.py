"""The real server in a data directory of its own, for tests that are programs."""

import contextlib
import pathlib
import signal
import subprocess
import sys

MEDIA = pathlib.Path(__file__).resolve().parents[3] / "upload-media" / "tests" / "media" / "ok"
KEY = "key-of-the-tests"


def expect(what, holds, found):
    if not holds:
        sys.exit(f"{what}: {found}")


def command(server, data, *options):
    return [server, "--listen", "127.0.0.1:0", "--data", data, "--api-key", KEY, "--log", "error", *options]


@contextlib.contextmanager
def serving(server, data, *options):
    """Gives its address, stops it, and looks at how it ended."""
    running = subprocess.Popen(command(server, data, *options), stdout=subprocess.PIPE, text=True)
    try:
        first = running.stdout.readline().strip()
        expect("the server starts", first.startswith("listening on "), first)
        yield first.removeprefix("listening on ")
    finally:
        running.send_signal(signal.SIGTERM)
        ended = running.wait()
    expect("the server ends well", ended == 0, ended)
