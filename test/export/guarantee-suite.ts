// The promise of the guarded loop, in training's own graph and in the exported file: whatever the data, labels, steps and rate, what
// comes out has no higher loss on the examples than what went in.
// INNERLOOP_RANDOM_ADAPTATIONS says how many adaptations are tried in the exported files, over all learners.
import { buildBundle } from "@innerloop/export";
import type { Learner } from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { type Random, random } from "@innerloop/train";
import { describe, expect, test } from "vitest";
import { learners, randomWeights, unrolled } from "./learners.ts";

/** Every kind of learner whose loop is guarded. */
export const guarded = Object.entries(learners)
  .map(([name, build]) => [name, build()] as const)
  .filter(([, { loop }]) => loop === "guarded");
const rounds = Math.ceil(Number(process.env.INNERLOOP_RANDOM_ADAPTATIONS ?? 360) / guarded.length);

interface Trial {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly steps: number;
  readonly rate: number;
}

const between = (stream: Random, low: number, high: number) => low + (high - low) * stream.uniform();
const whole = (stream: Random, low: number, high: number) => Math.floor(between(stream, low, high + 1));

/** Data of any scale, place and number, some of it constant or twice there; labels that are right, wrong or at odds. */
function randomTrial({ inputShape, outputs, task }: Learner, stream: Random): Trial {
  const size = sizeOf(inputShape);
  const ways = whole(stream, 2, Math.min(outputs ?? 6, 6));
  const n = whole(stream, ways, 4 * ways);
  const [scale, place] = [10 ** between(stream, -4, 4), between(stream, -1, 1) * 10 ** between(stream, -2, 3)];
  const data = new Float32Array(n * size);
  for (let i = 0; i < n; i++) {
    const kind = stream.uniform();
    for (let k = 0; k < size; k++)
      data[i * size + k] =
        kind < 0.1 ? place : kind < 0.2 && i > 0 ? data[(i - 1) * size + k]! : place + scale * stream.normal();
  }
  const y: Tensor =
    task === "regression"
      ? {
          dtype: "float32",
          shape: [n, outputs!],
          data: new Float32Array(n * outputs!).map(() => 10 ** between(stream, -2, 2) * stream.normal()),
        }
      : {
          dtype: "int32",
          shape: [n],
          // Every class has an example; the rest is as it comes.
          data: Int32Array.from({ length: n }, (_, i) => (i < ways ? i : whole(stream, 0, ways - 1))),
        };
  return {
    x: { dtype: "float32", shape: [n, ...inputShape], data },
    y,
    steps: whole(stream, 0, 25),
    rate: 10 ** between(stream, -3, 3),
  };
}

/** The loss of answers, each class weighing the same. */
function lossOf(task: Learner["task"], answers: Tensor, y: Tensor): number {
  const width = answers.shape[1]!;
  const rows = Array.from({ length: answers.shape[0]! }, (_, i) =>
    Array.from(answers.data.slice(i * width, (i + 1) * width) as Float32Array, Number),
  );
  if (task === "regression") {
    const errors = rows.flatMap((row, i) => row.map((value, k) => (value - Number(y.data[i * width + k])) ** 2));
    return errors.reduce((sum, it) => sum + it, 0) / errors.length;
  }
  const labels = Array.from(y.data as Int32Array);
  const classes = [...new Set(labels)];
  return (
    classes.reduce((sum, label) => {
      const own = labels.flatMap((it, i) => (it === label ? [i] : []));
      const losses = own.map((i) => {
        const row = rows[i]!.slice(0, classes.length);
        const highest = Math.max(...row);
        return highest + Math.log(row.reduce((total, it) => total + Math.exp(it - highest), 0)) - row[label]!;
      });
      return sum + losses.reduce((total, it) => total + it, 0) / own.length;
    }, 0) / classes.length
  );
}

const scalar = (value: number): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

export function describeGuarantee(name: string, learner: Learner): void {
  describe(name, () => {
    const weights = randomWeights(learner);

    test("in the exported file", { timeout: 60_000 + 1000 * rounds }, async () => {
      const { files } = buildBundle(learner, weights);
      const adapt = await openSession(files["adapt.onnx"]!, { provider: "cpu" });
      const predict = await openSession(files["predict.onnx"]!, { provider: "cpu" });
      const stream = random(7, name.length);
      const seen = { refused: 0, lowered: 0 };
      for (let round = 0; round < rounds; round++) {
        const trial = randomTrial(learner, stream);
        const run = async (steps: number) => {
          const feeds = { support_x: trial.x, support_y: trial.y, rate: scalar(trial.rate) };
          const results = await adapt.run({
            ...feeds,
            steps: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(steps)) },
          });
          const state = Object.entries(results).flatMap(([key, value]) =>
            key.startsWith("adapted/") ? [[key.slice(8), value] as const] : [],
          );
          const { logits } = await predict.run({ query_x: trial.x, ...Object.fromEntries(state) });
          return { results, loss: lossOf(learner.task, logits!, trial.y) };
        };
        const { results, loss } = await run(trial.steps);
        const losses = Array.from(results.support_loss!.data as Float32Array);
        const said = `round ${round}, ${trial.steps} steps at ${trial.rate}: ${losses}`;
        expect(losses, said).toHaveLength(trial.steps + 1);
        if (!Number.isFinite(losses[0])) continue;
        expect(Math.max(...losses), said).toBe(losses[0]);
        const { loss: before } = await run(0);
        // float32 says both only so exactly.
        expect(loss, said).toBeLessThanOrEqual(before + 1e-4 * Math.max(1, before));
        const [kept, refused] = [Number(results.kept_step!.data[0]), Number(results.refused_steps!.data[0])];
        expect(Math.max(kept, refused), said).toBeLessThanOrEqual(trial.steps);
        expect(results.rate_scale!.data[0]).toBe(Math.fround(0.25 ** refused));
        if (kept === 0) expect(loss, said).toBe(before);
        seen.refused += refused;
        seen.lowered += Number(losses.at(-1)! < losses[0]!);
      }
      expect(seen.lowered).toBeGreaterThan(0);
      await Promise.all([adapt.dispose(), predict.dispose()]);
    });

    test("in training's graph", { timeout: 60_000 }, async () => {
      const stream = random(8, name.length);
      for (let round = 0; round < 2; round++) {
        const { x, y } = randomTrial(learner, stream);
        const { supportLoss } = await unrolled(learner, weights)({ x, y }, { x, y }, 3);
        const losses = supportLoss as readonly number[];
        if (Number.isFinite(losses[0])) expect(Math.max(...losses)).toBe(losses[0]);
      }
    });
  });
}
