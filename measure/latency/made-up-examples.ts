// Examples of the right shape with nothing in them that means anything: time does not depend on what numbers say.
import type { LabelledExample } from "@innerloop/runtime";
import { type Manifest, sizeOf } from "@innerloop/schemas";

const numbers = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => (Math.sin(0.37 * i + phase) + 1) / 2);

/** Five classes, or as many as the bundle tells apart, with as many examples each as it was trained for; ten points for a regression. */
export function madeUpExamples(manifest: Manifest): LabelledExample[] {
  const size = sizeOf(manifest.input.shape);
  if (manifest.task === "regression") {
    const points = 10;
    const outputs = manifest.output.size ?? 1;
    const batch = (width: number) => ({ data: numbers(points * width, 0), shape: [points, width] });
    const x = { data: numbers(points * size, 0), shape: [points, ...manifest.input.shape] };
    // The runtime's types tell the two tasks apart at the call; here the manifest does.
    return { x, y: batch(outputs) } as unknown as LabelledExample[];
  }
  const labels = manifest.labels ?? ["1", "2", "3", "4", "5"].slice(0, manifest.output.ways ?? 5);
  const shots = manifest.innerLoop.shots ?? 1;
  return labels.flatMap((label, i) =>
    Array.from({ length: shots }, (_, shot) => ({ label, data: numbers(size, i + 0.1 * shot) })),
  );
}

/** One more example. */
export const madeUpQuery = (manifest: Manifest): Float32Array => numbers(sizeOf(manifest.input.shape), 0.05);
