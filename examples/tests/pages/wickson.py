import requests

# Configuration
api_key = "YOUR_API_KEY"
file_path = "research_paper.pdf"

# Upload media file
with open(file_path, "rb") as file:
    response = requests.post(
        "https://api.wickson.ai/v1/media",
        headers={"X-Api-Key": api_key},
        files={"file": file},
        data={
            "collection_id": "research",
            "force_overwrite": "false"
        }
    )

# Process response
if response.status_code == 200:
    result = response.json()["data"]
    print(f"Uploaded: {result['file_details']['filename']}")
    print(f"Media ID: {result['media_id']}")
    print(f"Type: {result['media_type']}")
    print(f"Collection: {result['storage_info']['collection']}")
    print(f"Cost: ${result['balance_info']['cost']}")
    if "content_summary" in result and "summary" in result["content_summary"]:
        print(f"Summary: {result['content_summary']['summary'][:100]}...")
elif response.status_code == 409:
    print("File already exists. Use force_overwrite=true to replace it.")
else:
    print(f"Error {response.status_code}: {response.text}")
