"""The real server, started, killed and stopped."""

import signal
import subprocess
import sys


class Server:
    """A server over this directory; `address` is its HOST:PORT."""

    def __init__(self, program, data, *arguments):
        self.command = [program, "--listen", "127.0.0.1:0", "--data", str(data), "--log", "error", *arguments]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline().strip()
        if not first.startswith("listening on http://"):
            sys.exit(f"{self.command} did not start: {first!r}")
        self.address = first.removeprefix("listening on http://")

    def kill(self):
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        ended = self.process.wait()
        if ended != 0 and not sys.exc_info()[0]:
            sys.exit(f"the server ended with {ended}")
