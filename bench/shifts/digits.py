"""Writes scikit-learn's 1,797 scans of written digits as pictures, one folder a class, below FOLDER/test.

    python3 digits.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def main(folder):
    scans = load_digits()
    for index, (image, digit) in enumerate(zip(scans.images, scans.target)):
        place = Path(folder) / "test" / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        # Ink is 16 there, and black on white paper here; as large as a bundle's picture, smoothly.
        paper = Image.fromarray(np.uint8(255 - np.round(image * 255 / 16)))
        paper.resize((28, 28), Image.BILINEAR).save(place / f"{index:04d}.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
