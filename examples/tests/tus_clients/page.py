#!/usr/bin/env python3
"""Headless Chromium uses the page at `/` of the real server.

    python3 examples/tests/tus_clients/page.py [--server target/debug/upload-server] [--chromium chromium]
    python3 examples/tests/tus_clients/page.py --screenshot docs/upload-page.png

It gives the key, chooses files and drops one, pauses, resumes; meanwhile connections are cut, and the server is killed with
SIGKILL in the middle and started again. The page goes on by itself, and what it has sent is not sent again. It shows digest and
link; behind the link are the file's bytes. Then another page goes on with what one left.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import re
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "activestorage"))
from browser import Browser, expect  # noqa: E402
from proxy import Proxy  # noqa: E402
from serving import Server  # noqa: E402

KEY = "page-test-key"
MIB = 1 << 20
# A guard against what never comes; nothing is measured with it.
PATIENCE = 60
# What the page shows of the newest upload.
SHOWN = """(() => {
    const row = document.querySelector("#uploads li"), text = name => row.querySelector(name)?.textContent
    return row && {
        name: text(".name"), kind: row.className, state: text(".state"), figures: text(".figures"), pause: text(".pause"),
        digest: text(".digest"), same: text(".same"), link: row.querySelector(".link")?.href,
        rows: document.querySelectorAll("#uploads li").length }
})()"""


def until(browser, what, condition, script=SHOWN):
    """Waits until the page shows it; what it shows then."""
    end = time.monotonic() + PATIENCE
    while True:
        shown = browser.run(script)
        if shown and condition(shown):
            return shown
        expect(what, time.monotonic() < end, shown)


def press(browser, button):
    browser.run(f"document.querySelector('#uploads li {button}').click()")


def complete(browser, file):
    """Waits until it is complete, and looks at it: the digest, and what is behind the link."""
    shown = until(browser, f"{file.name} becomes complete", lambda shown: shown["kind"] == "done" and shown["same"])
    content = file.read_bytes()
    expect("its digest is shown", shown["digest"] == hashlib.sha256(content).hexdigest(), shown)
    expect("it was compared with the file", shown["same"] == "as the file here", shown)
    with urllib.request.urlopen(shown["link"]) as answer:
        expect("behind the link is what was sent", answer.read() == content, shown)


def new_file(directory, name, size):
    file = pathlib.Path(directory, name)
    file.write_bytes(os.urandom(size))
    return file


def key_is_asked_for(browser, proxy, file):
    until(browser, "a key is asked for", bool, "!document.querySelector('#key-form').hidden")
    give_key(browser, "wrong")
    browser.choose("#files", [file])
    until(browser, "it is not taken", lambda shown: shown["kind"] == "failed")
    said = browser.run("document.querySelector('#key-said').textContent")
    expect("and why", said == "The server does not know this key.", said)
    give_key(browser, KEY)
    press(browser, ".pause")
    complete(browser, file)


def give_key(browser, key):
    browser.run(f"""{{ const field = document.querySelector("#key"); field.value = {json.dumps(key)};
        field.dispatchEvent(new Event("input")) }}""")


def goes_on(browser, proxy, server, file):
    """Through a cut, a pause and the end of the server, each in the middle, where the page has to wait."""
    size, before = file.stat().st_size, proxy.passed
    proxy.hold(6 * MIB)
    browser.choose("#files", [file])
    proxy.held(PATIENCE)
    proxy.hold(6 * MIB)
    proxy.sever()
    proxy.held(PATIENCE)

    press(browser, ".pause")
    shown = until(browser, "it is paused", lambda shown: shown["state"] == "Paused")
    expect("it can go on", shown["pause"] == "Resume", shown)
    proxy.hold(6 * MIB)
    press(browser, ".pause")
    proxy.held(PATIENCE)

    server.kill()
    proxy.sever()
    until(browser, "it waits", lambda shown: "again" in shown["state"])
    server.start()
    proxy.to = server.address
    proxy.let_go()
    complete(browser, file)
    sent = proxy.passed - before
    # Once for each of the three: what was under way in buffers, and of the kill one checkpoint.
    expect("little was sent again", sent < size + 24 * MIB and sent < 2 * size, [sent, size])
    return sent - size


def begun(address):
    """How many uploads the server has begun."""
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        return int(re.search(r"^upload_begun_total (\d+)$", answer.read().decode(), re.MULTILINE)[1])


def another_page_goes_on(browser, proxy, file):
    """The tab is closed in the middle; the same file chosen in another one is the same upload."""
    tab = browser.tab()
    browser.go(f"{proxy.url}/")
    give_key(browser, KEY)
    proxy.hold(10 * MIB)
    browser.choose("#files", [file])
    proxy.held(PATIENCE)
    browser.call("Target.closeTarget", targetId=tab)
    proxy.let_go()
    before = begun(proxy.to)

    browser.tab()
    browser.call("Log.enable")
    browser.go(f"{proxy.url}/")
    give_key(browser, KEY)
    browser.choose("#files", [file])
    complete(browser, file)
    now = begun(proxy.to)
    expect("no other upload was begun", now == before > 0, (before, now))


def drops(browser, proxy, directory):
    """Two files dropped at once; another one removed in the middle is gone from the server too."""
    expect("dropped", browser.run("""(() => {
        const data = new DataTransfer()
        for (const name of ["one.txt", "two.txt"]) data.items.add(new File([name], name))
        return !document.querySelector("#drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }))
    })()"""), None)
    done = "[...document.querySelectorAll('#uploads li.done .name')].map(name => name.textContent)"
    until(browser, "both are complete", lambda names: {"one.txt", "two.txt"} <= set(names), done)

    proxy.hold(3 * MIB)
    browser.choose("#files", [new_file(directory, "removed.bin", 12 * MIB)])
    proxy.held(PATIENCE)
    url = browser.run("JSON.parse(Object.entries(localStorage).find(([key]) => key.includes('removed.bin'))[1]).uploadUrl")
    proxy.let_go()
    press(browser, ".remove")
    until(browser, "its row is gone", lambda shown: shown["name"] != "removed.bin")
    request = urllib.request.Request(url, method="HEAD", headers={"Authorization": f"Bearer {KEY}"})
    with contextlib.suppress(urllib.error.HTTPError):
        with urllib.request.urlopen(request) as answer:
            sys.exit(f"what was removed is there: {answer.status}")


def take_screenshot(browser, directory, server, to):
    """The page in the middle of something, small enough for a README."""
    with Server(server, f"{directory}/open", "--open-tus") as running:
        proxy = Proxy(running.address)
        browser.call("Emulation.setDeviceMetricsOverride", width=760, height=780, deviceScaleFactor=1, mobile=False)
        browser.go(f"{proxy.url}/")
        hidden = browser.run("document.querySelector('#key-form').hidden")
        expect("no key is asked for", hidden, hidden)
        for name, size in (("holiday.jpg", 3 * MIB), ("report.pdf", 700_000)):
            file = new_file(directory, name, size)
            browser.choose("#files", [file])
            complete(browser, file)
        proxy.hold(34 * MIB)
        browser.choose("#files", [new_file(directory, "film.mp4", 80 * MIB)])
        proxy.held(PATIENCE)
        until(browser, "it has a speed", lambda shown: "left" in shown["figures"])
        shot = browser.call("Page.captureScreenshot", format="png")
        to.write_bytes(base64.b64decode(shot["data"]))
        expect("it is small", to.stat().st_size <= 150_000, to.stat().st_size)
        print(f"{to}: {to.stat().st_size} bytes")
        proxy.let_go()
        press(browser, ".remove")


def no_complaints(browser):
    """The page's policy refused nothing of it, and it threw nothing."""
    bad = [event for event in browser.events if event.get("method") == "Runtime.exceptionThrown"
           or re.search("Content Security Policy|Refused to", json.dumps(event))]
    expect("no complaints", not bad, bad)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=str(ROOT / "target/debug/upload-server"))
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--screenshot", type=pathlib.Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        browser = Browser(given.chromium, f"{directory}/profile")
        try:
            browser.call("Log.enable")
            if given.screenshot:
                return take_screenshot(browser, directory, given.server, given.screenshot)
            with Server(given.server, f"{directory}/data", "--api-key", KEY) as server:
                proxy = Proxy(server.address)
                browser.go(f"{proxy.url}/")
                key_is_asked_for(browser, proxy, new_file(directory, "größe 1.bin", 1))
                again = goes_on(browser, proxy, server, new_file(directory, "large.bin", 40 * MIB))
                another_page_goes_on(browser, proxy, new_file(directory, "left.bin", 24 * MIB))
                drops(browser, proxy, directory)
                no_complaints(browser)
        finally:
            browser.end()
    print(f"the page: went on through a cut, a pause and a kill of the server, {again} bytes were sent again")


if __name__ == "__main__":
    main()
