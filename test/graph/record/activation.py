import numpy as np
from case import family, real

case = family("activation")

for op in ["Softsign", "Elu", "Celu", "Selu", "LeakyRelu", "HardSigmoid", "HardSwish"]:
    case(op, [real(2, 3)])
case("Mish", [real(2, 3)], opset=18)
case("ThresholdedRelu", [real(2, 3)])
for op in ["Elu", "LeakyRelu", "ThresholdedRelu", "Celu"]:
    case(op, [real(7)], alpha=0.3)
case("HardSigmoid", [real(7)], alpha=0.3, beta=0.25)
case("Selu", [real(7)], alpha=1.5, gamma=0.75)
case("Gelu", [real(7)], opset=20)
case("Gelu", [real(7)], opset=20, approximate="tanh")
case("PRelu", [real(2, 3, 2), np.array([[0.25], [0.5], [-1]])])
case("Clip", [real(7), np.array(-0.5), np.array(0.75)], constants=(1, 2))
case("Clip", [real(7), None, np.array(0.75)], constants=(2,), note="no lower bound")
case("Clip", [real(7), np.array(0.25)], note="lower bound as an input")
for op in ["Softmax", "LogSoftmax"]:
    case(op, [real(2, 3, 2)])
    case(op, [real(2, 3)], axis=0)
case("Shrink", [real(7)], bias=0.25, lambd=0.75)
case("SwiGLU", [real(2, 3), real(2, 3)], opset=28, alpha=0.75)
case("Swish", [real(2, 3)], opset=24, alpha=0.75)
