"""How the scripts beside the tests write what they record: one case after the other, as the repository's formatter lays JSON out.

A script finds this file by `sys.path.append(str(pathlib.Path(__file__).resolve().parents[N] / "support"))`.
"""

import json
import pathlib
import zlib

WIDTH = 120


def seed_of(name):
    """A case's seed comes of its name alone, so that a new case leaves the numbers of all others as they are."""
    return zlib.crc32(name.encode())


def rounded(value, digits):
    """Every number in it with so many digits."""
    if isinstance(value, dict):
        return {name: rounded(entry, digits) for name, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry, digits) for entry in value]
    return float(f"{value:.{digits}g}")


def array(values, digits):
    """A numpy array as its shape and its numbers; null stands for NaN."""
    flat = [None if value != value else rounded(value, digits) for value in values.astype(float).ravel().tolist()]
    return {"shape": list(values.shape), "data": flat}


def write(path, value):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(formatted(value) + "\n", encoding="utf-8")


def number(value):
    """The shortest text, in the way JavaScript writes numbers."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text


def formatted(value, indent=0, used=0, comma=0):
    """JSON as the repository's formatter lays it out: what fits stands on one line, lists of numbers are filled to the width.

    `used` columns stand before it on its line, and after it `comma`, 1 or 0."""
    pad = " " * (indent + 2)
    if not isinstance(value, (dict, list)):
        return number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    last = len(value) - 1
    if isinstance(value, dict):
        starts = [f"{json.dumps(key)}: " for key in value]
        items = [
            start + formatted(entry, indent + 2, len(pad + start), int(index < last))
            for index, (start, entry) in enumerate(zip(starts, value.values()))
        ]
        line = "{ " + ", ".join(items) + " }" if items else "{}"
        opening, closing = "{}"
    else:
        items = [formatted(entry, indent + 2, indent + 2, int(index < last)) for index, entry in enumerate(value)]
        line = "[" + ", ".join(items) + "]"
        opening, closing = "[]"
    if "\n" not in line and used + len(line) + comma <= WIDTH:
        return line
    lines = [pad + item for item in items]
    if all(isinstance(entry, (int, float)) and not isinstance(entry, bool) for entry in value) and isinstance(value, list):
        lines = filled(items, pad)
    return opening + "\n" + ",\n".join(lines) + "\n" + " " * indent + closing


def filled(items, pad):
    """Numbers, as many on each line as fit."""
    lines = [pad + items[0]]
    for index, item in enumerate(items[1:], 1):
        if len(lines[-1]) + len(", ") + len(item) + int(index < len(items) - 1) <= WIDTH:
            lines[-1] += f", {item}"
        else:
            lines.append(pad + item)
    return lines
