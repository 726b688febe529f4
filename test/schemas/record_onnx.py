"""Records ONNX files made by the reference implementation (PyPI's `onnx`), with what it reads from them.

    python test/schemas/record_onnx.py            (writes recorded/onnx.json beside this file)

`everyField` is a model in which every field of every message of IR version 10 is set at least once, nearly all to values
of their own, so that a field under a wrong number or of a wrong type cannot go unseen. A field's values come of its name, so
that one more field changes no other's. `gemm` is a small real model.
"""

import base64
import pathlib
import sys

import numpy
import onnx
from google.protobuf.descriptor import FieldDescriptor as F
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parent / "support"))

from recording import seed_of, write  # noqa: E402

LATER_THAN_IR_10 = {"NodeProto.device_configurations", "ModelProto.configuration"}
WIDE = [2**63 - 1, -(2**63), -1, 2**53 - 1, 2**53 + 1]


def values(field):
    """Values for one scalar field: several where it is a list."""
    number = 1 + seed_of(f"{field.containing_type.name}.{field.name}") % 1_000_000
    count = 3 if field.is_repeated else 1
    if field.type == F.TYPE_STRING:
        return [f"{field.containing_type.name}.{field.name}.{number}.{i}" for i in range(count)]
    if field.type == F.TYPE_BYTES:
        return [f"{field.name} é {number}.{i}".encode() for i in range(count)]
    if field.type in (F.TYPE_FLOAT, F.TYPE_DOUBLE):
        return [number + i + 0.5 for i in range(count)]
    if field.type == F.TYPE_ENUM:
        return [max(v.number for v in field.enum_type.values if v.number <= 14)]
    if field.name in ("ints", "int64_data"):
        return WIDE
    if field.type == F.TYPE_UINT64:
        return [2**64 - 1, 2**63, number]
    sign = -1 if field.type == F.TYPE_INT32 and field.is_repeated else 1
    return [sign * (number * 1000 + i) for i in range(count)]


def fill(message, seen):
    kind = message.DESCRIPTOR
    if kind.full_name in seen:
        message.SetInParent()
        return
    seen.add(kind.full_name)
    for field in kind.fields:
        if f"{kind.name}.{field.name}" in LATER_THAN_IR_10:
            continue
        if field.containing_oneof is not None and message.WhichOneof(field.containing_oneof.name) is not None:
            continue
        if field.type == F.TYPE_MESSAGE:
            slot = getattr(message, field.name)
            fill(slot.add() if field.is_repeated else slot, seen)
            if not field.is_repeated:
                slot.SetInParent()
        elif field.is_repeated:
            getattr(message, field.name).extend(values(field))
        else:
            setattr(message, field.name, values(field)[0])


def every_field():
    model, seen = onnx.ModelProto(), set()
    # Of a one-of a message holds one: the others get messages of their own.
    fill(model, seen)
    node = model.graph.node[0]
    attribute = node.attribute.add(name="alternatives", i=WIDE[0])
    for field in onnx.TypeProto.DESCRIPTOR.oneofs_by_name["value"].fields:
        fill(getattr(attribute.type_protos.add(), field.name), seen - {f"onnx.TypeProto.{field.message_type.name}"})
    shape = attribute.type_protos.add().tensor_type.shape
    shape.dim.add(dim_param="batch")
    shape.dim.add(dim_value=28, denotation="DATA_FEATURE")
    shape.dim.add()
    model.ir_version = 10
    return model


def gemm():
    weight = numpy_helper.from_array(numpy.array([[1, -2], [0.5, 4], [0, 3]], numpy.float32), "weight")
    ends = numpy_helper.from_array(numpy.array([2**63 - 1, -1], numpy.int64), "ends")
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "weight"], ["y"], name="dense", alpha=0.5, transB=0)],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [weight, ends],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="recorded")
    onnx.checker.check_model(model)
    return model


def plain(message):
    """Set fields only; numbers as text (they exceed JSON's), bytes in hexadecimal."""

    def one(field, value):
        if field.type == F.TYPE_MESSAGE:
            return plain(value)
        return value.hex() if field.type == F.TYPE_BYTES else str(value)

    return {
        field.name: [one(field, v) for v in value] if field.is_repeated else one(field, value)
        for field, value in message.ListFields()
    }


def record(model):
    return {"bytes": base64.b64encode(model.SerializeToString(deterministic=True)).decode(), "fields": plain(model)}


def enums():
    tensor, attribute = onnx.TensorProto.DataType, onnx.AttributeProto.AttributeType
    return {
        "DataType": {k: v for k, v in tensor.items() if v <= TensorProto.INT4},
        "AttributeType": dict(attribute.items()),
        "DataLocation": dict(onnx.TensorProto.DataLocation.items()),
    }


recorded = {"onnx": onnx.__version__, "enums": enums(), "everyField": record(every_field()), "gemm": record(gemm())}
write(here / "recorded/onnx.json", recorded)
