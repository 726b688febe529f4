"""A bundle adapted in Python, with stock onnxruntime: no package of Innerloop is needed, the bundle says it all.

    python few_shot.py BUNDLE SUPPORT IMAGE...        SUPPORT has one sub-folder of images a class
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image
from confidence import certainty
from margin import framed, inner

ort.set_default_logger_severity(3)  # it warns of every weight that may be overridden, which is the point here


def read_image(path, how):
    """Pixels as the manifest's input.preprocessing says: on white, grey if one channel, resized by averaging areas."""
    image = Image.open(path).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L" if how["channels"] == 1 else "RGB")
    (w, h), (width, height) = image.size, inner(how)
    pixels = np.asarray(image).reshape(h, w, -1).repeat(height, 0).reshape(height, h, w, -1).mean(1)
    pixels = framed(np.floor(pixels.repeat(width, 1).reshape(height, width, w, -1).mean(2) + 0.5), how) / 255
    return ((1 - pixels if how["invert"] else pixels) - how["mean"]) / how["std"]


def adapt(bundle, manifest, x, y):
    """Examples [n, ...] and their class numbers [n] become values for the adapted parameters of predict.onnx."""
    session = ort.InferenceSession(bundle / "adapt.onnx")
    results = session.run(None, {"support_x": x, "support_y": y, "steps": np.array(manifest["innerLoop"]["steps"], np.int64)})
    named = dict(zip([output.name for output in session.get_outputs()], results))
    print("support loss:", *named["support_loss"].round(4))
    return {name.removeprefix("adapted/"): value for name, value in named.items() if name.startswith("adapted/")}


def predict(bundle, parameters, x):
    """Logits [n, classes]. ONNX Runtime for Python lets a caller override what is an initializer in the file."""
    return ort.InferenceSession(bundle / "predict.onnx").run(["logits"], {"query_x": x, **parameters})[0]


def main(bundle, support, *images):
    manifest = json.loads((bundle := Path(bundle)).joinpath("manifest.json").read_text())
    assert (how := manifest["input"]["preprocessing"])["kind"] == "image", "a bundle for pictures was expected"
    classes = sorted(folder.name for folder in Path(support).iterdir() if folder.is_dir())
    files = [(file, i) for i, name in enumerate(classes) for file in sorted(Path(support, name).iterdir())]
    x, y = np.stack([read_image(file, how) for file, _ in files]).astype(np.float32), np.array([i for _, i in files], np.int64)
    mine = adapt(bundle, manifest, x, y)
    temperature, familiar = certainty(manifest, predict(bundle, mine, x)[:, : len(classes)], y)
    print("" if familiar else "careful: the examples are unlike what this bundle was trained on; expect more mistakes")
    queries = np.stack([read_image(image, how) for image in images]).astype(np.float32)
    logits = predict(bundle, mine, queries)[:, : len(classes)] / temperature
    odds = np.exp(logits - logits.max(1, keepdims=True))
    for image, row in zip(images, odds / odds.sum(1, keepdims=True)):
        print(f"{image}: {classes[row.argmax()]} ({row.max():.4f})")


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 3 else sys.exit(__doc__)
