import numpy as np
from case import family, ints, positive, real

case = family("reduction")

for op in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]:
    data = positive(2, 3, 2)
    case(f"Reduce{op}", [data], note="all")
    if op == "Sum":
        case("ReduceSum", [data, ints(-1)], constants=(1,), keepdims=0)
        case("ReduceSum", [data], noop_with_empty_axes=1)
    else:
        case(f"Reduce{op}", [data], axes=[0, 2], keepdims=1)
    case(f"Reduce{op}", [data, ints(1, -1)], opset=18, constants=(1,), keepdims=0)
    case(f"Reduce{op}", [data, ints(1)], opset=20, constants=(1,))
ties = np.array([[1.0, 3.0, 3.0], [2.0, -1.0, 2.0]])
for op in ["ArgMax", "ArgMin"]:
    case(op, [ties], axis=1)
    case(op, [ties], axis=-1, keepdims=0, select_last_index=1)
for exclusive in (0, 1):
    for reverse in (0, 1):
        case("CumSum", [real(2, 4), np.array(1, np.int64)], constants=(1,), exclusive=exclusive, reverse=reverse)
