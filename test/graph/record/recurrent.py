import numpy as np
from case import family, real

case = family("recurrent")

# X is [steps, batch, size]; W, R, B and P have an axis of directions in front.
STEPS, BATCH, SIZE, HIDDEN = 4, 2, 3, 2


def weights(gates, directions=1, bias=True):
    return [real(directions, gates * HIDDEN, SIZE), real(directions, gates * HIDDEN, HIDDEN)] + (
        [real(directions, 2 * gates * HIDDEN)] if bias else []
    )


X = real(STEPS, BATCH, SIZE)
FIRST = real(BATCH, STEPS, SIZE)
H = real(1, BATCH, HIDDEN)

for name, gates, outputs in [("RNN", 1, 2), ("GRU", 3, 2), ("LSTM", 4, 3)]:
    case(name, [X, *weights(gates, bias=False)], outputs=outputs, note="without a bias", hidden_size=HIDDEN)
    case(name, [X, *weights(gates)], outputs=outputs, note="with a bias", hidden_size=HIDDEN)
    case(name, [X, *weights(gates), None, H], outputs=outputs, note="from a state", hidden_size=HIDDEN)
    case(name, [X, *weights(gates)], opset=22, outputs=outputs, note="backwards", hidden_size=HIDDEN, direction="reverse")
    case(name, [X, *weights(gates, 2)], opset=22, outputs=outputs, note="both ways", hidden_size=HIDDEN, direction="bidirectional")
    case(name, [FIRST, *weights(gates)], outputs=outputs, note="batch first", hidden_size=HIDDEN, layout=1)

case("GRU", [X, *weights(3), None, H], outputs=2, note="reset after the product", hidden_size=HIDDEN, linear_before_reset=1)
case("LSTM", [X, *weights(4), None, H, H, real(1, 3 * HIDDEN)], outputs=3, note="with peepholes", hidden_size=HIDDEN)

# What the reference implementation passes over, ONNX Runtime computes, in float32.
older = family("recurrent-runtime", older=True)
LENGTHS = np.array([2, 4], np.int32)
for name, gates, outputs in [("RNN", 1, 2), ("GRU", 3, 2), ("LSTM", 4, 3)]:
    for direction, count in [("forward", 1), ("reverse", 1), ("bidirectional", 2)]:
        older(name, [X, *weights(gates, count), LENGTHS, real(count, BATCH, HIDDEN)], opset=14, outputs=outputs,
              note=f"of some lengths, {direction}", hidden_size=HIDDEN, direction=direction)
    older(name, [X, *weights(gates)], opset=14, outputs=outputs, note="clipped", hidden_size=HIDDEN, clip=0.4)
older("LSTM", [X, *weights(4)], opset=14, outputs=3, note="input and forget as one", hidden_size=HIDDEN, input_forget=1)
older("LSTM", [X, *weights(4)], opset=14, outputs=3, note="other functions", hidden_size=HIDDEN,
      activations=["HardSigmoid", "Elu", "Softsign"], activation_alpha=[0.3, 0.5], activation_beta=[0.4])
older("GRU", [X, *weights(3)], opset=14, outputs=2, note="other functions", hidden_size=HIDDEN,
      activations=["Sigmoid", "LeakyRelu"], activation_alpha=[0.1])
for function, numbers in [
    ("Relu", {}), ("Affine", {"activation_alpha": [0.5], "activation_beta": [0.25]}), ("Softplus", {}),
    ("ScaledTanh", {"activation_alpha": [0.5], "activation_beta": [1.5]}), ("ThresholdedRelu", {"activation_alpha": [0.5]}),
]:
    older("RNN", [X, *weights(1)], opset=14, outputs=2, note=function, hidden_size=HIDDEN, activations=[function], **numbers)
