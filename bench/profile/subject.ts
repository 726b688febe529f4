// What is profiled: the graph of a workload with its data, or a file with numbers made up for its inputs.
import { readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  input,
  type ModelFiles,
  numbersFrom,
  outlineOnnx,
  readInitializers,
  readOnnx,
  transform,
} from "@innerloop/graph";
import { filesBeside } from "@innerloop/runtime/files";
import { type Tensor as Held, sizeOf } from "@innerloop/schemas";
import { openEngine, parameterValues, prefersOneGraph } from "@innerloop/train";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { floats, writeWorkloadBundle } from "../ours/bundle.ts";
import { type OurEngine, trainedOn } from "../ours/engines.ts";
import { gradientOutputs, stacked, targets, taskTensors } from "../ours/gradient.ts";
import { type Case, dataOf, learnerOf, workloadNamed, workloadNames } from "../workloads.ts";

export interface Subject {
  readonly name: string;
  /** What one run is. */
  readonly what: string;
  readonly model: Uint8Array;
  /** The files that have its weights, by the names that it calls them. */
  readonly beside?: Readonly<Record<string, Uint8Array>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The arithmetic of the graph as it was built, by operator. */
  readonly arithmetic: readonly transform.OperatorCost[];
}

/** For ONNX Runtime, which has labels in 64 bits. */
const fed = ({ dtype, data, shape }: Held): Tensor =>
  dtype === "int32"
    ? new Tensor("int64", BigInt64Array.from(data as Int32Array, BigInt), [...shape])
    : new Tensor("float32", data as Float32Array, [...shape]);

const allFed = (tensors: Readonly<Record<string, Held>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, fed(tensor)]));

/** The inner loop as a bundle has it. */
async function adapting(name: string, workload: Case, engine: OurEngine): Promise<Subject> {
  const { steps, network, support } = workload;
  const [learner, data] = [learnerOf(workload), dataOf(workload)];
  const folder = await writeWorkloadBundle(workload);
  try {
    const model = await readFile(join(folder, "adapt.onnx"));
    const { x, y } = data.tasks[0]!.support;
    const examples = { support_x: { dtype: "float32", ...x } as const, support_y: targets(y) };
    const values = {
      x: input("support_x", x.shape),
      y: "shape" in y ? input("support_y", y.shape) : input("support_y", [support], "int64"),
    };
    // A loop whose steps the caller chooses is counted as so many.
    const { state, losses } = learner.adapt(parameterValues(learner), values, { steps, ways: network.outputs });
    const given = { ...allFed(examples), steps: new Tensor("int64", BigInt64Array.of(BigInt(steps)), []) };
    return {
      name,
      what: `the bundle's adapt.onnx, ${steps} steps on ${support} examples`,
      model,
      feeds: await completed(model, name, engine, given),
      arithmetic: transform.arithmetic([...Object.values(state), losses]),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The part of one task in a meta-gradient, as a worker thread runs it; of all tasks for small networks. */
async function gradient(name: string, workload: Case, on: OurEngine): Promise<Subject> {
  const { support, queries, network, tasks } = workload;
  const [learner, data] = [learnerOf(workload), dataOf(workload)];
  const together = prefersOneGraph(learner);
  const sizes = { support, query: queries, ways: network.outputs };
  const outputs = gradientOutputs(learner, sizes, together ? tasks : undefined, on);
  const { engine } = await openEngine(trainedOn(on), { threads: 1 });
  const model = engine.portable!.serialize({ outputs });
  await engine.dispose();
  const arrays = data.tasks.map(taskTensors);
  const given = { ...floats(data.parameters), ...(together ? stacked(arrays) : arrays[0]!) };
  return {
    name,
    what: together ? `the meta-gradient of ${tasks} tasks in one graph` : "one task's part of the meta-gradient",
    model,
    feeds: await completed(model, name, on, allFed(given)),
    arithmetic: transform.arithmetic(Object.values(outputs)),
  };
}

/**
 * Feeds of inputs: those that are given, and made-up numbers. What the file has for others is fed to ONNX Runtime, which would not fold it away; native kernels
 * know what is not fed, and so it is where they run.
 */
async function completed(
  model: Uint8Array,
  name: string,
  engine: OurEngine,
  given: Readonly<Record<string, Tensor>>,
  sizes: Readonly<Record<string, number>> = {},
  beside: Subject["beside"] = {},
  files?: ModelFiles,
): Promise<Record<string, Tensor>> {
  const session = await openOrt({ model, beside });
  const { inputMetadata } = session;
  await session.release();
  const stored = readInitializers(model, name, files);
  const random = numbersFrom(1);
  const entries = inputMetadata.flatMap((meta): [string, Tensor][] => {
    const known = given[meta.name] ?? (stored[meta.name] && fed(stored[meta.name]!));
    if (engine === "native" && stored[meta.name] && !given[meta.name]) return [];
    if (known) return [[meta.name, known]];
    if (!meta.isTensor) return [];
    const shape = meta.shape.map((size) => (typeof size === "number" ? Math.max(1, size) : (sizes[size] ?? 1)));
    const count = sizeOf(shape);
    if (meta.type === "float32") return [[meta.name, new Tensor(Float32Array.from({ length: count }, random), shape)]];
    if (meta.type === "int64") return [[meta.name, new Tensor("int64", new BigInt64Array(count).fill(1n), shape)]];
    if (meta.type === "int32") return [[meta.name, new Tensor("int32", new Int32Array(count).fill(1), shape)]];
    return meta.type === "bool" ? [[meta.name, new Tensor("bool", new Uint8Array(count).fill(1), shape)]] : [];
  });
  return Object.fromEntries(entries);
}

/** A model on ONNX Runtime. */
export const openOrt = (
  { model, beside = {} }: Pick<Subject, "model" | "beside">,
  options: InferenceSession.SessionOptions = {},
): Promise<InferenceSession> =>
  InferenceSession.create(model, {
    ...{ executionProviders: ["cpu"], logSeverityLevel: 3, ...options },
    externalData: Object.entries(beside).map(([name, data]) => ({ path: name, data })),
  });

async function ofFile(path: string, sizes: Readonly<Record<string, number>>, engine: OurEngine): Promise<Subject> {
  const model = await readFile(path);
  const files = filesBeside(path);
  const read = readOnnx(model, path, { files });
  const { beside: named } = outlineOnnx(model, path);
  const beside = Object.fromEntries([...named].map((name) => [name, files.read(name, 0, files.size(name)!)]));
  const all = Object.fromEntries(transform.openSizes(read).map((name) => [name, sizes[name] ?? 1]));
  const { outputs } = transform.specialize(read, all);
  return {
    name: basename(path, ".onnx"),
    what: path,
    model,
    beside,
    feeds: await completed(model, path, engine, {}, sizes, beside, files),
    arithmetic: transform.arithmetic(Object.values(outputs)),
  };
}

/**
 * @param what a workload's name, or a file
 * @param sizes of a file's open dimensions; 1 for the others
 * @param engine what runs it: training writes graphs for an engine
 * @throws InnerloopError for what is neither
 */
export async function subjectOf(
  what: string,
  {
    sizes,
    small,
    engine = "onnxruntime",
  }: { readonly sizes: Readonly<Record<string, number>>; readonly small: boolean; readonly engine?: OurEngine },
): Promise<Subject> {
  if (what.endsWith(".onnx") && !workloadNames.includes(what)) return ofFile(what, sizes, engine);
  const { name, case: workload } = workloadNamed(what, small);
  const { kind } = workload;
  return kind === "adapt" || kind === "evaluate" ? adapting(name, workload, engine) : gradient(name, workload, engine);
}
