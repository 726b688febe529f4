// SHA-256 for React Native, which has no WebCrypto.

/** The SHA-256 of bytes (FIPS 180-4), in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  // The first 32 fractional bits of roots of the first primes: square roots to start from, cube roots as constants.
  const hash = Int32Array.from(primes.slice(0, 8), (prime) => (prime ** 0.5 % 1) * 2 ** 32);
  const constants = Int32Array.from(primes, (prime) => (Math.cbrt(prime) % 1) * 2 ** 32);

  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const words = new Int32Array(64);
  const turn = (word: number, by: number) => (word >>> by) | (word << (32 - by));
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e, f, g, h] = hash as unknown as Eight;
    for (let i = 0; i < 64; i++) {
      const x = words[i - 15]!;
      const y = words[i - 2]!;
      words[i] =
        i < 16
          ? view.getInt32(block + i * 4)
          : words[i - 16]! +
            (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) +
            words[i - 7]! +
            (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
      const first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[i]! + words[i]!;
      const second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      hash[i]! += word;
    });
  }
  return Array.from(hash, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

type Eight = [number, number, number, number, number, number, number, number];
