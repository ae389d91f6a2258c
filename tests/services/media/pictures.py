"""Images that tests are made of: a quadrant each of red, green, blue and white, from top left."""

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


def quadrants(width: int, height: int, mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    output = BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def animation(kind: str, width: int, height: int, durations: list[int], **options: Any) -> bytes:
    """Each frame is the one before, turned by a quarter."""
    frames = [quadrants(width, height)]
    for _ in durations[1:]:
        frames.append(frames[-1].transpose(Image.Transpose.ROTATE_90).resize((width, height)))
    return encoded(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        **options,
    )


def saved(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def read(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


def corners(image: Image.Image) -> list[str]:
    """The colours near the corners, by name, from top left, line by line."""
    right, bottom = image.width - 1, image.height - 1
    places = [(0, 0), (right, 0), (0, bottom), (right, bottom)]
    return [_name(image.convert("RGB").getpixel(place)) for place in places]


def _name(colour: Any) -> str:
    names = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}

    def distance(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(names[name], colour, strict=True))

    return min(names, key=distance)
