"""Runs the programs of the API pages with their address, key and file put in, and looks at what the server has then.

    python3 examples/tests/pages/run.py target/debug/upload-server
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import requests
from serving import KEY, MEDIA, expect, serving

HERE = pathlib.Path(__file__).resolve().parent


def program(name, **replaced):
    """What a page's program prints, with these texts of it replaced."""
    text = (HERE / name).read_text()
    for old, new in replaced["replaced"]:
        expect(f"{name} has {old}", old in text, text)
        text = text.replace(old, new)
    ran = subprocess.run([sys.executable, "-"], input=text, capture_output=True, text=True)
    expect(f"{name} runs", ran.returncode == 0, ran.stderr)
    return ran.stdout


def pixlab(base):
    file = MEDIA / "rgb.png"
    replaced = [("https://api.pixlab.io", base), ("./local_image.png", str(file)), ("My_PIXLAB_API_KEY", KEY)]
    said = program("pixlab.py", replaced=replaced)
    link = said.strip().removeprefix("Uploaded image link: ")
    got = requests.get(link)
    expect("the link gives the image to anybody", got.content == file.read_bytes(), (said, got.status_code))
    expect("its type", got.headers["content-type"] == "image/png", got.headers)
    said = program("pixlab.py", replaced=[*replaced[:2], ("My_PIXLAB_API_KEY", "wrong")])
    expect("a wrong key", said.startswith("Error uploading image") and "403" in said, said)


def wickson(base, data):
    file = MEDIA / "three_pages.pdf"
    replaced = [("https://api.wickson.ai", base), ("research_paper.pdf", str(file)), ("YOUR_API_KEY", KEY)]
    said = program("wickson.py", replaced=replaced)
    pattern = r"Uploaded: three_pages.pdf\nMedia ID: doc_[0-9a-f-]{36}\nType: document\nCollection: research\nCost: \$0.04\n(Summary: .*\n)?"
    expect("what it prints", re.fullmatch(pattern, said), said)
    again = program("wickson.py", replaced=replaced)
    expect("a second time", again == "File already exists. Use force_overwrite=true to replace it.\n", again)

    def post(name, **fields):
        with open(MEDIA / name, "rb") as content:
            return requests.post(
                f"{base}/v1/media", headers={"X-Api-Key": KEY}, files={"file": (name, content)}, data=fields).json()

    told = post("three_pages.pdf", collection_id="research", force_overwrite="true")["data"]
    expect("the same id", told["media_id"] in said, told)
    expect("pages", told["file_details"]["page_count"] == 3, told)
    balance = told["balance_info"]
    expect("two uploads are charged", balance == {
        "previous_balance": 999999.96, "cost": 0.04, "new_balance": 999999.92}, json.dumps(balance))
    for name, measured in [
        ("rgb.jpg", {"color_mode": "RGB"}),
        ("stereo.wav", {"channels": 2}),
        ("faststart.mp4", {}),
        ("scene.glb", {}),
    ]:
        details = post(name)["data"]["file_details"]
        expect(name, details.items() >= measured.items() and len(details) > 4, details)
    kept = [path for path in (pathlib.Path(data) / "blobs").rglob("*") if path.is_file() and path.name != "lock"]
    sizes = {path.stat().st_size for path in kept}
    expect("no content is kept", not sizes & {file.stat().st_size}, kept)


def main():
    with tempfile.TemporaryDirectory() as data, serving(sys.argv[1], data) as base:
        pixlab(base)
        wickson(base, data)
    print("the programs of both pages do what they say")


main()
