"""The margin that a bundle's pictures may have around them, as the manifest's input.preprocessing says."""

import numpy as np


def margins(how):
    """Pixels that stay free at each end: across, and down."""
    return tuple(int(np.floor(how.get("margin", 0) * how[side] + 0.5)) for side in ("width", "height"))


def inner(how):
    """The width and height that is left for the picture."""
    return tuple(how[side] - 2 * free for side, free in zip(("width", "height"), margins(how)))


def framed(pixels, how):
    """Bytes [height, width, channels] in the middle of the ground: the one that is told, or the median of their border."""
    across, down = margins(how)
    height, width, _ = pixels.shape
    rows, columns = sorted({0, height - 1}), sorted({0, width - 1})
    border = np.concatenate([pixels[rows].reshape(-1, pixels.shape[2]), pixels[1 : height - 1][:, columns].reshape(-1, pixels.shape[2])])
    ground = how.get("ground", np.sort(border, 0)[(len(border) - 1) // 2])
    return np.pad(pixels - ground, ((down, down), (across, across), (0, 0))) + ground
