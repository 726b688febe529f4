// Models that scikit-learn and Keras export: read, written, run with what these libraries compute, and differentiated. It runs where
// Python has skl2onnx, and Keras with torch.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  evaluate,
  gradients,
  input,
  type OnnxModel,
  op,
  readOnnx,
  type ShapedNumbers,
  type Value,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { describe, expect, test } from "vitest";
import { describeUnless } from "../../support/absent.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { distance } from "../../support/numbers.ts";
import { python, pythonLacks } from "../../support/python.ts";
import { refusalOf } from "../../support/refusal.ts";
import { repository } from "../../support/root.ts";

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Exported {
  readonly input: string;
  readonly x: Numbers;
  readonly output: string;
  readonly y: Numbers;
  readonly gradients?: Readonly<Record<string, Numbers>>;
  readonly rate?: number;
  /** Before and after each step of gradient descent. */
  readonly losses?: readonly number[];
  readonly classes?: readonly number[];
  /** Weights after five steps. */
  readonly after?: Readonly<Record<string, Numbers>>;
}

/** Runs the script, and gives what a model is by its name. */
function exporting(which: "sklearn" | "keras") {
  const folder = temporaryFolder(which);
  const script = join(repository, "test/onnx/libraries/export.py");
  test("is exported", () => {
    const { status, stderr } = spawnSync(python, [script, folder, which], { encoding: "utf8" });
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
  });
  return (name: string) => {
    const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Record<string, Exported>;
    return { bytes: readFileSync(join(folder, `${name}.onnx`)), ...index[name]! };
  };
}

const largest = ({ data }: Numbers): number => Math.max(...data.map(Math.abs));
const sumOfSines = (y: Value): Value => op.ReduceSum(op.Sin(y), { keepdims: false });

type Weights = Readonly<Record<string, ShapedNumbers>>;
const weightsOf = ({ initializers }: OnnxModel): Weights =>
  Object.fromEntries(
    Object.entries(initializers).map(([key, { shape, data }]) => [
      key,
      { shape, data: Float64Array.from(data as Float32Array, Number) },
    ]),
  );

/** Losses before and after each of five steps of gradient descent of some weights, and what these are then. */
function descended(loss: Value, model: OnnxModel, names: readonly string[], feeds: Weights, rate: number) {
  const slopes = gradients(
    loss,
    names.map((name) => model.inputs[name]!),
  ).map((slope) => slope!);
  let weights = weightsOf(model);
  const losses: number[] = [];
  for (let step = 0; step <= 5; step++) {
    const [value, ...found] = evaluate([loss, ...slopes], { ...weights, ...feeds });
    losses.push(value!.data[0]!);
    if (step === 5) break;
    const moved = names.map((name, i) => {
      const { shape, data } = weights[name]!;
      return [name, { shape, data: Float64Array.from(data, (w, at) => w - rate * found[i]!.data[at]!) }] as const;
    });
    weights = { ...weights, ...Object.fromEntries(moved) };
  }
  return { losses, weights };
}

/** Reads, writes and runs a model, which has to give what its library gave. */
async function agrees({ bytes, input: given, x, output, y }: Exported & { bytes: Uint8Array }) {
  const model = readOnnx(bytes, "model.onnx");
  const value = model.outputs[output]!;
  const written = writeOnnx({ y: value }, { initializers: model.initializers });
  const session = await openSession(written, { provider: "cpu" });
  const feed = { dtype: "float32", shape: x.shape, data: Float32Array.from(x.data) } as const;
  const got = (await session.run({ [given]: feed })).y!;
  expect(distance(Array.from(got.data, Number), y.data)).toBeLessThan(1e-4 * largest(y));
  return { model, value };
}

describeUnless(pythonLacks("sklearn", "skl2onnx", "onnx"), "a model of scikit-learn", () => {
  const of = exporting("sklearn");
  const differentiable = ["logistic", "mlp", "mlp-tanh", "pipeline"].flatMap((name) => [name, `${name}-plain`]);
  test.each([...differentiable, "mlp-regressor", "polynomial"])("%s", async (name) => {
    const exported = of(name);
    const { model, value } = await agrees(exported);
    const [slope] = gradients(sumOfSines(value), [model.inputs[exported.input]!]);
    const at = (change: number) => ({
      ...weightsOf(model),
      [exported.input]: { shape: exported.x.shape, data: exported.x.data.map((v, i) => v + (i === 2 ? change : 0)) },
    });
    const scalar = (change: number) => evaluate([sumOfSines(value)], at(change))[0]!.data[0]!;
    const wanted = (scalar(1e-6) - scalar(-1e-6)) / 2e-6;
    expect(Math.abs(evaluate([slope!], at(0))[0]!.data[2]! - wanted)).toBeLessThan(1e-6 * (1 + Math.abs(wanted)));
  });
  test("a network takes five steps as scikit-learn's own training does", async () => {
    const exported = of("steps");
    const { model, value } = await agrees(exported);
    const { x, classes = [], rate = 0, after = {} } = exported;
    const own = op.OneHot(input("classes", [value.shape[0]!], "int64"), op.Range(3));
    const loss = op.Neg(op.Div(op.ReduceSum(op.Mul(op.Log(value), own), { keepdims: false }), classes.length));
    const names = Object.keys(after);
    expect(names).toHaveLength(4);
    const feeds = { [exported.input]: x, classes: { shape: [classes.length], data: classes } };
    const { weights, losses } = descended(loss, model, names, feeds, rate);
    expect(losses[5]).toBeLessThan(losses[0]!);
    for (const name of names) expect(distance(weights[name]!.data, after[name]!.data)).toBeLessThan(1e-4);
  });
  test.each(["forest", "boosting-plain", "svm"])("%s is refused, and it is said why", (name) => {
    const { code, message } = refusalOf(() => readOnnx(of(name).bytes, "model.onnx"));
    expect(code).toBe("unsupported-operator");
    expect(message).toMatch(/(TreeEnsemble|SVM).*/);
  });
});

// Keras asks for its backend as soon as it is imported.
process.env.KERAS_BACKEND = "torch";
describeUnless(pythonLacks("keras", "torch", "onnx", "onnxscript"), "a model of Keras", () => {
  const of = exporting("keras");
  describe.each(["dense", "conv", "conv-1d"])("%s", (name) => {
    test("gives what Keras gives, and has its gradients", async () => {
      const exported = of(name);
      const { model, value } = await agrees(exported);
      const wanted = Object.entries(exported.gradients!);
      expect(wanted.length).toBeGreaterThan(1);
      const found = gradients(
        sumOfSines(value),
        wanted.map(([key]) => model.inputs[key]!),
      );
      const slopes = evaluate(
        found.map((slope) => slope!),
        { ...weightsOf(model), [exported.input]: exported.x },
      );
      for (const [i, [, slope]] of wanted.entries())
        expect(distance(slopes[i]!.data, slope.data)).toBeLessThan(1e-4 * (largest(slope) + 1e-3));
      const { input: given, x, rate = 0, losses = [] } = exported;
      const names = wanted.map(([key]) => key);
      const steps = descended(sumOfSines(value), model, names, { [given]: x }, rate);
      expect(losses).toHaveLength(6);
      expect(distance(steps.losses, losses)).toBeLessThan(1e-4);
    });
  });
});
