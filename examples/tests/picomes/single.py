import json
import urllib.request
import os

UPLOAD_ENDPOINT = "https://example.picomes.io/uploads"
API_TOKEN = "YOUR_API_TOKEN"

def upload_image(file_path, destination_id="stepImage"):
    """Upload an image and return the resulting path."""
    import mimetypes

    boundary = "----PythonFormBoundary7MA4YWxkTrZu0gW"
    filename = os.path.basename(file_path)
    content_type = mimetypes.guess_type(file_path)[0] or "application/octet-stream"

    with open(file_path, "rb") as f:
        file_data = f.read()

    # Build multipart form data
    body = []

    # destinationId field
    body.append(f"--{boundary}".encode())
    body.append(b'Content-Disposition: form-data; name="destinationId"')
    body.append(b"")
    body.append(destination_id.encode())

    # file field
    body.append(f"--{boundary}".encode())
    body.append(f'Content-Disposition: form-data; name="file"; filename="{filename}"'.encode())
    body.append(f"Content-Type: {content_type}".encode())
    body.append(b"")
    body.append(file_data)

    body.append(f"--{boundary}--".encode())
    body.append(b"")

    payload = b"\r\n".join(body)

    req = urllib.request.Request(
        UPLOAD_ENDPOINT,
        data=payload,
        headers={
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "x-pico-api-org": API_TOKEN
        }
    )

    with urllib.request.urlopen(req) as resp:
        data = json.loads(resp.read().decode())
        return data.get("path", "")

# Usage
path = upload_image("/path/to/step_image.jpg")
print(f"Uploaded to: {path}")
