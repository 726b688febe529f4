"""Puts ONNX's own node tests into a folder: index.json says where the models and the numbers of each lie in data.bin.

Usage: python dump.py FOLDER
"""

import contextlib
import io
import json
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")

# Types whose bytes lie in a numpy array as in a file; of the others the numbers are kept, as float32.
PLAIN = {
    getattr(TensorProto, name)
    for name in "FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 BOOL FLOAT16 DOUBLE UINT32 UINT64".split()
}


def tensor_of(value, data, name, declared):
    if isinstance(value, TensorProto):
        element = value.data_type
        array = numpy_helper.to_array(value)
    else:
        array = np.asarray(value)
        element = declared or helper.np_dtype_to_tensor_dtype(array.dtype)
    row = {"name": name, "type": element, "shape": list(array.shape)}
    if element in (TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        return row
    if element not in PLAIN:
        array = array.astype(np.float32)
    raw = np.ascontiguousarray(array).tobytes()
    return {**row, "at": data.put(raw), "bytes": len(raw)}


class Data:
    def __init__(self, path):
        self.file = open(path, "wb")

    def put(self, raw):
        padding = -self.file.tell() % 8
        self.file.write(b"\0" * padding)
        at = self.file.tell()
        self.file.write(raw)
        return at


def values_of(values, infos, data):
    rows = []
    for value, info in zip(values, infos):
        kind = info.type.WhichOneof("value")
        if kind != "tensor_type" or value is None or isinstance(value, (list, tuple)):
            rows.append({"name": info.name, "kind": kind})
        else:
            rows.append(tensor_of(value, data, info.name, info.type.tensor_type.elem_type))
    return rows


def main(folder):
    with contextlib.redirect_stdout(io.StringIO()):
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    os.makedirs(folder, exist_ok=True)
    data = Data(os.path.join(folder, "data.bin"))
    index = []
    for case in cases:
        raw = case.model.SerializeToString()
        inputs, outputs = case.data_sets[0]
        graph = case.model.graph
        index.append(
            {
                "name": case.name,
                "operator": operator_of(case),
                "opset": max([o.version for o in case.model.opset_import if o.domain in ("", "ai.onnx")] or [0]),
                "domains": sorted({node.domain for node in graph.node}),
                "operators": sorted({node.op_type for node in graph.node}),
                "rtol": case.rtol,
                "atol": case.atol,
                "model": [data.put(raw), len(raw)],
                "inputs": values_of(inputs, graph.input, data),
                "outputs": values_of(outputs, graph.output, data),
            }
        )
    data.file.close()
    with open(os.path.join(folder, "index.json"), "w") as file:
        json.dump({"onnx": onnx.__version__, "operators": standard(), "cases": index}, file)


def standard():
    """The operators of the standard that are not deprecated, by domain."""
    domains = {}
    for schema in onnx.defs.get_all_schemas():
        if not schema.deprecated:
            domains.setdefault(schema.domain or "ai.onnx", []).append(schema.name)
    return {domain: sorted(names) for domain, names in domains.items()}


def operator_of(case):
    """The operator that a case is about: its only node, or what the name says of one that was expanded."""
    nodes = [node.op_type for node in case.model.graph.node]
    if len(nodes) == 1 and "_expanded" not in case.name:
        return nodes[0]
    short = case.name.removeprefix("test_").replace("_", "").lower()
    known = sorted({schema.name for schema in onnx.defs.get_all_schemas()}, key=len, reverse=True)
    named = [name for name in known if short.startswith(name.lower())]
    return named[0] if named else nodes[0]


main(sys.argv[1])
