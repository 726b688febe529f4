import numpy as np
from case import Drawn, family, ints, positive, real

case = family("loss")


class LogProbabilities(Drawn):
    def draw(self, rng):
        scores = super().draw(rng)
        return np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))


scores, logp, labels, weights = real(3, 4), LogProbabilities((3, 4), -2, 2), ints(1, 0, 3), positive(4)
many = np.array([[0, 2], [1, 1]], np.int64)
for reduction in ["none", "mean", "sum"]:
    case("SoftmaxCrossEntropyLoss", [scores, labels], outputs=2, reduction=reduction)
    case("NegativeLogLikelihoodLoss", [logp, labels, weights], reduction=reduction)
    case("SoftmaxCrossEntropyLoss", [real(2, 3, 2), many], reduction=reduction, note=f"reduction={reduction}, two a row")
    case("NegativeLogLikelihoodLoss", [logp, labels], reduction=reduction, ignore_index=0)
case("SoftmaxCrossEntropyLoss", [scores, ints(1, -100, 3), weights], ignore_index=-100)
