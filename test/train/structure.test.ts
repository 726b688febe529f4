// How inner steps are laid out: what is chosen for which learner and engine, and that training takes the same steps whichever it is.
import { input, type Learner, type LoopStructure, topological } from "@innerloop/graph";
import type { Tensor } from "@innerloop/schemas";
import {
  anil,
  BatchNorm,
  Conv2d,
  completeConfig,
  conv4,
  Flatten,
  fomaml,
  Glyphs,
  type InnerLoopSetting,
  type LayerLike,
  LayerNorm,
  Linear,
  laidOut,
  MetaTrainer,
  type MetaTrainerOptions,
  maml,
  metaGradient,
  mlp,
  onProcessor,
  parameterValues,
  ReLU,
  runTraining,
  sequential,
  structureFor,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";

const small = (norm: LayerLike = LayerNorm()) =>
  sequential([28, 28, 1], [Conv2d(4, { stride: 3 }), norm, ReLU, Conv2d(4, { stride: 3 }), ReLU, Flatten, Linear(3)]);
const tasks = new Glyphs();

async function trained(learner: Learner, innerLoop: InnerLoopSetting, options: MetaTrainerOptions = {}) {
  const trainer = await MetaTrainer.create(learner, {
    ...{ engine: "onnxruntime:cpu", workers: 0, optimizer: { kind: "sgd", rate: 0.05 }, innerLoop },
    ...options,
  });
  const batch = (n: number) =>
    [0, 1].map((i) => tasks.episode("train", 1, 2 * n + i, { ways: 3, shots: 1, queries: 2 }));
  const reports = [await trainer.step(batch(0)), await trainer.step(batch(1))];
  const evaluated = await trainer.evaluate(batch(2), { steps: 3 });
  const weights = await trainer.weights();
  await trainer.dispose();
  return { reports, evaluated, weights };
}

function apart(a: Readonly<Record<string, Tensor>>, b: Readonly<Record<string, Tensor>>): number {
  let [difference, largest] = [0, 0];
  for (const [name, { data }] of Object.entries(a))
    data.forEach((x, i) => {
      difference = Math.max(difference, Math.abs(Number(x) - Number(b[name]!.data[i])));
      largest = Math.max(largest, Math.abs(Number(x)));
    });
  return difference / largest;
}

const learners: Record<string, [() => Learner, MetaTrainerOptions?]> = {
  "guarded, with learned rates": [() => maml(small(), { steps: 2, learnRates: true, innerRate: 0.1 })],
  "a loss after every step": [
    () => maml(small(), { steps: 2, loop: "plain", innerRate: 0.1 }),
    { multiStepLoss: true },
  ],
  "batch norm": [() => maml(small(BatchNorm()), { steps: 2, innerRate: 0.1 })],
  "first order": [() => fomaml(small(), { steps: 2, innerRate: 0.1 })],
  "the head alone, from class means": [
    () => anil(small(), { head: "prototypes", steps: 3, innerRate: 0.1, learnRates: true }),
  ],
};

describe.each(Object.entries(learners))("%s", (_, [make, options]) => {
  it("takes the same steps whichever way they are laid out", { timeout: 60_000 }, async () => {
    const unrolled = await trained(make(), "unrolled", options);
    for (const innerLoop of ["loop", "checkpoints"] as const) {
      const turns = await trained(make(), innerLoop, options);
      turns.reports.forEach(({ loss, gradientNorm }, i) => {
        const expected = unrolled.reports[i]!;
        expect(loss / expected.loss).toBeCloseTo(1, 5);
        expect(gradientNorm / expected.gradientNorm).toBeCloseTo(1, 4);
      });
      turns.evaluated.forEach(({ loss }, i) => {
        expect(loss / unrolled.evaluated[i]!.loss).toBeCloseTo(1, 4);
      });
      expect(apart(turns.weights, unrolled.weights)).toBeLessThan(1e-5);
    }
  });
});

it("has the norm of a moving layer that sees data in that layer's product", () => {
  const norms = (learner: Learner) => {
    const examples = { x: input("x", [5, 28, 28, 1]), y: input("y", [5], "int64") };
    const { losses } = learner.adapt(parameterValues(learner), examples, { steps: 1, ways: 5 });
    return topological([losses]).filter(({ operator: { name } }) => name === "Standardize").length;
  };
  const options = { steps: 1, loop: "plain" } as const;
  // Three of four before the step and after it; where only the head moves, all four once.
  expect(norms(maml(conv4([28, 28, 1], 5), options))).toBe(6);
  expect(norms(anil(conv4([28, 28, 1], 5), options))).toBe(4);
});

describe("what auto chooses", () => {
  const cpu = { engine: { name: "onnxruntime:cpu" } };
  const large = () => maml(conv4([28, 28, 1], 5), { steps: 5 });
  const held = (learner: Learner) => () => {
    const sizes = { support: 5, query: 5, ways: 5 };
    return Object.values(
      metaGradient(learner, parameterValues(learner), sizes, undefined, { structure: "loop" }).gradients,
    );
  };
  const chosen = (learner: Learner, more: Partial<Parameters<typeof structureFor>[0]> = {}): LoopStructure =>
    structureFor({ ...cpu, learner, steps: learner.steps, ...more }, held(learner));

  it("is turns for steps that are large, on ONNX Runtime's processor in float32", () => {
    expect(chosen(large())).toBe("loop");
    expect(chosen(large(), { engine: { name: "onnxruntime:cuda" } })).toBe("unrolled");
    expect(chosen(large(), { engine: { name: "tfjs:wasm" } })).toBe("unrolled");
    expect(chosen(large(), { precision: "float16" })).toBe("unrolled");
    expect(chosen(large(), { steps: 1 })).toBe("unrolled");
    expect(chosen(maml(mlp([1], 1), { task: "regression" }))).toBe("unrolled");
    expect(chosen(anil(conv4([28, 28, 1], 5), { head: "zero" }))).toBe("unrolled");
  });

  it("is checkpoints where turns would hold much", () => {
    const wide = maml(conv4([84, 84, 3], 5), { steps: 5 });
    const sizes = { support: 25, query: 5, ways: 5 };
    const turns = () =>
      Object.values(metaGradient(wide, parameterValues(wide), sizes, undefined, { structure: "loop" }).gradients);
    expect(structureFor({ ...cpu, learner: wide, steps: 5 }, turns)).toBe("checkpoints");
  });

  it("builds turns once, and takes them where they are chosen", () => {
    const built = (learner: Learner, more: Partial<Parameters<typeof structureFor>[0]> = {}) => {
      const structures: LoopStructure[] = [];
      const result = laidOut(
        { ...cpu, learner, steps: learner.steps, ...more },
        (structure) => {
          structures.push(structure);
          return { structure };
        },
        held(learner),
      );
      return [result.structure, structures];
    };
    expect(built(large())).toEqual(["loop", ["loop"]]);
    expect(built(large(), { precision: "float16" })).toEqual(["unrolled", ["unrolled"]]);
    expect(built(large(), { setting: "checkpoints" })).toEqual(["checkpoints", ["checkpoints"]]);
  });

  it("is what was asked for, whatever suits", () => {
    for (const setting of ["unrolled", "loop", "checkpoints"] as const)
      expect(structureFor({ ...cpu, learner: large(), steps: 5, setting }, () => [input("x", [])])).toBe(setting);
  });
});

describe("convolutions of many examples", () => {
  const learner = anil(conv4([28, 28, 1], 20, { strides: [2, 2, 2, 1] }), { head: "prototypes", steps: 1 });
  const sizes = { support: 20, query: 80, ways: 20 };
  const scans = (tasks: number | undefined, inPortions: boolean): number => {
    const { loss, gradients } = metaGradient(learner, parameterValues(learner), sizes, tasks, { inPortions });
    return topological([loss, ...Object.values(gradients)]).filter(({ operator }) => operator.name === "Scan").length;
  };

  it("are done for some at a time, forward and back, where a graph is of one task", () => {
    expect([scans(undefined, true), scans(undefined, false), scans(2, true)]).toEqual([2, 0, 0]);
  });

  it("are so for ONNX Runtime on a processor, in float32", () => {
    const places = ["onnxruntime:cpu", "onnxruntime:cuda", "tfjs:wasm"].map((name) =>
      onProcessor({ engine: { name } }),
    );
    expect(places).toEqual([true, false, false]);
    expect(onProcessor({ engine: { name: "onnxruntime:cpu" }, precision: "float16" })).toBe(false);
  });
});

describe("as a setting", () => {
  const config = completeConfig({
    ...{ data: "glyphs", model: { kind: "mlp", hidden: [4] }, algorithm: "maml", head: "learned", steps: 2 },
    ...{ ways: 3, shots: 1, queries: 2, metaBatch: 2, iterations: 1, workers: 0, engine: "onnxruntime:cpu" },
    ...{ validation: { every: 1, episodes: 1 }, innerLoop: "checkpoints" },
  });

  it("is kept with a run", async () => {
    expect(config.innerLoop).toBe("checkpoints");
    expect((await runTraining({ config })).header.config.innerLoop).toBe("checkpoints");
  });

  it("is refused where it does nothing", () => {
    const refusal = expect.objectContaining({ code: "no-effect", exitStatus: 2 });
    expect(() => completeConfig({ ...config, steps: 0 })).toThrow(refusal);
    expect(() => completeConfig({ data: "glyphs", algorithm: "prototypes", innerLoop: "loop" })).toThrow(refusal);
  });
});
