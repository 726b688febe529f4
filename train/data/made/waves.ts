// Sine waves of random amplitude and phase.
import type { Random } from "../../random.ts";
import type { ExampleTensors } from "../episodes/task.ts";

/** The value of a wave at x. */
export type Wave = (x: number) => number;

/** y = A·sin(x − φ) with A ~ U[0.1, 5) and φ ~ U[0, π). */
export function drawWave(random: Random): Wave {
  const amplitude = random.uniform(0.1, 5);
  const phase = random.uniform(0, Math.PI);
  return (x) => amplitude * Math.sin(x - phase);
}

/** Points of a wave at x ~ U[−5, 5). */
export function drawPoints(random: Random, wave: Wave, count: number): ExampleTensors {
  const x = Float32Array.from({ length: count }, () => random.uniform(-5, 5));
  const y = Float32Array.from(x, wave);
  return {
    x: { dtype: "float32", shape: [count, 1], data: x },
    y: { dtype: "float32", shape: [count, 1], data: y },
  };
}
