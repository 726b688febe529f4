// SHA-256 for hosts whose WebCrypto is not always there: browsers have it in secure contexts alone, React Native not at
// all. A page on a phone that a computer in the same network serves is one without.

/** The SHA-256 of bytes (FIPS 180-4), in lower-case hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>))
    : sha256Here(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same without WebCrypto: 32 bytes. */
export function sha256Here(bytes: Uint8Array): Uint8Array {
  const { constants, start } = primes();
  const hash = Int32Array.from(start);
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const words = new Int32Array(64);
  const turn = (word: number, by: number) => (word >>> by) | (word << (32 - by));
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e, f, g, h] = hash as unknown as number[] as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let i = 0; i < 64; i++) {
      if (i < 16) {
        words[i] = view.getInt32(block + i * 4);
      } else {
        const x = words[i - 15]!;
        const y = words[i - 2]!;
        words[i] =
          words[i - 16]! +
          (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) +
          words[i - 7]! +
          (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
      }
      const first =
        (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[i]! + words[i]!) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      hash[i] = hash[i]! + word;
    });
  }
  const digest = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => {
    digest.setInt32(i * 4, word);
  });
  return new Uint8Array(digest.buffer);
}

/** The constants are the first 32 fractional bits of cube roots of the first 64 primes, and of square roots of 8 of them. */
function primes(): { constants: Int32Array; start: Int32Array } {
  const found: number[] = [];
  for (let n = 2; found.length < 64; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  const fraction = (root: number) => (root % 1) * 2 ** 32;
  return {
    constants: Int32Array.from(found, (prime) => fraction(Math.cbrt(prime))),
    start: Int32Array.from(found.slice(0, 8), (prime) => fraction(Math.sqrt(prime))),
  };
}
