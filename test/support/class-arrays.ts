// Files of arrays with classes that can be told apart: each is a direction of its own, with some noise.
import { writeFileSync } from "node:fs";
import { encodeSafetensors } from "@innerloop/schemas";
import { random } from "@innerloop/train";

/**
 * Writes a safetensors file with `x [n, size]` and `y [n]`.
 * @param examples of each class, in the order of their labels 0, 1, …
 * @returns the SPEC that opens it
 */
export function classArrays(file: string, examples: readonly number[], size = 6): string {
  const count = examples.reduce((sum, n) => sum + n, 0);
  const x = new Float32Array(count * size);
  const y = new Int32Array(count);
  let row = 0;
  examples.forEach((n, label) => {
    const centre = Array.from({ length: size }, (_, i) => random(label, i).normal());
    const noise = random(label, 1000);
    for (let i = 0; i < n; i++, row++) {
      y[row] = label;
      for (let j = 0; j < size; j++) x[row * size + j] = centre[j]! + 0.3 * noise.normal();
    }
  });
  writeFileSync(
    file,
    encodeSafetensors({
      x: { dtype: "float32", shape: [count, size], data: x },
      y: { dtype: "int32", shape: [count], data: y },
    }),
  );
  return `arrays:${file}`;
}

/** So many classes of ten examples. */
export const tens = (classes: number): number[] => new Array<number>(classes).fill(10);
