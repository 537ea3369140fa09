import hashlib
import json
import urllib.request
import os

UPLOAD_ENDPOINT = "https://example.picomes.io/uploads"
API_TOKEN = "YOUR_API_TOKEN"
CHUNK_SIZE = 5 * 1024 * 1024  # 5 MB chunks

def upload_video_chunked(file_path, destination_id="stepVideo"):
    """Upload a large video file in chunks."""
    filename = os.path.basename(file_path)
    file_size = os.path.getsize(file_path)

    # Calculate SHA-256
    sha256 = hashlib.sha256()
    with open(file_path, "rb") as f:
        for chunk in iter(lambda: f.read(8192), b""):
            sha256.update(chunk)
    file_sha = sha256.hexdigest()

    # Create stream
    create_payload = json.dumps({
        "destinationId": destination_id,
        "fileName": filename,
        "fileSize": file_size,
        "sha": file_sha
    }).encode()

    req = urllib.request.Request(
        UPLOAD_ENDPOINT,
        data=create_payload,
        headers={
            "Content-Type": "application/json",
            "x-pico-api-org": API_TOKEN
        }
    )

    with urllib.request.urlopen(req) as resp:
        stream_data = json.loads(resp.read().decode())

    stream_id = stream_data["streamId"]

    # Calculate total chunks
    total_chunks = (file_size + CHUNK_SIZE - 1) // CHUNK_SIZE

    # Send chunks
    with open(file_path, "rb") as f:
        for chunk_index in range(total_chunks):
            chunk_data = f.read(CHUNK_SIZE)

            boundary = "----PythonChunkBoundary"
            body = []

            body.append(f"--{boundary}".encode())
            body.append(b'Content-Disposition: form-data; name="chunkIndex"')
            body.append(b"")
            body.append(str(chunk_index).encode())

            body.append(f"--{boundary}".encode())
            body.append(b'Content-Disposition: form-data; name="totalChunks"')
            body.append(b"")
            body.append(str(total_chunks).encode())

            body.append(f"--{boundary}".encode())
            body.append(b'Content-Disposition: form-data; name="file"; filename="chunk.bin"')
            body.append(b"Content-Type: application/octet-stream")
            body.append(b"")
            body.append(chunk_data)

            body.append(f"--{boundary}--".encode())
            body.append(b"")

            payload = b"\r\n".join(body)

            req = urllib.request.Request(
                f"{UPLOAD_ENDPOINT}/{stream_id}",
                data=payload,
                headers={
                    "Content-Type": f"multipart/form-data; boundary={boundary}",
                    "x-pico-api-org": API_TOKEN
                },
                method="PATCH"
            )

            with urllib.request.urlopen(req) as resp:
                result = json.loads(resp.read().decode())
                print(f"Chunk {chunk_index + 1}/{total_chunks} uploaded")

                if "path" in result:
                    return result["path"]

    return None
