import numpy as np
from case import family, ints, real

case = family("signals")

case("DFT", [real(2, 6, 1)], opset=20)
case("DFT", [real(2, 6, 2), None, np.array(0, np.int64)], opset=20, constants=(2,), note="another axis")
case("DFT", [real(2, 6, 1), np.array(8, np.int64)], opset=20, constants=(1,), onesided=1)
case("DFT", [real(2, 6, 2), np.array(5, np.int64)], opset=20, constants=(1,), inverse=1)
case("DFT", [real(2, 4, 2)], opset=20, inverse=1, onesided=1)
case("DFT", [real(2, 4, 2), np.array(7, np.int64)], opset=20, constants=(1,), inverse=1, onesided=1, note="of odd length")
case("DFT", [real(2, 5, 1)], opset=17, axis=1, onesided=1)
step = np.array(3, np.int64)
case("STFT", [real(2, 12, 1), step, real(4)], constants=(1,))
case("STFT", [real(2, 12, 1), step, None, np.array(5, np.int64)], constants=(1, 3), onesided=0)
for window in ["HannWindow", "HammingWindow", "BlackmanWindow"]:
    for periodic in [0, 1]:
        case(window, [np.array(7, np.int64)], constants=(0,), periodic=periodic, output_datatype=11)
bins, length, rate = (np.array(n, np.int64) for n in (6, 32, 8192))
case("MelWeightMatrix", [bins, length, rate, np.array(100.0), np.array(3000.0)], constants=(0, 1, 2, 3, 4), output_datatype=11)

# What comes out is of a size that only the inputs tell.
whole = [np.array(n, np.int64) for n in (5, 0, 1)]
case("DFT", [real(3, 4, 2), None, whole[1]], opset=20, note="a computed axis")
case("DFT", [real(3, 4, 1), None, whole[2]], opset=20, onesided=1, note="a computed axis onesided")
case("DFT", [real(2, 4, 2), whole[0]], opset=20, inverse=1, note="a computed length")
case("DFT", [real(2, 4, 2), whole[0]], opset=20, inverse=1, onesided=1, note="a computed length onesided")
case("STFT", [real(2, 12, 1), step, real(5), whole[0]], note="computed")
case("HannWindow", [whole[0]], output_datatype=11, note="computed")
case("MelWeightMatrix", [bins, length, rate, np.array(100.0), np.array(3000.0)], output_datatype=11, note="computed")
