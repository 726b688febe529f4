from case import family, real

case = family("linear-algebra")

for a, b in [((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 1, 2, 3), (4, 3, 2)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (3,))]:
    case("MatMul", [real(*a), real(*b)], note=f"{a} {b}")
case("Gemm", [real(2, 3), real(3, 4), real(4)])
case("Gemm", [real(3, 2), real(4, 3), real(2, 1)], transA=1, transB=1, alpha=0.5, beta=2.0)
case("Gemm", [real(2, 3), real(4, 3)], transB=1)
