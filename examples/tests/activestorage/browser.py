#!/usr/bin/env python3
"""Headless Chromium fills in the form of examples/direct_upload_form with the npm client @rails/activestorage.

    python3 examples/tests/activestorage/browser.py --server target/debug/direct_upload_form --client …/activestorage.esm.js

It chooses real files of 0 bytes, 1 byte, 5 MiB and 60 MB, sends the form, and compares what the links of the answer lead to,
as the page sees it and as any client does. Once the uploads go to the form's own origin, once to another one. `run.sh`
installs the client and calls this.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

SIZES = [0, 1, 5 << 20, 60_000_000]
# A guard against a browser that never answers; nothing is measured with it.
PATIENCE = 120


class Browser:
    """Chromium and one page of it, over the pipes of its debugging protocol."""

    def __init__(self, chromium, profile):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        arguments = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        # The protocol's pipes are 3 and 4.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "browser", *arguments],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(commands)
        os.close(answers)
        self.received, self.events, self.last, self.session = b"", [], 0, None
        self.tab()

    def tab(self):
        """A new tab, which is the one that is used from then on; its id."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "DOM"):
            self.call(f"{domain}.enable")
        return target

    def message(self, until):
        while b"\0" not in self.received:
            if not select.select([self.answers], [], [], max(0, until - time.monotonic()))[0]:
                sys.exit(f"the browser said nothing for {PATIENCE} seconds")
            data = os.read(self.answers, 1 << 16)
            if not data:
                sys.exit(f"the browser ended with {self.process.wait()}")
            self.received += data
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.last += 1
        command = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            message = self.message(until)
            if message.get("id") == self.last:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def loaded(self):
        """Waits until a page is loaded that was not before."""
        until = time.monotonic() + PATIENCE
        while True:
            message = self.events.pop(0) if self.events else self.message(until)
            if message.get("method") == "Page.loadEventFired":
                return

    def go(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        self.loaded()

    def run(self, script):
        """What a script comes to, also later."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            sys.exit(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def choose(self, selector, files):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def end(self):
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def serving(server, client, more):
    running = subprocess.Popen(
        [server, "--client", client, "--listen", "127.0.0.1:0", *more], stdout=subprocess.PIPE, text=True)
    try:
        form = running.stdout.readline().strip().removeprefix("the form is on ")
        api = running.stdout.readline().strip().removeprefix("uploads go to ")
        yield form, api
    finally:
        running.send_signal(signal.SIGINT)
        ended = running.wait()
    if ended != 0:
        sys.exit(f"the example ended with {ended}")


# Keeps what the library tells while a form is sent, beyond the page that sends it.
LISTEN = """
sessionStorage.told = "[]"
for (const name of ["initialize", "start", "before-blob-request", "before-storage-request", "progress", "end", "error"])
  addEventListener(`direct-upload:${name}`, ({ detail }) => {
    const told = JSON.parse(sessionStorage.told)
    told.push({ name, file: detail.file.name, progress: detail.progress, error: detail.error })
    sessionStorage.told = JSON.stringify(told)
  })
"""

# What the links of the answer lead to, as this page sees it.
LINKS = """
Promise.all([...document.querySelectorAll("li a")].map(async link => {
  const bytes = await (await fetch(link.href)).arrayBuffer()
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  const hex = [...digest].map(byte => byte.toString(16).padStart(2, "0")).join("")
  return { name: link.textContent, url: link.href, size: bytes.byteLength, sha256: hex }
}))
"""


def expect(what, condition, seen):
    if not condition:
        sys.exit(f"{what}: {json.dumps(seen)}")


def send_form(browser, form, files):
    browser.go(form)
    browser.run(LISTEN)
    browser.choose("input[type=file]", files)
    browser.events.clear()
    browser.run("document.querySelector('button').click()")
    browser.loaded()
    told = json.loads(browser.run("sessionStorage.told"))
    expect("the form is answered", browser.run("location.pathname") == "/files", told)
    links = browser.run(LINKS)
    expect("a link for each file", [link["name"] for link in links] == [file.name for file in files], links)
    for file, link in zip(files, links):
        content = file.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        expect("the page reads what was sent", (link["size"], link["sha256"]) == (len(content), sha256), link)
        with urllib.request.urlopen(link["url"]) as answer:
            expect("anybody with the link does", answer.read() == content, link)
        names = [event["name"] for event in told if event["file"] == file.name]
        for name in ("start", "before-blob-request", "before-storage-request", "end"):
            expect(f"one {name} of {file.name}", names.count(name) == 1, names)
        expect(f"no error of {file.name}", "error" not in names, told)
        progress = [event["progress"] for event in told if event["file"] == file.name and event["name"] == "progress"]
        # Between 90 and 100 the library only guesses, and may still do so after the end.
        expect(f"progress of {file.name}", not content or 100 in progress, progress)


def meet_errors(browser, form, file):
    """A status of an error is seen, also from another origin, and the form is not sent."""
    for name, header, said in (
        ("before-blob-request", "Authorization", f'Error creating Blob for "{file.name}". Status: 401'),
        ("before-storage-request", "Content-Type", f'Error storing "{file.name}". Status: 422'),
    ):
        browser.go(form)
        browser.choose("input[type=file]", [file])
        # A second value makes it a wrong one.
        error = browser.run(f"""new Promise(resolve => {{
            addEventListener("direct-upload:{name}", ({{ detail }}) => detail.xhr.setRequestHeader("{header}", "x"))
            addEventListener("direct-upload:error", ({{ detail }}) => resolve(detail.error))
            document.querySelector("button").click()
        }})""")
        expect("the error", error == said, error)
        shown = browser.run("document.querySelector('output').value")
        expect("the error is shown", shown == said and browser.run("location.pathname") == "/", shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--chromium", default="chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        files = [pathlib.Path(directory, f"größe {size}.bin") for size in SIZES]
        for file, size in zip(files, SIZES):
            file.write_bytes(os.urandom(size))
        browser = Browser(given.chromium, f"{directory}/profile")
        try:
            for name, more in (("same origin", []), ("cross origin", ["--api-listen", "127.0.0.1:0"])):
                with serving(given.server, given.client, more) as (form, api):
                    expect(name, (form == api) == (not more), [form, api])
                    send_form(browser, form, files)
                    meet_errors(browser, form, files[1])
                print(f"chromium, {name}: {len(files)} files are what was sent, errors have their status")
        finally:
            browser.end()


if __name__ == "__main__":
    main()
