"""Base64 without padding. Appendices, "Unpadded Base64"."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from impl.core.rejection import Malformed


def encode_base64(data: bytes) -> str:
    return b64encode(data).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes:
    """Raises Malformed. Takes padding and the URL-safe alphabet as well."""
    try:
        standard = text.rstrip("=").replace("-", "+").replace("_", "/")
        return b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (Base64Error, ValueError) as error:
        raise Malformed(f"not Base64: {error}") from error
