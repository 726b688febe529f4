"""What magika 1 makes of the bytes of files, by sizes small enough to read.

    python test/runtime/record_bytes.py        writes test/runtime/recorded/bytes.json; needs the package magika
"""

import io
import pathlib
import random
import sys

from magika import Magika
from magika.types.seekable import Seekable

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import recording

FIRST, LAST, TRIM, PADDING = 8, 6, 16, 256

numbers = random.Random(1)
contents = [
    b"",
    b"a",
    b" \t\n\r\x0b\x0c",
    b"  two words \n",
    b"longer than what is looked at, at either end",
    b" " * 14 + b"blanks to the end of what is looked at" + b"\n" * 15,
    b" " * 20 + b"x" + b" " * 20,
    b"\x1c\x1d\x85\xa0 blanks of texts, but not of bytes \xa0",
    bytes(numbers.randrange(256) for _ in range(16)),
    bytes(numbers.randrange(256) for _ in range(17)),
    bytes(numbers.randrange(256) for _ in range(300)),
]


def numbers_of(content):
    features = Magika._extract_features_from_seekable(Seekable(io.BytesIO(content)), FIRST, 0, LAST, PADDING, TRIM, False)
    return [*features.beg, *features.end]


recording.write(
    pathlib.Path(__file__).resolve().parent / "recorded" / "bytes.json",
    {
        "first": FIRST,
        "last": LAST,
        "trim": TRIM,
        "padding": PADDING,
        "files": [{"bytes": list(content), "numbers": numbers_of(content)} for content in contents],
    },
)
