"""Examples as docs/bundle.md has them made, by numpy alone: what preprocessing of every kind has to give.

    python record_preprocessing.py        writes recorded/preprocessing.json beside it

Inputs come of their seeds, so that only what becomes of them is written.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
from recording import rounded, seed_of, write  # noqa: E402


def uniform(seed, count):
    """test/support/numbers.ts has the same generator."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        numbers.append(state / 2**32)
    return np.array(numbers)


def noise(seed, count, channels, middle, width):
    """Noise of count samples that is loudest at `middle`; samples by channels."""
    envelope = 1 / (1 + ((np.arange(count) - middle) / width) ** 2)
    return (uniform(seed, count * channels).reshape(count, channels) - 0.5) * envelope[:, None]


def image(how, pixels):
    """Pixels [height, width, channels], bytes."""
    pixels = pixels.astype(float)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:]
        pixels = np.floor((pixels[:, :, :3] * alpha + 255 * (255 - alpha)) / 255 + 0.5)
    if pixels.shape[2] == 1:
        pixels = pixels.repeat(3, 2)
    if how["channels"] == 1:
        pixels = np.floor((pixels @ [19595, 38470, 7471] + 32768) / 65536)[:, :, None]
    height, width = how["height"], how["width"]
    top, left = (int(np.floor(how.get("margin", 0) * side + 0.5)) for side in (height, width))
    down, across = averages(pixels.shape[0], height - 2 * top), averages(pixels.shape[1], width - 2 * left)
    inner = np.floor(np.einsum("ih,jw,hwc->ijc", down, across, pixels) + 0.5)
    border = np.concatenate([inner[0], inner[-1:, :].reshape(-1, how["channels"])[: inner.shape[1] * (len(inner) > 1)],
                             inner[1:-1, 0], inner[1:-1, -1][: (len(inner) - 2) * (inner.shape[1] > 1)]])
    p = np.empty((height, width, how["channels"]))
    p[:] = how.get("ground", np.sort(border, 0)[(len(border) - 1) // 2])
    p[top : height - top, left : width - left] = inner
    p = p / 255
    return ((1 - p if how["invert"] else p) - how["mean"]) / how["std"]


def averages(source, target):
    """[target, source]: the share of each source cell in each cell of the result."""
    edges = np.arange(target + 1) * source / target
    cells = np.arange(source)
    inside = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    return np.maximum(0, inside) * target / source


def window(how, samples, rate):
    """Samples [count, channels]."""
    if how["channels"] == 1:
        samples = samples.mean(1, keepdims=True)
    q = rate / how["rate"] if rate and "rate" in how else 1
    if how.get("pad"):
        samples = np.concatenate([samples[:1].repeat(np.ceil(how["length"] * q), 0), samples])
    back = samples[::-1]
    k = np.arange(how["length"])
    if q < 1:
        middles = np.arange(len(back)) + 0.5
        made = np.stack([np.interp((k + 0.5) * q, middles, channel) for channel in back.T], 1)
    else:
        cells = np.arange(len(back))
        inside = np.minimum((k[:, None] + 1) * q, cells + 1) - np.maximum(k[:, None] * q, cells)
        made = np.maximum(0, inside) @ back / q
    return (made[::-1] - how["mean"]) / how["std"]


def sound(how, samples, rate):
    """Samples [count, channels]."""
    x = samples.mean(1)
    x = x - x.mean()
    q = rate / how["rate"] if rate else 1
    stretch = int(np.ceil(how["length"] * q - 1e-6))
    first, last = min(0, len(x) - stretch), max(0, len(x) - stretch)
    part = -(-stretch // 64)
    padded = np.concatenate([np.zeros(-first), x, np.zeros(stretch + 64 * part)])
    weights = np.minimum(np.arange(64) + 1, 64 - np.arange(64)).repeat(part)
    energies = [np.sum(weights * padded[s : s + 64 * part] ** 2) for s in range(0, last - first + 1, part)]
    start = first + part * int(np.argmax(energies)) + (stretch - how["length"] * q) / 2
    if q == 1:
        made = padded[int(start) - first :][: how["length"]]
    else:
        c, reach = 0.92 / max(1, q), 16 * max(1, q)
        d = np.arange(len(x)) - (start + (np.arange(how["length"])[:, None] + 0.5) * q - 0.5)
        made = (c * np.sinc(c * d) * np.maximum(0, 1 - (d / reach) ** 2) ** 2) @ x
    frames = np.lib.stride_tricks.sliding_window_view(made, how["frame"])[:: how["hop"]]
    hann = (1 - np.cos(2 * np.pi * np.arange(how["frame"]) / how["frame"])) / 2
    size = 2 ** int(np.ceil(np.log2(how["frame"])))
    power = np.abs(np.fft.rfft(frames * hann, size)) ** 2 / how["frame"]
    mel = lambda hertz: np.log(1 + hertz / 700)  # noqa: E731
    places = (mel(np.arange(size // 2 + 1) * how["rate"] / size) - mel(how["lowest"])) / (mel(how["highest"]) - mel(how["lowest"]))
    triangles = np.maximum(0, 1 - np.abs(places[:, None] * (how["bands"] + 1) - np.arange(1, how["bands"] + 1)))
    energy = power @ triangles
    if how.get("relative") and (most := energy.sum(1).max()) > 0:
        energy = energy / most
    return (np.log(energy + how["floor"]) - how["mean"]) / how["std"]


def row(how, cells):
    numbers = []
    for column in how["columns"]:
        cell = cells.get(column["name"])
        if column["kind"] == "category":
            text = {None: "", True: "true", False: "false"}.get(cell, cell) if not isinstance(cell, str) else cell
            numbers += [float(value == text) for value in column["values"]]
        else:
            given = column["missing"] if cell is None or cell == "" else float(cell)
            numbers.append((given - column["mean"]) / column["std"])
    return np.array(numbers)


SOUND = {"kind": "sound", "rate": 16000, "length": 1600, "frame": 400, "hop": 150, "bands": 12, "lowest": 60, "highest": 7600}
SOUND |= {"floor": 1e-6, "mean": -8, "std": 3}
WINDOW = {"kind": "window", "length": 12, "channels": 2, "rate": 50, "mean": [0.1, -0.1], "std": 0.5}
IMAGE = {"kind": "image", "width": 5, "height": 4, "channels": 3, "invert": True, "mean": 0.4, "std": 0.3}
COLUMNS = [
    {"name": "height", "kind": "number", "mean": 170, "std": 12.5, "missing": 168},
    {"name": "colour", "kind": "category", "values": ["red", "", "grün", "7"]},
    {"name": "open", "kind": "number", "mean": 0.5, "std": 0.5},
    {"name": "sure", "kind": "category", "values": ["true", "false"]},
]

# A name; how examples are made; and what there is: samples, the channels and rate of them, where they are loudest and how widely.
SAMPLES = [
    ("sound, as it is", SOUND, 1600, 1, None, 800, 300),
    ("sound, short, of two channels", SOUND, 900, 2, 16000, 700, 200),
    ("sound, long", SOUND, 5000, 1, 16000, 3333, 250),
    ("sound of 44100 Hz", SOUND, 9000, 1, 44100, 2000, 900),
    ("sound of 48000 Hz, short", SOUND, 3100, 1, 48000, 2000, 400),
    ("sound of 8000 Hz", SOUND, 1200, 1, 8000, 600, 300),
    ("sound of 15999.3 Hz", SOUND, 1700, 1, 15999.3, 600, 300),
    ("sound, relative", {**SOUND, "relative": True, "floor": 1e-3}, 1700, 1, 16000, 500, 40),
    ("sound of other frames", {**SOUND, "frame": 256, "hop": 256, "lowest": 0, "highest": 8000, "bands": 5}, 1600, 1, 16000, 9, 90),
    ("window", WINDOW, 20, 2, 50, 10, 10),
    ("window of 133 Hz", WINDOW, 40, 2, 133, 10, 10),
    ("window of 33 Hz", WINDOW, 40, 2, 33, 10, 10),
    ("window, mixed", {**WINDOW, "channels": 1, "mean": 0.1}, 20, 3, 50, 10, 10),
    ("window, padded", {**WINDOW, "pad": True}, 5, 2, 50, 4, 10),
    ("window of 133 Hz, padded", {**WINDOW, "pad": True}, 13, 2, 133, 4, 10),
    ("window of 20 Hz, padded", {**WINDOW, "pad": True}, 3, 2, 20, 4, 10),
]
PIXELS = [
    ("image", IMAGE, 13, 9, 4),
    ("image, grey", {**IMAGE, "channels": 1, "invert": False}, 7, 6, 3),
    ("image, larger", {**IMAGE, "mean": 0, "std": 1}, 3, 2, 1),
    ("image with a margin", {**IMAGE, "width": 11, "height": 9, "margin": 0.14}, 13, 9, 4),
    ("image with a margin, grey", {**IMAGE, "width": 10, "height": 10, "channels": 1, "invert": False, "margin": 0.25}, 4, 6, 3),
    ("image with a margin of its ground", {**IMAGE, "width": 12, "margin": 0.1, "ground": 200}, 5, 6, 3),
    ("image with a wide margin", {**IMAGE, "width": 9, "height": 11, "margin": 0.45}, 5, 6, 3),
]
ROWS = [
    ("row", {"height": 182.5, "colour": "grün", "open": True, "sure": False}),
    ("row of texts", {"height": "-1.5e1", "colour": "7", "open": " 1 ", "sure": "true"}),
    ("row with gaps", {"height": None, "open": 0, "sure": "perhaps", "note": "x"}),
]


def recorded():
    for name, how, count, channels, rate, middle, width in SAMPLES:
        samples = noise(seed_of(name), count, channels, middle, width)
        made = {"sound": sound, "window": window}[how["kind"]](how, samples, rate)
        given = {"count": count, "channels": channels, "middle": middle, "width": width} | ({"rate": rate} if rate else {})
        yield {"name": name, "seed": seed_of(name), "how": how, "samples": given, "example": made}
    for name, how, width, height, channels in PIXELS:
        pixels = np.floor(uniform(seed_of(name), width * height * channels) * 256).reshape(height, width, channels)
        given = {"width": width, "height": height, "channels": channels}
        yield {"name": name, "seed": seed_of(name), "how": how, "pixels": given, "example": image(how, pixels)}
    how = {"kind": "row", "columns": COLUMNS}
    for name, cells in ROWS:
        yield {"name": name, "seed": seed_of(name), "how": how, "row": cells, "example": row(how, cells)}


if __name__ == "__main__":
    cases = [{**case, "example": rounded(case["example"].ravel().tolist(), 9)} for case in recorded()]
    write(HERE / "recorded" / "preprocessing.json", cases)
