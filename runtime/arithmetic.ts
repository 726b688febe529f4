// Logarithm, sine and cosine by + − × ÷ alone, which every engine rounds alike: Math.log and Math.cos differ between browsers in
// the last bits, and what a device sees has to be what was trained on.

/** The natural logarithm of a number above 0, to a unit of the last place or two. */
export function ln(x: number): number {
  let exponent = 0;
  let mantissa = x;
  // Products with powers of two are exact.
  for (; mantissa > Math.SQRT2; exponent++) mantissa /= 2;
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  // ln m = 2 artanh s.
  const s = (mantissa - 1) / (mantissa + 1);
  let sum = 0;
  for (let n = 21; n > 0; n -= 2) sum = sum * s * s + 1 / n;
  return exponent * Math.LN2 + 2 * s * sum;
}

/** Cosine and sine of an angle in turns: `circle(0.25)` is [0, 1]. */
export function circle(turns: number): readonly [cosine: number, sine: number] {
  const turned = turns - Math.floor(turns);
  const quarter = Math.floor(4 * turned + 0.5);
  const x = 2 * Math.PI * (turned - quarter / 4);
  let cosine = 1;
  let sine = 1;
  // Taylor's series, from the last term on; |x| is π/4 at most.
  for (let n = 18; n > 0; n -= 2) {
    cosine = 1 - (cosine * x * x) / (n * (n - 1));
    sine = 1 - (sine * x * x) / (n * (n + 1));
  }
  sine *= x;
  if (quarter % 2 === 1) [cosine, sine] = [-sine, cosine];
  return quarter === 2 || quarter === 3 ? [-cosine, -sine] : [cosine, sine];
}
