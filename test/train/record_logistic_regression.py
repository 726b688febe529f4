"""Records what scikit-learn's logistic regression says of made-up tasks: python record_logistic_regression.py

Needs scikit-learn. Writes recorded/logistic-regression.json; the numbers of a task are those of the formula in `numbers`,
which logistic-regression.test.ts has as well.
"""

import math
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

here = Path(__file__).resolve().parent
sys.path.append(str(here.parent / "support"))

from recording import write  # noqa: E402


def numbers(task: int, ways: int, each: int, size: int, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Examples [ways * each, size] around a pattern a class, in float32, and their labels."""
    rows, labels = [], []
    for way in range(ways):
        for example in range(each):
            pattern = [math.sin(0.7 * (task + 1) * (way + 1) * (i + 1)) for i in range(size)]
            noise = [math.sin(1.3 * (i + 1) * (way + 2) * (first + example + 3) + task) for i in range(size)]
            rows.append([0.6 * p + 1.1 * q for p, q in zip(pattern, noise)])
            labels.append(way)
    return np.array(rows, dtype=np.float32), np.array(labels)


tasks = []
for task, (ways, shots, size, c) in enumerate(
    [(2, 1, 6, 1.0), (5, 1, 12, 1.0), (5, 5, 12, 1.0), (3, 4, 30, 0.1), (4, 3, 8, 10.0), (10, 2, 40, 1.0)]
):
    x, y = numbers(task, ways, shots, size, 0)
    queries, truth = numbers(task, ways, 20, size, 100)
    model = LogisticRegression(C=c, tol=1e-10, max_iter=100_000).fit(x.astype(np.float64), y)
    answers = model.predict(queries.astype(np.float64))
    tasks.append(
        {"ways": ways, "shots": shots, "size": size, "c": c, "answers": answers.tolist(), "accuracy": float((answers == truth).mean())}
    )

write(here / "recorded/logistic-regression.json", {"scikit-learn": sklearn.__version__, "tasks": tasks})
