"""What ONNX Runtime runs for bench/imported: which file each side has, what it is fed, and what of it is executed."""

import json
import math
import pathlib
import tempfile

import numpy as np

FILES = {
    "original": "",
    "rewritten": ".ours",
    "ours input": ".ours-input",
    "onnx-ad input": ".theirs-input",
    "ours weights": ".ours-weights",
    "onnx-ad weights": ".theirs-weights",
}


def opened(file, threads, profile=None):
    # Imported here alone, since what PyTorch's process holds is measured.
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
        # Weights that a node packed for itself have no shape in a profile.
        options.add_session_config_entry("session.disable_prepacking", "1")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def seed_of(known):
    """The cotangent of the result."""
    return np.random.RandomState(1).randn(*known["y"].shape).astype("f")


def feeds_of(session, known):
    """What a session is given. onnx-ad's cotangents may have one more axis."""
    seed = seed_of(known)
    feeds = {}
    for wanted in session.get_inputs():
        value = known["x"] if wanted.name == "x" else seed
        feeds[wanted.name] = value[..., None] if len(wanted.shape) > value.ndim else value
    return feeds


def shapes(listed):
    return [(kind, dims) for entry in listed for kind, dims in entry.items()]


def size(dims):
    return math.prod(dims)


def multiplications(op, given, gives):
    """Of the operators that have most of them; what is elementwise is counted by its memory."""
    dims = [d for _, d in given]
    out = size(gives[0][1]) if gives else 0
    if op in ("Conv", "FusedConv") and len(dims) > 1:
        return out * size(dims[1][1:])
    if op == "ConvTranspose":
        return size(dims[0]) * size(dims[1][1:])
    if op in ("MatMul", "Gemm", "FusedMatMul", "FusedGemm") and len(dims) > 1 and out:
        batch = size(gives[0][1][:-2]) if len(dims[1]) > 2 else 1
        return round(out * math.sqrt(size(dims[0]) * size(dims[1]) / out / batch))
    if op in ("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"):
        steps, batch = dims[0][:2]
        return steps * batch * (size(dims[1]) + size(dims[2]))
    return 0


BYTES = {"float": 4, "double": 8, "int64": 8, "int32": 4, "bool": 1, "uint8": 1, "int8": 1, "float16": 2}


def executed(file, known):
    """Every node that a run executes: its operator, seconds, multiplications, bytes."""
    with tempfile.TemporaryDirectory() as folder:
        session = opened(file, 1, str(pathlib.Path(folder) / "run"))
        feeds = feeds_of(session, known)
        for _ in range(3):
            session.run(None, feeds)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text())
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            given, gives = shapes(event["args"]["input_type_shape"]), shapes(event["args"]["output_type_shape"])
            op = event["args"]["op_name"]
            moved = sum(BYTES.get(kind, 4) * size(dims) for kind, dims in [*given, *gives])
            yield op, event["dur"] / 3e6, multiplications(op, given, gives) / 3, moved / 3


def counted(folder, name):
    """For each side: nodes executed, millions of multiplications, megabytes read and written by nodes."""
    known = dict(np.load(folder / f"{name}.npz"))
    found = {}
    for side, kind in FILES.items():
        file = folder / f"{name}{kind}.onnx"
        if file.exists():
            nodes = list(executed(file, known))
            found[side] = {
                "nodes": round(len(nodes) / 3),
                "million": round(sum(n[2] for n in nodes) / 1e6, 1),
                "megabytes": round(sum(n[3] for n in nodes) / 1e6, 1),
            }
    return found
