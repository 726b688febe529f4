// Floats of 8 bits and fewer (OCP 8-bit and microscaling formats; ONNX, "Float stored in 8 bits"): so few numbers that each type is a
// table of them, and rounding is a search in it.

/** The numbers of a type by their bits. */
export interface Minifloat {
  /** By the bits without the sign; they grow. */
  readonly magnitudes: Float64Array;
  /** The bit of the sign; 0 where there is none. */
  readonly sign: number;
  /** The bits of NaN; undefined where there is none. */
  readonly nan?: number;
  /** The bits of infinity; undefined where there is none. */
  readonly infinity?: number;
}

interface Layout {
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
  /** How many of the highest magnitudes are no finite numbers. */
  readonly special?: number;
  readonly nan?: number;
  readonly infinity?: number;
}

function minifloat({ exponent, mantissa, bias, special = 0, nan, infinity }: Layout): Minifloat {
  const steps = 2 ** mantissa;
  const magnitudes = Float64Array.from({ length: 2 ** (exponent + mantissa) - special }, (_, bits) => {
    const [power, fraction] = [Math.floor(bits / steps), bits % steps];
    return power === 0 ? (fraction / steps) * 2 ** (1 - bias) : (1 + fraction / steps) * 2 ** (power - bias);
  });
  const sign = 2 ** (exponent + mantissa);
  return { magnitudes, sign, ...(nan !== undefined && { nan }), ...(infinity !== undefined && { infinity }) };
}

export const float8e4m3fn = minifloat({ exponent: 4, mantissa: 3, bias: 7, special: 1, nan: 0x7f });
export const float8e4m3fnuz = minifloat({ exponent: 4, mantissa: 3, bias: 8, nan: 0x80 });
export const float8e5m2 = minifloat({ exponent: 5, mantissa: 2, bias: 15, special: 4, nan: 0x7e, infinity: 0x7c });
export const float8e5m2fnuz = minifloat({ exponent: 5, mantissa: 2, bias: 16, nan: 0x80 });
export const float4e2m1 = minifloat({ exponent: 2, mantissa: 1, bias: 1 });
/** Powers of two alone. */
export const float8e8m0: Minifloat = {
  magnitudes: Float64Array.from({ length: 255 }, (_, bits) => 2 ** (bits - 127)),
  sign: 0,
  nan: 0xff,
};

/** How a number that a type lacks is rounded. */
export interface Rounding {
  /** Whether what is too large becomes the largest number (the default), and not infinity or NaN. */
  readonly saturate?: boolean;
  readonly direction?: "nearest" | "up" | "down";
}

/** The number of some bits. */
export function numberOf({ magnitudes, sign, nan, infinity }: Minifloat, bits: number): number {
  const isNegative = sign > 0 && bits >= sign;
  const rest = isNegative ? bits - sign : bits;
  if (bits === nan || (nan !== undefined && infinity !== undefined && rest > infinity)) return Number.NaN;
  if (rest === infinity) return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const size = magnitudes[rest];
  if (size === undefined) return Number.NaN;
  return isNegative ? -size : size;
}

/** The bits of a number, rounded: to the nearest, ties to even, unless another way is asked for. */
export function bitsOf(type: Minifloat, x: number, { saturate = true, direction = "nearest" }: Rounding = {}): number {
  const { magnitudes, sign, nan, infinity } = type;
  if (Number.isNaN(x)) return nan ?? 0;
  const isNegative = x < 0 || Object.is(x, -0);
  // Without a negative zero, the bits of the sign alone are NaN.
  const signed = (bits: number) => (isNegative && !(bits === 0 && nan === sign) ? bits + sign : bits);
  const last = magnitudes.length - 1;
  const size = Math.abs(x);
  const place = rounded(magnitudes, size, direction);
  if (place <= last) return signed(place);
  if (saturate) return signed(last);
  if (infinity !== undefined) return signed(infinity);
  return nan === undefined ? signed(last) : nan === sign ? nan : signed(nan);
}

/** The place of the number that a size is rounded to, which is one too far where that is beyond the last. */
function rounded(magnitudes: Float64Array, size: number, direction: "nearest" | "up" | "down"): number {
  const last = magnitudes.length - 1;
  const [largest = 0, before = 0] = [magnitudes[last], magnitudes[last - 1]];
  let [low, high] = [0, last];
  if (size > largest) {
    // As though there were a next number, one step on.
    const middle = largest + (largest - before) / 2;
    const isBeyond =
      direction === "up" || (direction === "nearest" && (size > middle || (size === middle && last % 2 === 1)));
    return isBeyond || size === Number.POSITIVE_INFINITY ? last + 1 : last;
  }
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((magnitudes[middle] ?? 0) < size) low = middle + 1;
    else high = middle;
  }
  const above = magnitudes[low] ?? 0;
  const below = magnitudes[low - 1];
  if (above === size || below === undefined || direction === "up") return low;
  if (direction === "down") return low - 1;
  const [up, down] = [above - size, size - below];
  return up < down || (up === down && low % 2 === 0) ? low : low - 1;
}
