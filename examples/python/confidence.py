"""How sure a bundle may be, as docs/bundle.md has it under "Confidence"; without its "none of these"."""

import numpy as np


def certainty(manifest, logits, y):
    """The temperature, and whether the examples are like those of the training.

    `logits` [n, classes] are those of the support examples themselves, with what was adapted to them; `y` [n] their classes.
    """
    if not (sure := manifest.get("confidence")):
        return 1, True
    examples, ways = logits.shape
    fewer, more = ways / examples - 1 / sure["shots"], np.log(ways / sure["ways"])
    slope, familiar = sure["temperatureSlope"] * fewer, True
    if usual := sure.get("spread"):
        own = np.take_along_axis(logits, y[:, None], 1)
        apart = np.sum(own - logits, dtype=np.float64) / (examples * (ways - 1))
        s = np.hypot(usual["leastDeviation"], usual["deviation"] * np.exp(usual["waysExponent"] * more))
        level = usual["level"] + usual["shotsSlope"] * fewer + usual["waysSlope"] * more
        z = (level - np.log(max(apart, 5e-324))) / s
        x = min(20, max(0, s * (z - usual["tolerance"])))
        close = usual["temperatureCloseSlope"] + usual["temperatureCloseShotsSlope"] * fewer
        slope += close * min(x, usual["knee"]) + usual["temperatureSlope"] * x
        familiar = -usual["wider"] <= z <= usual["closer"]
    return sure["temperature"] * np.exp(slope), familiar
