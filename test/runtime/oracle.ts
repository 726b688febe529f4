// What the bundles of fixture.ts have to give, worked out in float64 without any graph.
import type { LabelledExample } from "@innerloop/runtime";
import { expect } from "vitest";
import { LINEAR } from "./fixture.ts";

/** Deterministic values in −1…1. */
export function noise(seed: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => Math.sin(12.9898 * (seed * length + index + 1)) * 0.9);
}

/** One example for each label. */
export function support(seed: number, labels: readonly string[]): LabelledExample[] {
  return labels.map((label, index) => ({ label, data: noise(seed * 100 + index, 4) }));
}

/** Softmax regression by gradient descent on the bundle `linear`, in float64; a class above `classes` takes no part. */
export function descend(x: readonly Float32Array[], y: readonly number[], classes: number, steps: number) {
  const weight: number[] = [...LINEAR.weight];
  const bias: number[] = [...LINEAR.bias];
  const features = x.map((row) => Array.from(row, (value, k) => value * LINEAR.gain[k]!));
  const logitsOf = (row: readonly number[]) =>
    bias.slice(0, classes).map((b, c) => row.reduce((sum, value, k) => sum + value * weight[3 * k + c]!, b));
  const losses: number[] = [];
  for (let step = 0; step <= steps; step++) {
    const p = features.map((row) => softmax(logitsOf(row)));
    losses.push(p.reduce((sum, row, i) => sum - Math.log(row[y[i]!]!), 0) / y.length);
    if (step === steps) break;
    p.forEach((row, i) => {
      row[y[i]!]! -= 1;
    });
    for (let c = 0; c < classes; c++) {
      const g = p.map((row) => (LINEAR.rate * row[c]!) / y.length);
      features.forEach((row, i) => {
        row.forEach((value, k) => {
          weight[3 * k + c]! -= value * g[i]!;
        });
        bias[c]! -= g[i]!;
      });
    }
  }
  const predict = (row: Float32Array) => softmax(logitsOf(Array.from(row, (value, k) => value * LINEAR.gain[k]!)));
  return { weight, bias, losses, predict };
}

function softmax(logits: readonly number[]): number[] {
  const weights = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** No entry may differ by more. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance);
}

/** The nearest-prototype head of the bundle `prototypes`: logits 2 x·p − |p|² for the mean p of each class. */
export function prototypes(x: readonly Float32Array[], y: readonly number[], classes: number) {
  const means = Array.from({ length: classes }, (_, c) => {
    const own = x.filter((_, i) => y[i] === c);
    return [0, 1].map((k) => own.reduce((sum, row) => sum + row[k]!, 0) / own.length);
  });
  return {
    predict: (row: Float32Array) =>
      softmax(means.map((mean) => mean.reduce((sum, p, k) => sum + 2 * row[k]! * p - p * p, 0))),
  };
}
