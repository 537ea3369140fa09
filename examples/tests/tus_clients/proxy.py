"""A proxy before the server that breaks connections: by seeded chance, or when its test says so."""

import contextlib
import random
import socket
import struct
import threading


class Proxy:
    """Listens on a port of its own and passes bytes on to `to`, which may change meanwhile. With `rough`, each connection is cut
    when so many bytes of the client were passed on, drawn from this range; every other cut is a reset."""

    def __init__(self, to, rough=None, seed=1):
        self.to, self.rough = to, rough
        self.changed = threading.Condition()
        self.passed, self.cuts, self.most = 0, 0, None
        self.open = set()
        self.chance = random.Random(seed)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            client, _ = listener.accept()
            left = self.chance.randrange(*self.rough) if self.rough else None
            threading.Thread(target=self.connection, args=(client, left), daemon=True).start()

    def connection(self, client, left):
        host, port = self.to.rsplit(":", 1)
        try:
            server = socket.create_connection((host, int(port)))
        except OSError:
            client.close()
            return
        both = (client, server)
        self.open.add(both)
        threading.Thread(target=self.back, args=both, daemon=True).start()
        with contextlib.suppress(OSError):
            while data := client.recv(min(1 << 16, left or 1 << 16)):
                with self.changed:
                    self.changed.wait_for(lambda: self.most is None or self.passed < self.most or both not in self.open)
                server.sendall(data)
                with self.changed:
                    self.passed += len(data)
                    self.changed.notify_all()
                if left is not None and (left := left - len(data)) == 0:
                    self.cuts += 1
                    return self.close(both, reset=self.cuts % 2 == 0)
            server.shutdown(socket.SHUT_WR)
            return
        self.close(both)

    def back(self, client, server):
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return
        self.close((client, server))

    def close(self, both, reset=False):
        self.open.discard(both)
        for end in both:
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # Wakes whoever reads from it; a close alone does not.
                else:
                    end.shutdown(socket.SHUT_RDWR)
            end.close()

    def sever(self):
        """Cuts every connection."""
        for both in list(self.open):
            self.close(both)
        with self.changed:
            self.changed.notify_all()

    def hold(self, more):
        """Passes so many bytes of clients on, and no more until `let_go`."""
        with self.changed:
            self.most = self.passed + more

    def held(self, patience):
        """Waits until so many have passed."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.passed >= self.most, patience):
                raise TimeoutError(f"{self.passed} bytes of {self.most} came within {patience} seconds")

    def let_go(self):
        with self.changed:
            self.most = None
            self.changed.notify_all()
