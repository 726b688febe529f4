import numpy as np
from case import Drawn, family, ints, real
from onnx import TensorProto, helper

case = family("attention")


class Angles(Drawn):
    def draw(self, rng):
        return np.cos(super().draw(rng))


def qkv(heads=2, shared=2, queries=3, keys=4):
    return [real(2, heads, queries, 4), real(2, shared, keys, 4), real(2, shared, keys, 3)]


mask, allowed = real(3, 4), np.array([[True, True, False, True], [False] * 4, [True] * 4])
case("Attention", qkv(), opset=23, outputs=4)
case("Attention", qkv(heads=4), opset=23, is_causal=1, scale=0.25)
case("Attention", [*qkv(), mask], opset=23, softcap=1.5, qk_matmul_output_mode=2, outputs=4)
case("Attention", [*qkv(), allowed], opset=24, qk_matmul_output_mode=3, outputs=4)
case("Attention", [real(2, 3, 8), real(2, 4, 4), real(2, 4, 6), mask], opset=23, q_num_heads=4, kv_num_heads=2)
past = [real(2, 2, 5, 4), real(2, 2, 5, 3)]
case("Attention", [*qkv(), None, *past], opset=23, is_causal=1, outputs=3, note="with what was before")
case("Attention", [*qkv(), None, None, None, ints(4, 2)], opset=24, is_causal=1, note="padded keys")
case("Attention", [*qkv(), real(3, 3)], opset=24, note="a mask of fewer keys")
case("Attention", qkv(), opset=25, left_window_size=1, right_window_size=0, qk_matmul_output_mode=1, softcap=2.0, outputs=4)

angles = Angles((5, 2), -3, 3)
places = np.array([[0, 3, 1], [4, 2, 2]], np.int64)
case("RotaryEmbedding", [real(2, 2, 3, 4), angles, angles, places], opset=23)
case("RotaryEmbedding", [real(2, 2, 3, 4), angles, angles, places], opset=23, interleaved=1)
case("RotaryEmbedding", [real(2, 3, 12), angles, angles, places], opset=23, num_heads=2, rotary_embedding_dim=4)
case("RotaryEmbedding", [real(1, 2, 3, 4), Angles((1, 3, 2), -3, 3), Angles((1, 3, 2), -3, 3)], opset=23, note="angles of each place")

steps = [real(2, 3, 8), real(2, 3, 4), real(2, 3, 6)]
state, decay, beta = real(2, 2, 2, 3), Drawn((2, 3, 2), -1, 0), Drawn((2, 3, 1), 0, 1)
heads = {"q_num_heads": 4, "kv_num_heads": 2}
case("LinearAttention", steps, opset=27, outputs=2, update_rule="linear", scale=0.25, **heads)
case("LinearAttention", [*steps, state, decay], opset=27, outputs=2, update_rule="gated", **heads)
case("LinearAttention", [*steps, state, Drawn((2, 3, 4), -1, 0), beta], opset=27, outputs=2, **heads)
case("CausalConvWithState", [real(2, 3, 5), real(3, 1, 3), real(3)], opset=27, outputs=2)
case("CausalConvWithState", [real(2, 3, 5), real(3, 1, 3), None, real(2, 3, 2)], opset=27, outputs=2, activation="silu")

scores = [2, 4, 3, 4]
capped = helper.make_graph(
    [helper.make_node("Tanh", ["s"], ["t"]), helper.make_node("Add", ["t", "s"], ["changed"])],
    "capped",
    [helper.make_tensor_value_info("s", TensorProto.DOUBLE, scores)],
    [helper.make_tensor_value_info("changed", TensorProto.DOUBLE, scores)],
)
case("FlexAttention", qkv(heads=4), opset=26, domain="ai.onnx.preview", scale=0.25, note="grouped")
case("FlexAttention", qkv(heads=4), opset=26, domain="ai.onnx.preview", score_mod=capped, prob_mod=capped, note="changed by graphs")
