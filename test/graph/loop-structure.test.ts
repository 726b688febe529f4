// Inner steps as turns of one body: the numbers and the derivatives of the same steps one after another, in few nodes, with what is
// held of a turn as was asked for.
import {
  adam,
  constant,
  evaluate,
  grad,
  heldBytes,
  type InnerLoopOptions,
  innerLoop,
  input,
  type LoopStructure,
  lower,
  onnxTarget,
  op,
  type ShapedNumbers,
  simplify,
  topological,
  type Value,
  vmap,
} from "@innerloop/graph";
import { describe, expect, test } from "vitest";
import { differences, distance, numberOf, numbers, randomNumbers } from "./numbers.ts";

const turns: readonly LoopStructure[] = ["loop", "checkpoints"];
type Values = Readonly<Record<string, Value>>;

describe.each(turns)("a quadratic, by hand: %s", (structure) => {
  const [theta, rate] = [input("theta", [], "float64"), input("rate", [], "float64")];
  const quadratic = (p: Values): Value => op.Mul(1.5, op.Mul(p.theta!, p.theta!));

  test.each([1, 2, 10])("θ after %i steps, the losses, the path, and the derivatives by start and rate", (steps) => {
    const at = { theta: { shape: [], data: [2] }, rate: { shape: [], data: [0.1] } };
    const { adapted, losses, path } = innerLoop(quadratic, { theta }, { steps, rates: { theta: rate }, structure });
    const thetas = Array.from({ length: steps + 1 }, (_, k) => 2 * 0.7 ** k);
    expect(numberOf(adapted.theta!, at)).toBeCloseTo(thetas.at(-1)!, 13);
    expect([...evaluate([losses], at)[0]!.data]).toEqual(thetas.map((t) => expect.closeTo(1.5 * t * t, 12)));
    expect(path.map((p) => numberOf(p.theta!, at))).toEqual(thetas.map((t) => expect.closeTo(t, 13)));
    const [byTheta, byRate] = grad(quadratic(adapted), [theta, rate]);
    expect(numberOf(byTheta!, at)).toBeCloseTo(3 * thetas.at(-1)! * 0.7 ** steps, 12);
    expect(numberOf(byRate!, at)).toBeCloseTo(3 * thetas.at(-1)! * 2 * steps * 0.7 ** (steps - 1) * -3, 11);
  });
});

const next = randomNumbers(31);
const shapes = { w: [3, 4], gain: [4], v: [4, 2] };
const parameters = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, input(name, shape, "float64")]),
);
const [x, y] = [input("x", [5, 3], "float64"), input("y", [5], "int64")];
const lossOf =
  (x: Value, y: Value) =>
  (p: Values): Value => {
    const hidden = op.Mul(op.Standardize(op.MatMul(x, p.w!), [1]), p.gain!);
    return op.SoftmaxCrossEntropyLoss(op.MatMul(op.Tanh(hidden), p.v!), y);
  };
const loss = lossOf(x, y);
const rate = input("rate", [], "float64");
const rates = { w: rate, gain: 0.2, v: op.Mul(rate, 2) };
const feeds: Record<string, ShapedNumbers> = {
  ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, numbers(shape, next)])),
  x: numbers([5, 3], next),
  y: { shape: [5], data: [0, 1, 1, 0, 1] },
  rate: { shape: [], data: [0.4] },
};
const wrt = [...Object.values(parameters), rate];

/** A meta-loss that looks at the end, at a step on the way, and at the losses; its slopes, and the numbers of the way. */
function answers(options: Partial<InnerLoopOptions>, given = feeds): number[][] {
  const { adapted, losses, path, guard } = innerLoop(loss, parameters, { steps: 3, rates, ...options });
  const meta = op.Add(loss({ ...parameters, ...adapted }), op.Mul(0.3, loss({ ...parameters, ...path[1] })));
  const outputs = [meta, ...grad(op.Add(meta, op.ReduceMean(losses, { keepdims: false })), wrt), losses];
  if (guard?.keptAt) outputs.push(op.Cast(guard.keptAt, "float64"));
  if (guard) outputs.push(op.Cast(guard.kept, "float64"), op.Cast(guard.refused, "float64"), guard.scale);
  return evaluate(simplify(outputs), given).map(({ data }) => [...data]);
}

function expectSame(got: readonly number[][], expected: readonly number[][]): void {
  expect(got).toHaveLength(expected.length);
  expected.forEach((numbers, i) => {
    expect(distance(got[i]!, numbers)).toBeLessThan(1e-12);
  });
}

describe.each(turns)("the same as unrolled: %s", (structure) => {
  test.each([1, 2, 10])("%i steps, of both orders, guarded and plain", (steps) => {
    for (const order of [1, 2] as const)
      for (const loop of ["guarded", "plain"] as const) {
        const options = { steps, order, loop };
        expectSame(answers({ ...options, structure }), answers(options));
      }
  });

  test("where steps are taken back, and the start pulls", () => {
    const far = { ...feeds, rate: { shape: [], data: [40] } };
    expectSame(answers({ structure, decay: 0.1 }, far), answers({ decay: 0.1 }, far));
    const [, refused] = answers({ structure }, far).slice(-2);
    expect(refused).not.toEqual([1]);
  });

  test("with an optimizer that keeps arrays of its own", () => {
    const options = { optimizer: { rule: adam(), clip: 0.5 }, steps: 4 };
    expectSame(answers({ ...options, structure }), answers(options));
  });

  test("with some parameters that stay, and scaled losses", () => {
    const options = { rates: { v: rate }, lossScale: constant(8, [], "float64") };
    expectSame(answers({ ...options, structure }), answers(options));
  });

  test("for many tasks at once", () => {
    const [xs, ys] = [input("xs", [3, 5, 3], "float64"), input("ys", [3, 5], "int64")];
    const slopes = (options: Partial<InnerLoopOptions>) => {
      const [losses] = vmap(
        (x, y) => {
          const { adapted } = innerLoop(lossOf(x!, y!), parameters, { steps: 3, rates, ...options });
          return [lossOf(x!, y!)(adapted)];
        },
        [xs, ys],
      );
      const outputs = grad(op.ReduceSum(losses!, { keepdims: false }), wrt);
      const random = randomNumbers(8);
      const given = {
        ...feeds,
        xs: numbers([3, 5, 3], random),
        ys: { shape: [3, 5], data: [0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1] },
      };
      return evaluate(outputs, given).map(({ data }) => [...data]);
    };
    expectSame(slopes({ structure }), slopes({}));
  });

  test("differentiated once more, against central differences", () => {
    const { adapted } = innerLoop(loss, parameters, { steps: 2, rates, structure });
    const [slope] = grad(loss({ ...parameters, ...adapted }), [parameters.gain!]);
    const sum = op.ReduceSum(op.Mul(slope!, slope!), { keepdims: false });
    const [second] = grad(sum, [parameters.w!]);
    expect(distance([...evaluate([second!], feeds)[0]!.data], differences(sum, feeds, "w"))).toBeLessThan(1e-7);
  });
});

describe("what a graph becomes", () => {
  const slopesOf = (steps: number, structure: LoopStructure) => {
    const { adapted } = innerLoop(loss, parameters, { steps, rates, loop: "plain", structure });
    return grad(loss(adapted), Object.values(parameters));
  };
  const counted = (values: readonly Value[]) => topological(lower(values, onnxTarget())).length;

  test("as turns it is as large for any number of steps, and its turns forward stand in it once", () => {
    for (const structure of turns) {
      const [few, many] = [slopesOf(3, structure), slopesOf(30, structure)];
      expect(counted(many)).toBe(counted(few));
      const scans = topological(lower(many, onnxTarget())).filter(({ operator }) => operator.name === "Scan");
      expect(scans).toHaveLength(2);
    }
  });

  test("checkpoints hold the parameters of each step, turns of a loop what is between them as well", () => {
    const held = turns.map((structure) => heldBytes(lower(slopesOf(7, structure), onnxTarget())));
    const moved = Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 8), 0);
    expect(held[1]).toBe(7 * moved);
    expect(held[0]).toBeGreaterThan(7 * moved);
  });

  test("where no derivative goes through the inner gradient, nothing runs backwards", () => {
    const { adapted } = innerLoop(loss, parameters, { steps: 4, rates, order: 1, loop: "plain", structure: "loop" });
    const slopes = grad(loss(adapted), Object.values(parameters));
    const scans = topological(lower(slopes, onnxTarget())).filter(({ operator }) => operator.name === "Scan");
    expect(scans).toHaveLength(1);
  });

  test("no steps are no turns", () => {
    const { adapted } = innerLoop(loss, parameters, { steps: 0, rates, structure: "loop" });
    expect(Object.values(adapted)).toEqual(Object.values(parameters));
  });
});
