// Plain supervised training, where a newcomer starts: epochs over examples, one model, one optimizer.
import { constant, grad, input, type Parameters } from "@innerloop/graph";
import { InnerloopError, type OptimizerConfig, sizeOf, type Tensor } from "@innerloop/schemas";
import { type Engine, openEngine, type Program } from "../engines/index.ts";
import { crossEntropy, type Loss } from "../losses.ts";
import type { Model } from "../models/index.ts";
import { next } from "../names.ts";
import { initialNumbers, initialState, optimizerRule, update } from "../optimizers/index.ts";
import { random } from "../random.ts";
import { only, scalar } from "./state.ts";

export interface FitOptions {
  readonly loss?: Loss;
  readonly optimizer?: OptimizerConfig;
  readonly epochs?: number;
  /** Examples a step; all of them unless given. */
  readonly batch?: number;
  readonly seed?: number;
  readonly engine?: string;
  onEpoch?(report: { readonly epoch: number; readonly loss: number }): void;
}

/**
 * Trains a model on examples.
 * @param x float32 `[n, ...inputShape]`
 * @param y int32 labels `[n]`, or float32 targets `[n, outputs]`
 * @returns the trained parameters, and a function that gives a model's outputs for other examples
 */
export async function fit(
  model: Model,
  x: Tensor,
  y: Tensor,
  options: FitOptions = {},
): Promise<{ weights: Record<string, Tensor>; predict(x: Tensor): Promise<Tensor> }> {
  const { loss = crossEntropy, epochs = 10, seed = 0 } = options;
  const n = x.shape[0]!;
  if (y.shape[0] !== n)
    throw new InnerloopError("label-count", `There are ${n} examples but ${y.shape[0]} targets; give one for each.`, {
      exitStatus: 2,
    });
  const size = Math.min(options.batch ?? n, n);
  const optimizer = options.optimizer ?? { kind: "adam", rate: 1e-3 };
  const rule = optimizerRule(optimizer);
  const specs = model.parameters;
  const { engine } = await openEngine(options.engine ?? "auto");
  const programs = new Map<number, Promise<Program>>();
  const compile = (examples: number): Promise<Program> => {
    const parameters: Parameters = Object.fromEntries(
      Object.entries(specs).map(([name, { shape }]) => [name, input(name, shape)]),
    );
    const inputs = input("x", [examples, ...x.shape.slice(1)]);
    const targets = input("y", [examples, ...y.shape.slice(1)], y.dtype === "int32" ? "int64" : "float32");
    const value = loss(model.apply(parameters, inputs), targets);
    const names = Object.keys(parameters);
    const slopes = grad(value, Object.values(parameters));
    const gradients = Object.fromEntries(names.map((name, i) => [name, slopes[i]!]));
    return engine.compile({
      outputs: {
        loss: value,
        ...update(specs, parameters, gradients, { rule, rate: constant(optimizer.rate), step: input("step", []) }),
      },
    });
  };
  let state: Record<string, Tensor> = { ...initialNumbers(specs, seed), ...initialState(rule, specs) };
  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = random(seed, 1, epoch).shuffle(Array.from({ length: n }, (_, i) => i));
    let total = 0;
    for (let start = 0; start < n; start += size) {
      const chosen = order.slice(start, start + size);
      if (!programs.has(chosen.length)) programs.set(chosen.length, compile(chosen.length));
      const program = await programs.get(chosen.length)!;
      const feeds = { ...state, x: rows(x, chosen), y: rows(y, chosen), step: scalar(++step) };
      const { found, others } = next.split(await program.run(only(program, feeds)));
      total += Number(others.loss!.data[0]) * chosen.length;
      state = found;
    }
    if (!Number.isFinite(total))
      throw new InnerloopError(
        "diverged",
        `The loss is ${total / n} after epoch ${epoch}; lower the rate (now ${optimizer.rate}).`,
      );
    options.onEpoch?.({ epoch, loss: total / n });
  }
  const weights = Object.fromEntries(Object.keys(specs).map((name) => [name, state[name]!]));
  return { weights, predict: (examples) => predictWith(engine, model, weights, examples) };
}

/** The outputs `[n, outputs]` of a model with given weights for examples `[n, ...inputShape]`. */
async function predictWith(
  engine: Engine,
  model: Model,
  weights: Readonly<Record<string, Tensor>>,
  examples: Tensor,
): Promise<Tensor> {
  const parameters: Parameters = Object.fromEntries(
    Object.entries(model.parameters).map(([name, { shape }]) => [name, input(name, shape)]),
  );
  const program = await engine.compile({ outputs: { outputs: model.apply(parameters, input("x", examples.shape)) } });
  try {
    return (await program.run({ ...weights, x: examples })).outputs!;
  } finally {
    await program.dispose();
  }
}

/** Some rows of an array. */
function rows({ dtype, shape, data }: Tensor, chosen: readonly number[]): Tensor {
  const size = sizeOf(shape.slice(1));
  const out = new (data.constructor as Float32ArrayConstructor)(chosen.length * size);
  chosen.forEach((row, i) => {
    out.set((data as Float32Array).subarray(row * size, (row + 1) * size), i * size);
  });
  return { dtype, shape: [chosen.length, ...shape.slice(1)], data: out };
}
