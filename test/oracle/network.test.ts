// The oracle itself is held against PyTorch's float64 numbers, and its derivatives against its own losses.
import { describe, expect, it } from "vitest";
import { caseData, digest, distance, type RecordedCase, recordedCases, Stream } from "./cases.ts";
import { adapt, firstOrderMetaGradient, metaDerivative, metaGradient, metaLoss } from "./inner-loop.ts";
import { evaluate } from "./network.ts";
import type { Array64, Arrays } from "./types.ts";

const cases = recordedCases();
const far = (values: Arrays, recorded: RecordedCase["float64"]["firstOrder"]): number =>
  Math.max(...Object.entries(recorded).map(([name, entry]) => distance(values[name]!.data, entry)));
const relative = (value: number, expected: number): number => Math.abs(value - expected) / Math.abs(expected);

it("draws the generator's published numbers", () => {
  // The multiplier and increment are those of Numerical Recipes, whose first states from seed 0 are printed there.
  const stream = new Stream(0);
  const states = Array.from({ length: 4 }, () => ((stream.next() + 1) / 2) * 2 ** 32);
  expect(states).toEqual([0x3c6ef35f, 0x47502932, 0xd1ccf6e9, 0xaaf95334]);
});

it("covers every model, both activations, every norm, strides and pools", () => {
  const networks = cases.map(({ network }) => network);
  expect(new Set(networks.map(({ model, activation }) => `${model} ${activation}`)).size).toBe(6);
  expect(new Set(networks.map(({ norm }) => norm))).toEqual(new Set([undefined, "layer", "batch", "none"]));
  expect(new Set(networks.map(({ pool }) => pool))).toEqual(new Set([undefined, false, true]));
});

describe.each(cases)("$name", (recorded) => {
  const { network, float64 } = recorded;
  const { parameters, tasks, inner } = caseData(recorded);

  it("adapts as PyTorch does", () => {
    tasks.forEach((task, index) => {
      const adapted = adapt(network, parameters, task.support, inner);
      const query = evaluate(network, adapted.parameters, task.query);
      float64.supportLosses[index]!.forEach((loss, step) => {
        expect(relative(adapted.supportLosses[step]!, loss)).toBeLessThan(1e-10);
      });
      expect(relative(query.loss, float64.queryLosses[index]!)).toBeLessThan(1e-10);
      expect(far(adapted.parameters, float64.adapted[index]!)).toBeLessThan(1e-10);
      if (recorded.margin !== null)
        expect(Math.min(adapted.margin, query.margin)).toBeGreaterThanOrEqual(recorded.margin * 0.99);
    });
    expect(relative(metaLoss(network, parameters, tasks, inner), float64.metaLoss)).toBeLessThan(1e-10);
  });

  it("has PyTorch's first-order meta-gradient", () => {
    expect(far(firstOrderMetaGradient(network, parameters, tasks, inner), float64.firstOrder)).toBeLessThan(1e-9);
  });

  it("has PyTorch's second-order meta-gradient, for the parameters and for the rates", () => {
    const gradient = metaGradient(network, parameters, tasks, inner);
    const accuracy = recorded.margin === null ? 1e-9 : 1e-7;
    expect(far(gradient.parameters, float64.secondOrder)).toBeLessThan(accuracy);
    for (const [name, derivative] of Object.entries(float64.rateGradient))
      expect(relative(gradient.rates[name]!, derivative), name).toBeLessThan(accuracy);
  });

  it("has PyTorch's derivative of the meta-loss along a direction, from losses alone", () => {
    let [expected, gradientSquared, directionSquared] = [0, 0, 0];
    const direction: Record<string, Array64> = {};
    for (const [name, { shape }] of Object.entries(parameters)) {
      // The vector that the recorded dot products were taken with.
      const vector = new Stream(1).vector(shape);
      direction[name] = vector;
      expected += float64.secondOrder[name]!.dot;
      gradientSquared += float64.secondOrder[name]!.norm ** 2;
      directionSquared += digest(vector.data).norm ** 2;
    }
    const derivative = metaDerivative(network, parameters, tasks, inner, direction);
    const difference = Math.abs(derivative - expected) / Math.sqrt(gradientSquared * directionSquared);
    expect(difference).toBeLessThan(recorded.margin === null ? 1e-10 : 1e-8);
  });

  it("has a second order that differs from the first, and moves every parameter that adapts", () => {
    const differences = Object.entries(float64.firstOrder).map(([name, entry]) =>
      relative(float64.secondOrder[name]!.norm, entry.norm),
    );
    expect(Math.max(...differences)).toBeGreaterThan(1e-3);
    const adapted = adapt(network, parameters, tasks[0]!.support, inner).parameters;
    for (const name of Object.keys(inner.rates)) expect(adapted[name]!.data).not.toEqual(parameters[name]!.data);
  });
});
