import requests
from typing import Dict, Any

def upload_image(image_path: str, api_key: str, comment: str = "") -> str:
    """Upload a local image to PixLab storage server.
    
    Args:
        image_path: Path to the local image file.
        api_key: Your PixLab API key.
        comment: Optional comment for the uploaded image.
    
    Returns:
        The URL of the uploaded image.
    
    Raises:
        requests.exceptions.RequestException: If the upload fails.
        ValueError: If the API response indicates an error.
    """
    try:
        with open(image_path, 'rb') as image_file:
            response = requests.post(
                'https://api.pixlab.io/store',
                files={'file': image_file},
                data={
                    'comment': comment,
                    'key': api_key,
                },
                timeout=30
            )
            response.raise_for_status()
            data: Dict[str, Any] = response.json()
            
            if data.get('status') != 200:
                raise ValueError(data.get('error', 'Unknown error occurred'))
            
            return data['link']
    
    except FileNotFoundError as e:
        raise FileNotFoundError(f"Image file not found: {image_path}") from e

# Example usage:
if __name__ == "__main__":
    try:
        image_url = upload_image(
            image_path='./local_image.png',
            api_key='My_PIXLAB_API_KEY',
            comment='Super Secret Stuff'
        )
        print(f"Uploaded image link: {image_url}")
    except Exception as e:
        print(f"Error uploading image: {e}")
