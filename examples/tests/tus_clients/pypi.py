"""What the clients tuspy and aiotus do, through a proxy that cuts connections after some MiB, and what the server has then."""

import asyncio
import base64
import hashlib
import io
import logging
import os
import pathlib
import urllib.parse
import urllib.request

import aiotus
from tusclient import client as tuspy
from tusclient.storage import filestorage

MIB = 1 << 20


class Server:
    """The server itself, past the proxy."""

    def __init__(self, api, key):
        self.api, self.headers = api, {"Authorization": f"Bearer {key}"}

    def ask(self, method, url):
        path = urllib.parse.urlsplit(str(url)).path
        headers = {**self.headers, "Tus-Resumable": "1.0.0"}
        return urllib.request.urlopen(urllib.request.Request(self.api + path, method=method, headers=headers))

    def expect(self, name, url, content):
        """That it has these bytes."""
        assert url, f"{name} was not uploaded"
        with self.ask("HEAD", url) as answer:
            told = answer.headers
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        assert told["Upload-Offset"] == told["Upload-Length"] == str(len(content)), f"{name}: {told}"
        assert f"sha-256=:{digest}:" in told["Repr-Digest"], f"{name}: {told}"
        with self.ask("GET", url) as answer:
            assert answer.read() == content, f"{name} is not what was sent"
        return told


def by_tuspy(server, endpoint, directory):
    client = tuspy.TusClient(f"{endpoint}/", headers=server.headers)
    content = os.urandom(12 * MIB + 1)
    file = pathlib.Path(directory, "größe.bin")
    file.write_bytes(content)
    usual = {"retries": 20, "retry_delay": 0, "chunk_size": 2 * MIB}

    one = client.uploader(str(file), metadata={"empty": "", "filename": "größe.bin"}, **usual)
    one.upload()
    told = server.expect("tuspy's", one.url, content)
    name = base64.b64encode("größe.bin".encode()).decode()
    assert told["Upload-Metadata"] == f"empty ,filename {name}", told["Upload-Metadata"]

    one = client.uploader(str(file), upload_checksum=True, **usual)
    one.upload()
    server.expect("tuspy's with checksums", one.url, content)

    # All of it in one request, which is longer than any connection lives.
    one = client.uploader(file_stream=io.BytesIO(content), **usual | {"chunk_size": 1 << 40})
    one.upload()
    server.expect("tuspy's in one request", one.url, content)

    # Its file, found again by another one.
    storage = {"store_url": True, "url_storage": filestorage.FileStorage(str(pathlib.Path(directory, "urls.json")))}
    first = client.uploader(str(file), **storage, **usual)
    first.upload(stop_at=5 * MIB)
    second = client.uploader(str(file), **storage, **usual)
    assert (second.url, second.offset) == (first.url, 5 * MIB), [second.url, first.url, second.offset]
    second.upload()
    server.expect("tuspy's, found again", second.url, content)

    one = client.async_uploader(str(file), **usual)
    asyncio.run(one.upload())
    server.expect("tuspy's asynchronous", one.url, content)

    one = client.uploader(file_stream=io.BytesIO(b""), **usual)
    one.upload()
    server.expect("tuspy's of no bytes", one.url, b"")
    return "metadata, checksums, one request, resumed from a file, asynchronous, of no bytes"


async def by_aiotus(server, endpoint):
    usual = {
        "headers": server.headers,
        "config": aiotus.RetryConfiguration(retry_attempts=30, max_retry_period_seconds=0.01),
    }
    content = os.urandom(14 * MIB + 3)
    metadata = {"filename": "größe.bin".encode(), "flag": None, "bytes": bytes(range(256))}
    for chunk in (3 * MIB, 1 << 40):
        url = await aiotus.upload(endpoint, io.BytesIO(content), metadata, chunksize=chunk, **usual)
        server.expect("aiotus's", url, content)
        assert await aiotus.metadata(url, **usual) == metadata, url

    parts = [content[:6 * MIB], content[6 * MIB:6 * MIB], content[6 * MIB:]]
    url = await aiotus.upload_multiple(endpoint, [io.BytesIO(part) for part in parts], metadata, **usual)
    told = server.expect("aiotus's parts", url, content)
    assert told["Upload-Concat"].startswith("final;"), told
    assert await aiotus.metadata(url, **usual) == metadata, url
    return "metadata of any bytes, chunks, one request, parts"


def run(endpoint, api, key, directory):
    # It tells of each connection that was cut.
    logging.getLogger("aiotus").setLevel(logging.ERROR)
    server = Server(api, key)
    print("tuspy:", by_tuspy(server, endpoint, directory))
    print("aiotus:", asyncio.run(by_aiotus(server, endpoint)))
