// In a bundle's inner loop each class weighs the same, however many examples of it there are: as if the examples of the
// smaller classes had been given several times.
import { buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { distance } from "../support/numbers.ts";
import { learners, randomEpisode, randomWeights, unrolled } from "./learners.ts";

const kinds = [
  "maml, metamodel",
  "maml, conv4, layer norm",
  "maml, conv4, head from zero",
  "maml, conv4, head from prototypes",
  "anil, head from prototypes",
  "fomaml, conv4",
  "prototypes",
];
const steps = 3;

/** Rows of a tensor, some of them several times. */
function picked({ dtype, shape, data }: Tensor, rows: readonly number[]): Tensor {
  const size = data.length / shape[0]!;
  const values = rows.flatMap((row) => Array.from(data.subarray(row * size, (row + 1) * size), Number));
  const kept = dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values);
  return { dtype, shape: [rows.length, ...shape.slice(1)], data: kept };
}

const examples = (given: { x: Tensor; y: Tensor }, rows: readonly number[]) => ({
  x: picked(given.x, rows),
  y: picked(given.y, rows),
});

/** Of four examples of each of three classes (row r is of class r mod 3): 4, 2 and 1 of them; and each class 4 times. */
const unequal = [0, 3, 6, 9, 1, 4, 2];
const repeated = [0, 3, 6, 9, 1, 4, 1, 4, 2, 2, 2, 2];

async function adapted(learner: Learner, weights: Readonly<Record<string, Tensor>>, support: { x: Tensor; y: Tensor }) {
  const session = await openSession(buildBundle(learner, weights).files["adapt.onnx"]!, { provider: "cpu" });
  try {
    return await session.run({
      support_x: support.x,
      support_y: support.y,
      steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
    });
  } finally {
    await session.dispose();
  }
}

describe.each(kinds)("%s", (kind) => {
  const learner = learners[kind]!();
  const weights = randomWeights(learner);
  const { support, query } = randomEpisode(learner, 3, 4, 1);

  it("equals the same examples, repeated until the classes are equal", async () => {
    const few = await adapted(learner, weights, examples(support, unequal));
    const many = await unrolled(learner, weights, { balanced: false })(examples(support, repeated), query, steps);
    for (const [name, { data }] of Object.entries(many.state))
      expect(distance(few[`adapted/${name}`]!.data, data), name).toBeLessThan(5e-5);
    expect(distance(few.support_loss!.data, many.supportLoss as number[])).toBeLessThan(2e-5);
  });

  it("equals the learner's own graphs in float64, which without balance say something else", async () => {
    const given = examples(support, unequal);
    const own = await adapted(learner, weights, given);
    const balanced = await unrolled(learner, weights)(given, query, steps);
    const plain = await unrolled(learner, weights, { balanced: false })(given, query, steps);
    expect(distance(own.support_loss!.data, balanced.supportLoss as number[])).toBeLessThan(2e-5);
    expect(distance(own.support_loss!.data, plain.supportLoss as number[])).toBeGreaterThan(1e-3);
  });

  it("changes nothing where the classes are equal", async () => {
    const balanced = await unrolled(learner, weights)(support, query, steps);
    const plain = await unrolled(learner, weights, { balanced: false })(support, query, steps);
    expect(distance(balanced.supportLoss as number[], plain.supportLoss as number[])).toBeLessThan(1e-12);
    expect(distance(balanced.logits.data, plain.logits.data)).toBeLessThan(1e-12);
  });
});

it("a prototype head says how far the nearest class is", async () => {
  const learner = learners.prototypes!();
  const weights = randomWeights(learner);
  const { support } = randomEpisode(learner, 4, 1, 1);
  const { logits } = await unrolled(learner, weights)(support, support, 0);
  // One example a class is its own mean: the distance is 0 to it, and further to all others.
  const rows = Array.from({ length: 4 }, (_, row) => [...logits.data.subarray(4 * row, 4 * row + 4)].map(Number));
  for (const [row, values] of rows.entries())
    for (const [column, value] of values.entries())
      if (row === column) expect(value).toBeCloseTo(0, 9);
      else {
        expect(value).toBeLessThan(-0.01);
        expect(value).toBeCloseTo(rows[column]![row]!, 9);
      }
});
