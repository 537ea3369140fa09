"""Uploads documents to servers with and without a model, and looks at the vectors in their answers.

    python3 examples/tests/minilm/run.py --model DIR --without target/minilm/upload-server-without --with target/debug/upload-server

The configuration is the README's, with the model's directory put in. `run.sh` builds the servers and calls this.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pages"))
from serving import KEY, MEDIA, command, expect, serving  # noqa: E402

ROOT = HERE.parents[2]
# About the growing of fruit, all of them.
DOCUMENTS = ["report.docx", "three_pages.pdf", "utf8.txt"]
DIMENSIONS = 384
BOUNDARY = "cut-here"


def configuration(model):
    """The README's block with a model, and the SHA-256 that it gives for the weights."""
    blocks = [block.split("```")[0] for block in (ROOT / "README.md").read_text().split("```toml\n")[1:]]
    [text] = [block for block in blocks if "[minilm]" in block]
    before = 'directory = "/var/lib/all-MiniLM-L6-v2"'
    expect("the README's directory", before in text, text)
    weights = text.split('weights = "')[1].split('"')[0]
    return text.replace(before, f'directory = "{model}"'), weights


def upload(base, name, collection, wanted):
    """The answer to a file in a form; whether vectors are wanted stands in the query."""
    head = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="collection_id"\r\n\r\n{collection}\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
    body = head.encode() + (MEDIA / name).read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    request = urllib.request.Request(f"{base}/v1/media?include_vectors={str(wanted).lower()}", body, {
        "X-Api-Key": KEY, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["data"]


def refused(what, code, says, server, data, *options):
    """A server that does not start."""
    ran = subprocess.run(command(server, data, *options), capture_output=True, text=True)
    expect(what, ran.returncode == code and says in ran.stderr, (ran.returncode, ran.stderr))


def is_vector(numbers):
    length = math.sqrt(sum(number * number for number in numbers))
    return len(numbers) == DIMENSIONS and abs(length - 1) < 1e-5


def vectors(server, data, config, weights):
    with serving(server, data, "--config", config) as base:
        combined = []
        for name in DOCUMENTS:
            told = upload(base, name, "wanted", True)
            found = told["vectors"]
            expect(f"the vector of {name}", is_vector(found["combined"]), found)
            expect("those of its chunks", all(is_vector(chunk["vector"]) for chunk in found["chunks"]), found)
            stored = told["storage_info"]["vectors_stored"]
            expect("how many are stored", stored == len(found["chunks"]) >= 1, told["storage_info"])
            expect("which model", found["model"] == weights, found["model"])
            combined.append(found["combined"])
            silent = upload(base, name, "unwanted", False)
            expect("not unless they are wanted", "vectors" not in silent, silent)
            expect("they are stored all the same", silent["storage_info"]["vectors_stored"] == stored, silent)
        expect("each its own", all(one != other for one, other in zip(combined, combined[1:])), "the same")
        absent(upload(base, "rgb.jpg", "wanted", True))


def absent(told):
    expect("no vectors", "vectors" not in told and told["storage_info"]["vectors_stored"] == 0, told)


def main():
    arguments = argparse.ArgumentParser()
    for name in ("--model", "--without", "--with"):
        arguments.add_argument(name, required=True)
    given = vars(arguments.parse_args())
    text, weights = configuration(pathlib.Path(given["model"]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        config, wrong = pathlib.Path(folder) / "minilm.toml", pathlib.Path(folder) / "wrong.toml"
        config.write_text(text)
        wrong.write_text(text.replace(weights, "0" * 64))

        says = "a build with the feature minilm"
        refused("vectors without the feature", 2, says, given["without"], f"{folder}/a", "--config", config)
        with serving(given["without"], f"{folder}/b") as base:
            for name in DOCUMENTS:
                absent(upload(base, name, "wanted", True))

        says = "model.safetensors has the SHA-256"
        refused("another model", 1, says, given["with"], f"{folder}/c", "--config", wrong)
        vectors(given["with"], f"{folder}/d", config, weights)
    print(f"documents have vectors of {DIMENSIONS} numbers, and none without the model")


main()
