"""Exports models of scikit-learn and of Keras, and records what these libraries say of them.

Usage: python export.py FOLDER sklearn|keras

FOLDER/NAME.onnx, and index.json: by name the input, its shape and numbers, and those of the output that is compared, by its name in the
file; of Keras the gradients of the sum of sines of the outputs too, by the names of the file's initializers, and that sum before and after each
of five steps of gradient descent. Of scikit-learn's network that learns by plain descent: the classes of the examples, its rate, and the weights
after five steps on these.
"""

import json
import os
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ["KERAS_BACKEND"] = "torch"
import numpy as np  # noqa: E402
import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402

folder, which = sys.argv[1:]
RATE, STEPS = 0.05, 5
index = {}


def numbers(array):
    array = np.asarray(array)
    return {"shape": list(array.shape), "data": [float(x) for x in array.reshape(-1)]}


def of_sklearn():
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.decomposition import PCA
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
    from sklearn.svm import SVC

    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    models = {
        "logistic": LogisticRegression(max_iter=500),
        "mlp": MLPClassifier((16, 8), max_iter=300, random_state=0),
        "mlp-tanh": MLPClassifier((8,), activation="tanh", max_iter=300, random_state=0),
        "mlp-regressor": MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0),
        "pipeline": make_pipeline(StandardScaler(), PCA(3), LogisticRegression()),
        "polynomial": make_pipeline(MinMaxScaler(), PolynomialFeatures(2), Ridge()),
        "forest": RandomForestClassifier(4, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=3),
        "svm": SVC(),
    }
    for name, model in models.items():
        model.fit(x, y)
        classifies = hasattr(model, "predict_proba")
        for ending, options in (("", None), ("-plain", {id(model): {"zipmap": False}})) if classifies else (("", None),):
            file = to_onnx(model, x[:1], options=options)
            onnx.save(file, os.path.join(folder, f"{name}{ending}.onnx"))
            some = x[::30]
            wanted = model.predict_proba(some) if classifies else model.predict(some)
            output = file.graph.output[1 if classifies else 0].name
            index[f"{name}{ending}"] = {"input": file.graph.input[0].name, "x": numbers(some), "output": output, "y": numbers(wanted)}

    # One call of partial_fit on all examples is one step of the mean cross-entropy.
    how = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "learning_rate_init": RATE, "batch_size": 30, "random_state": 0}
    model = MLPClassifier((8,), activation="tanh", **how)
    some, classes = x[::5], y[::5]
    model.partial_fit(some, classes, classes=[0, 1, 2])
    file = to_onnx(model, x[:1], options={id(model): {"zipmap": False}})
    onnx.save(file, os.path.join(folder, "steps.onnx"))
    output = file.graph.output[1].name
    wanted = model.predict_proba(some)
    before = [array.copy() for array in [*model.coefs_, *model.intercepts_]]
    for _ in range(STEPS):
        model.partial_fit(some, classes)
    after = {}
    for tensor in file.graph.initializer:
        array = numpy_helper.to_array(tensor)
        for values, moved in zip(before, [*model.coefs_, *model.intercepts_]):
            if array.dtype.kind == "f" and array.size == values.size and np.allclose(values.reshape(-1), array.reshape(-1)):
                after[tensor.name] = numbers(moved.reshape(array.shape))
    steps = {"rate": RATE, "classes": [int(c) for c in classes], "after": after}
    index["steps"] = {"input": file.graph.input[0].name, "x": numbers(some), "output": output, "y": numbers(wanted), **steps}


def of_keras():
    import keras
    import torch
    from keras import layers as L

    keras.utils.set_random_seed(3)
    dense = [L.Dense(16, activation="relu"), L.Dropout(0.2), L.Dense(3)]
    conv = [L.Conv2D(8, 3, padding="same", activation="relu"), L.BatchNormalization(), L.MaxPooling2D()]
    conv += [L.Conv2D(6, 3, strides=2, activation="gelu"), L.GlobalAveragePooling2D(), L.Dense(4)]
    line = [L.Conv1D(6, 3, activation="tanh"), L.Flatten(), L.Dense(3)]
    models = {"dense": ((6,), dense), "conv": ((12, 12, 3), conv), "conv-1d": ((20, 4), line)}
    for name, (shape, layers) in models.items():
        model = keras.Sequential([keras.Input(shape), *layers])
        path = os.path.join(folder, f"{name}.onnx")
        x = np.random.default_rng(5).normal(size=(2, *shape)).astype(np.float32)
        y = model(torch.tensor(x), training=False)
        torch.sin(y).sum().backward()
        model.export(path, format="onnx", verbose=False)
        file = onnx.load(path)
        gradients, trained = {}, []
        for tensor in file.graph.initializer:
            array = numpy_helper.to_array(tensor)
            for variable in model.trainable_variables:
                values, slope = variable.value.detach().numpy(), variable.value.grad.numpy()
                # Keras has the filters of convolutions last, and ONNX first.
                axes = range(values.ndim)
                for order in [axes, [*axes[:-3:-1], *axes[:-2]]] if values.ndim > 2 else [axes]:
                    if array.dtype.kind == "f" and np.array_equal(values.transpose(order), array):
                        gradients[tensor.name] = numbers(slope.transpose(order))
                        trained.append(variable.value)
        losses = []
        for _ in range(STEPS + 1):
            for value in trained:
                value.grad = None
            loss = torch.sin(model(torch.tensor(x), training=False)).sum()
            losses.append(loss.item())
            loss.backward()
            with torch.no_grad():
                for value in trained:
                    value -= RATE * value.grad
        output = file.graph.output[0].name
        index[name] = {"input": file.graph.input[0].name, "x": numbers(x), "output": output, "y": numbers(y.detach().numpy()), "gradients": gradients, "rate": RATE, "losses": losses}


of_sklearn() if which == "sklearn" else of_keras()
with open(os.path.join(folder, "index.json"), "w") as file:
    json.dump(index, file)
