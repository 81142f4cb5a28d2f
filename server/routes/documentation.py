"""How the documentation shows answers of bytes."""

from server.routes.dependencies import Responses


def binary_documentation(media_type: str, text: str) -> Responses:
    """How the documentation shows an answer of bytes."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    headers = {
        "X-Epochs": {"description": "`first:stop`", "schema": {"type": "string"}},
        "X-Missing": {
            "description": "`first:stop` of epochs whose arrays were not recorded, comma-separated; absent: none.",
            "schema": {"type": "string"},
        },
        "X-Neurons": {"schema": {"type": "integer"}},
        "ETag": {"description": "Names what the answer was made of; `If-None-Match` asks whether it still holds."},
    }
    return {200: {"description": text, "content": content, "headers": headers}}
