// Inner loops of convolutional networks by chance, with all that can be done at points done so: beside ONNX Runtime, and beside kernels for which moves are too dear.
import { constant, input, onnxTargetFor, writeOnnx } from "@innerloop/graph";
import { type Kernels, NativeModel } from "@innerloop/native";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { anil, conv4, type Model, maml, metamodel, parameterValues, type Random, random } from "@innerloop/train";
import { expect, it } from "vitest";
import { testKernels } from "./kernels.ts";
import { usual } from "./models.ts";

const steps = 2;

interface Task {
  readonly model: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

function networkOf(draw: Random): Model {
  const one = <T>(all: readonly T[]): T => all[draw.integer(all.length)]!;
  const [side, channels, ways] = [one([9, 12, 13, 14, 16]), one([1, 3]), one([2, 3, 5])];
  if (draw.uniform() < 0.3) return metamodel([one([12, 16, 28]), one([12, 14, 16]), channels], ways);
  const strides = Array.from({ length: one([2, 3]) }, () => one([1, 2, 2]));
  const norm = one(["layer", "none", "batch"] as const);
  return conv4([side, side, channels], ways, { filters: one([16, 17, 24]), norm, strides });
}

function taskOf(seed: number): Task {
  const draw = random(seed);
  const network = networkOf(draw);
  const learner = (draw.uniform() < 0.7 ? maml : anil)(network, { steps, innerRate: 0.05 });
  const ways = learner.outputs!;
  const support = ways * (1 + draw.integer(3));
  const x = input("support_x", ["support", ...learner.inputShape]);
  const y = input("support_y", ["support"], "int64");
  const how = { steps: constant(steps, [], "int64"), ways };
  const { state, losses } = learner.adapt(parameterValues(learner), { x, y }, how);
  const adapted = Object.fromEntries(Object.entries(state).map(([name, value]) => [`adapted/${name}`, value]));
  const shape = [support, ...learner.inputShape];
  const weights = Object.entries(learner.parameters).map(([name, { shape: own, initialize }]): [string, Tensor] => [
    name,
    { dtype: "float32", shape: own, data: initialize(draw) },
  ]);
  return {
    model: writeOnnx({ losses, ...adapted }, { target: onnxTargetFor("cpu") }),
    feeds: {
      ...Object.fromEntries(weights),
      support_x: { dtype: "float32", shape, data: Float32Array.from({ length: sizeOf(shape) }, () => draw.uniform()) },
      support_y: {
        dtype: "int64",
        shape: [support],
        data: BigInt64Array.from({ length: support }, (_, i) => BigInt(i % ways)),
      },
    },
  };
}

const kernels = testKernels();

/** Instructions of points have this code (source/words.md). */
const ofPoints = 9;

/** What a model gives with such costs, and how many instructions of points it has. */
function runBy(cost: number, { model, feeds }: Task) {
  let points = 0;
  const counting: Kernels = {
    ...kernels,
    costs: { number: cost, weight: cost },
    run(words, ...others) {
      for (let at = 0; at < words.length; at += words[at + 1]!) if (words[at] === ofPoints) points++;
      return kernels.run(words, ...others);
    },
  };
  return { given: new NativeModel(model, counting).run(feeds)!, points: () => points };
}

it.each([0, 1, 2, 3])("adapt as on ONNX Runtime, at points and without %#", async (part) => {
  let points = 0;
  for (let seed = 12 * part; seed < 12 * part + 12; seed++) {
    const task = taskOf(seed);
    const expected = await usual(task.model, task.feeds);
    const [cheap, dear] = [runBy(0, task), runBy(1e9, task)];
    points += cheap.points();
    for (const [name, { data }] of Object.entries(expected)) {
      const wanted = data as Float32Array;
      const most = wanted.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);
      for (const { given } of [cheap, dear]) {
        const ours = given[name]!.data as Float32Array;
        const apart = wanted.reduce((worst, number, i) => Math.max(worst, Math.abs(number - ours[i]!)), 0);
        expect(apart / most, `seed ${seed}, ${name}`).toBeLessThan(2e-4);
      }
    }
  }
  expect(points).toBeGreaterThan(50);
});
