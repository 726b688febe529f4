"""Tensors of every numeric type as ONNX files hold them, in raw bytes and in lists, with their numbers."""

import base64

import numpy as np
from onnx import TensorProto, helper, numpy_helper

NUMBERS = {
    "FLOAT": [1.5, -0.25, 1e30],
    "DOUBLE": [0.1, -1e300, 3],
    "FLOAT16": [1.5, -0.333, 65504, 6e-8, 0],
    "BFLOAT16": [1.5, -0.333, 3e38, 1e-40, 0],
    "INT4": [-8, 7, -1, 0, 3],
    "UINT4": [15, 0, 8, 7, 1],
    "INT8": [-128, 127, 5],
    "UINT8": [255, 0, 128],
    "INT16": [-32768, 32767, -2],
    "UINT16": [65535, 0, 40000],
    "INT32": [-(2**31), 2**31 - 1, 6],
    "UINT32": [2**32 - 1, 0, 3 * 10**9],
    "INT64": [-(2**53), 2**53, 7],
    "UINT64": [2**53, 0, 9],
    "BOOL": [1, 0, 1],
}


def recorded():
    cases = []
    for name, values in NUMBERS.items():
        listed = helper.make_tensor("w", getattr(TensorProto, name), [len(values)], values)
        array = numpy_helper.to_array(listed)
        raw = numpy_helper.from_array(array, "w")
        assert raw.raw_data and not listed.raw_data
        for form, tensor in (("list", listed), ("raw", raw)):
            cases.append(
                {
                    "type": name,
                    "form": form,
                    "tensor": base64.b64encode(tensor.SerializeToString()).decode(),
                    "numbers": [float(v) for v in array.astype(np.float64)],
                }
            )
    return cases
