import numpy as np
from case import family, ints, real

family_case = family("classical")


def case(operator, inputs, **options):
    family_case(operator, inputs, domain="ai.onnx.ml", **options)


x, whole = real(4, 3), np.array([[1, 2, 0], [2, 2, 1]], np.int64)
case("Scaler", [x], offset=[0.5, -1.0, 2.0], scale=[2.0, 0.25, 1.0])
for norm in ["MAX", "L1", "L2"]:
    case("Normalizer", [x], norm=norm)
case("Binarizer", [x], threshold=0.25)
case("Imputer", [np.array([[1.0, -1], [-1, 2.0]])], imputed_value_floats=[3.0, 4.0], replaced_value_float=-1.0)
case("Imputer", [whole], imputed_value_int64s=[7, 8, 9], replaced_value_int64=2)
case("ArrayFeatureExtractor", [x, ints(2, 0)])
case("FeatureVectorizer", [x, real(4, 2)], inputdimensions=[3, 2], reference=False, expected=lambda a, b: np.concatenate([a, b], 1))
case("OneHotEncoder", [whole], cats_int64s=[0, 1, 2, 5])
case("LabelEncoder", [whole], keys_int64s=[0, 1], values_int64s=[5, -3], default_int64=9)
case("LabelEncoder", [whole], keys_int64s=[0, 2], values_floats=[0.5, -1.5], default_float=0.25)
weights = [0.5, -1.0, 0.25, 1.5, 0.75, -0.5, -0.25, 0.125, 1.0]
case("LinearRegressor", [x], coefficients=weights, intercepts=[0.5, -0.25, 1.0], targets=3, post_transform="NONE")
for transform in ["NONE", "SOFTMAX", "LOGISTIC"]:
    case(
        "LinearClassifier", [x], outputs=2, coefficients=weights, intercepts=[0.5, -0.25, 1.0], classlabels_ints=[4, 7, 1],
        post_transform=transform,
    )  # fmt: skip
case("LinearClassifier", [x], outputs=2, coefficients=weights[:3], intercepts=[0.5], classlabels_ints=[4, 7], post_transform="LOGISTIC", note="of two classes")
