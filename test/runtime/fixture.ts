// Tiny bundles, built by hand from ONNX nodes, so that the runtime is tested on the format alone: a linear classifier
// with a learned head, a nearest-prototype head for any number of classes, one whose answers are shares of them, and a line fitted to points.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "@innerloop/schemas";
import { encodeModel, type onnx } from "@innerloop/schemas/onnx";
import { temporaryFolder } from "../support/folders.ts";

type Node = onnx.NodeProto.$Properties;
type Value = onnx.ValueInfoProto.$Properties;
type Initializer = onnx.TensorProto.$Properties;
interface Graph {
  readonly inputs: Value[];
  readonly outputs: Value[];
  readonly initializers?: Initializer[];
  readonly nodes: Node[];
}

export type FixtureName = "linear" | "prototypes" | "shares" | "line";

/** The learned start of `linear`: weight [4, 3], bias [3], and a gain [4] that the inner loop leaves alone. */
export const LINEAR = {
  weight: [0.1, -0.2, 0.3, 0.05, 0.2, -0.1, -0.3, 0.15, 0.25, 0.2, -0.05, 0.1],
  bias: [0.01, -0.02, 0.03],
  gain: [1, 0.5, 2, 1.5],
  rate: 0.4,
} as const;

/** Writes one of the bundles into a new folder and returns its path; `change` has the last word on the manifest. */
export function writeBundle(name: FixtureName, change: (manifest: Manifest) => unknown = () => undefined): string {
  const folder = join(temporaryFolder(), name);
  const { adapt, predict, ...described } = FIXTURES[name];
  const files = { "adapt.onnx": model(adapt), "predict.onnx": model(predict) };
  const entry = (bytes: Uint8Array) => ({
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
  });
  const manifest: Manifest = {
    format: "innerloop-bundle",
    version: 1,
    name,
    created: "2027-01-31T12:00:00Z",
    producer: { name: "fixture", version: "1.0.0" },
    opset: 17,
    irVersion: 8,
    ...structuredClone(described),
    files: { "adapt.onnx": entry(files["adapt.onnx"]), "predict.onnx": entry(files["predict.onnx"]) },
    verification: { episodes: 0, largestDifference: 0, engine: "none" },
  };
  change(manifest);
  mkdirSync(folder);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  return folder;
}

/** The bytes of a model of one graph. */
export function model(graph: Graph): Uint8Array {
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: "", version: 17 }],
    graph: {
      name: "graph",
      input: graph.inputs,
      output: graph.outputs,
      initializer: graph.initializers ?? [],
      node: graph.nodes,
    },
  });
}

const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;

export function value(name: string, shape: readonly (number | string)[], elemType = FLOAT): Value {
  const dim = shape.map((size) => (typeof size === "number" ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function floats(name: string, shape: readonly number[], data: readonly number[]): Initializer {
  return { name, dims: [...shape], dataType: FLOAT, rawData: new Uint8Array(Float32Array.from(data).buffer) };
}

export function ints(name: string, shape: readonly number[], data: readonly number[]): Initializer {
  return { name, dims: [...shape], dataType: INT64, rawData: new Uint8Array(BigInt64Array.from(data, BigInt).buffer) };
}

export function node(opType: string, input: string[], output: string[], attributes: Record<string, number> = {}): Node {
  const attribute = Object.entries(attributes).map(([name, i]) => ({ name, i, type: 2 }));
  return { opType, input, output, attribute };
}

/** A Loop of `steps` steps whose body reads outer names; `carried` maps each outer start to [inner name, next, result]. */
function loop(carried: [start: string, inner: Value, next: Value, result: string][], loss: string, body: Node[]): Node {
  const graph = {
    name: "step",
    input: [value("step", [], INT64), value("going", [], BOOL), ...carried.map(([, inner]) => inner)],
    output: [value("goes_on", [], BOOL), ...carried.map(([, , next]) => next), value(loss, [])],
    node: [node("Identity", ["going"], ["goes_on"]), ...body],
  };
  return {
    opType: "Loop",
    input: ["steps", "", ...carried.map(([start]) => start)],
    output: [...carried.map(([, , , result]) => result), "losses"],
    attribute: [{ name: "body", g: graph, type: 5 }],
  };
}

/** Softmax cross-entropy of a linear head over the classes that occur; names carry the suffix `at`. */
function crossEntropy(weight: string, bias: string, at: string): Node[] {
  return [
    node("MatMul", ["features", weight], [`product${at}`]),
    node("Add", [`product${at}`, bias], [`sum${at}`]),
    node("Add", [`sum${at}`, "mask"], [`logits${at}`]),
    node("LogSoftmax", [`logits${at}`], [`log${at}`], { axis: 1 }),
    node("Mul", [`log${at}`, "onehot"], [`chosen${at}`]),
    node("ReduceSum", [`chosen${at}`], [`total${at}`], { keepdims: 0 }),
    node("Div", [`total${at}`, "count"], [`mean${at}`]),
    node("Neg", [`mean${at}`], [`loss${at}`]),
  ];
}

const closingLoss: Node[] = [
  node("Unsqueeze", ["loss_end", "axis0"], ["loss_end_list"]),
  node("Concat", ["losses", "loss_end_list"], ["support_loss"], { axis: 0 }),
];

const linearParameters = {
  values: [value("head/weight", [4, 3]), value("head/bias", [3]), value("body/gain", [4])],
  initializers: [
    floats("head/weight", [4, 3], LINEAR.weight),
    floats("head/bias", [3], LINEAR.bias),
    floats("body/gain", [4], LINEAR.gain),
  ],
};

/** x [n, 2, 2, 1] → features [n, 4]. */
function features(x: string, gain: string): Node[] {
  return [node("Reshape", [x, "flat"], ["flattened"]), node("Mul", ["flattened", gain], ["features"])];
}

/** What {@link sumsByClass} reads besides examples and labels, and a loss of nothing. */
const byClass = [ints("zero", [], [0]), ints("one", [], [1]), ints("axis1", [1], [1]), floats("no_loss", [1], [0])];

/** The sums of the examples of each class, and how many there are. */
const sumsByClass = [
  node("ReduceMax", ["support_y"], ["last"], { keepdims: 0 }),
  node("Add", ["last", "one"], ["ways"]),
  node("Range", ["zero", "ways", "one"], ["classes"]),
  node("Unsqueeze", ["classes", "axis1"], ["class_column"]),
  node("Equal", ["class_column", "support_y"], ["is_class"]),
  node("Cast", ["is_class"], ["onehot"], { to: FLOAT }),
  node("MatMul", ["onehot", "support_x"], ["sums"]),
  node("ReduceSum", ["onehot", "axis1"], ["counts"], { keepdims: 1 }),
];

const FIXTURES: Record<
  FixtureName,
  Pick<Manifest, "task" | "input" | "output" | "innerLoop" | "parameters"> & { adapt: Graph; predict: Graph }
> = {
  linear: {
    task: "classification",
    input: { shape: [2, 2, 1], dtype: "float32" },
    output: { ways: 3 },
    innerLoop: {
      algorithm: "maml",
      head: "learned",
      steps: 5,
      rates: { "head/weight": LINEAR.rate, "head/bias": LINEAR.rate },
    },
    parameters: [
      { name: "head/weight", shape: [4, 3], adapted: true, required: false },
      { name: "head/bias", shape: [3], adapted: true, required: false },
      { name: "body/gain", shape: [4], adapted: false, required: false },
    ],
    adapt: {
      inputs: [
        value("support_x", ["support", 2, 2, 1]),
        value("support_y", ["support"], INT64),
        value("steps", [], INT64),
        value("rate", []),
        ...linearParameters.values,
      ],
      outputs: [
        value("adapted/head/weight", [4, 3]),
        value("adapted/head/bias", [3]),
        value("support_loss", ["losses"]),
      ],
      initializers: [
        floats("rate", [], [1]),
        ...linearParameters.initializers,
        floats("inner_rate", [], [LINEAR.rate]),
        floats("far", [], [1e9]),
        floats("one", [], [1]),
        ints("flat", [2], [-1, 4]),
        ints("classes", [1, 3], [0, 1, 2]),
        ints("axis0", [1], [0]),
        ints("axis1", [1], [1]),
      ],
      nodes: [
        ...features("support_x", "body/gain"),
        node("Transpose", ["features"], ["features_t"]),
        node("Unsqueeze", ["support_y", "axis1"], ["y_column"]),
        node("Equal", ["y_column", "classes"], ["is_class"]),
        node("Cast", ["is_class"], ["onehot"], { to: FLOAT }),
        node("ReduceSum", ["onehot"], ["count"], { keepdims: 0 }),
        { ...node("ReduceMax", ["onehot"], ["present"]), attribute: [{ name: "axes", ints: [0], type: 7 }] },
        node("Sub", ["present", "one"], ["absent"]),
        node("Mul", ["absent", "far"], ["mask"]),
        node("Mul", ["inner_rate", "rate"], ["alpha"]),
        loop(
          [
            ["head/weight", value("w", [4, 3]), value("w_next", [4, 3]), "adapted/head/weight"],
            ["head/bias", value("b", [3]), value("b_next", [3]), "adapted/head/bias"],
          ],
          "loss",
          [
            ...crossEntropy("w", "b", ""),
            node("Softmax", ["logits"], ["p"], { axis: 1 }),
            node("Sub", ["p", "onehot"], ["error"]),
            node("Div", ["error", "count"], ["g"]),
            node("MatMul", ["features_t", "g"], ["dw"]),
            node("ReduceSum", ["g", "axis0"], ["db"], { keepdims: 0 }),
            node("Mul", ["dw", "alpha"], ["w_move"]),
            node("Mul", ["db", "alpha"], ["b_move"]),
            node("Sub", ["w", "w_move"], ["w_next"]),
            node("Sub", ["b", "b_move"], ["b_next"]),
          ],
        ),
        ...crossEntropy("adapted/head/weight", "adapted/head/bias", "_end"),
        ...closingLoss,
      ],
    },
    predict: {
      inputs: [value("query_x", ["query", 2, 2, 1]), ...linearParameters.values],
      outputs: [value("logits", ["query", 3])],
      initializers: [...linearParameters.initializers, ints("flat", [2], [-1, 4])],
      nodes: [
        ...features("query_x", "body/gain"),
        node("MatMul", ["features", "head/weight"], ["product"]),
        node("Add", ["product", "head/bias"], ["logits"]),
      ],
    },
  },

  // logits = 2 x·p − |p|², which ranks as the negative squared distance does.
  prototypes: {
    task: "classification",
    input: { shape: [2], dtype: "float32" },
    output: { ways: null },
    innerLoop: { algorithm: "prototypes", head: "prototypes", steps: 0, rates: {} },
    parameters: [{ name: "head/prototypes", shape: ["ways", 2], adapted: true, required: true }],
    adapt: {
      inputs: [value("support_x", ["support", 2]), value("support_y", ["support"], INT64), value("steps", [], INT64)],
      outputs: [value("adapted/head/prototypes", ["ways", 2]), value("support_loss", [1])],
      initializers: byClass,
      nodes: [
        ...sumsByClass,
        node("Div", ["sums", "counts"], ["adapted/head/prototypes"]),
        node("Identity", ["no_loss"], ["support_loss"]),
      ],
    },
    predict: {
      inputs: [value("query_x", ["query", 2]), value("head/prototypes", ["ways", 2])],
      outputs: [value("logits", ["query", "ways"])],
      initializers: [ints("axis1", [1], [1]), floats("two", [], [2])],
      nodes: [
        node("Transpose", ["head/prototypes"], ["prototypes_t"]),
        node("MatMul", ["query_x", "prototypes_t"], ["inner"]),
        node("Mul", ["inner", "two"], ["twice"]),
        node("Mul", ["head/prototypes", "head/prototypes"], ["squares"]),
        node("ReduceSum", ["squares", "axis1"], ["norms"], { keepdims: 0 }),
        node("Sub", ["twice", "norms"], ["logits"]),
      ],
    },
  },

  shares: {
    task: "classification",
    input: { shape: [2], dtype: "float32" },
    output: { ways: null },
    innerLoop: { algorithm: "prototypes", head: "prototypes", steps: 0, rates: {} },
    parameters: [{ name: "head/prototypes", shape: [2, "ways"], adapted: true, required: true }],
    adapt: {
      inputs: [value("support_x", ["support", 2]), value("support_y", ["support"], INT64), value("steps", [], INT64)],
      outputs: [value("adapted/head/prototypes", [2, "ways"]), value("support_loss", [1])],
      initializers: byClass,
      nodes: [
        ...sumsByClass,
        node("Div", ["sums", "counts"], ["means"]),
        node("Transpose", ["means"], ["adapted/head/prototypes"]),
        node("Identity", ["no_loss"], ["support_loss"]),
      ],
    },
    predict: {
      inputs: [value("query_x", ["query", 2]), value("head/prototypes", [2, "ways"])],
      outputs: [value("logits", ["query", "ways"])],
      nodes: [
        node("MatMul", ["query_x", "head/prototypes"], ["inner"]),
        node("LogSoftmax", ["inner"], ["logits"], { axis: 1 }),
      ],
    },
  },

  line: {
    task: "regression",
    input: { shape: [1], dtype: "float32" },
    output: { ways: null, size: 1 },
    innerLoop: { algorithm: "maml", head: "learned", steps: 50, rates: { slope: 0.2, offset: 0.2 } },
    parameters: [
      { name: "slope", shape: [1, 1], adapted: true, required: false },
      { name: "offset", shape: [1], adapted: true, required: false },
    ],
    adapt: {
      inputs: [
        value("support_x", ["support", 1]),
        value("support_y", ["support", 1]),
        value("steps", [], INT64),
        value("rate", []),
        value("slope", [1, 1]),
        value("offset", [1]),
      ],
      outputs: [value("adapted/slope", [1, 1]), value("adapted/offset", [1]), value("support_loss", ["losses"])],
      initializers: [
        floats("rate", [], [1]),
        floats("slope", [1, 1], [0]),
        floats("offset", [1], [0]),
        floats("inner_rate", [], [0.2]),
        ints("axis0", [1], [0]),
        ints("axes", [2], [0, 1]),
      ],
      nodes: [
        node("Transpose", ["support_x"], ["x_t"]),
        node("Mul", ["inner_rate", "rate"], ["alpha"]),
        node("Shape", ["support_x"], ["shape"]),
        node("Gather", ["shape", "axis0"], ["count_int"]),
        node("Cast", ["count_int"], ["count"], { to: FLOAT }),
        loop(
          [
            ["slope", value("w", [1, 1]), value("w_next", [1, 1]), "adapted/slope"],
            ["offset", value("b", [1]), value("b_next", [1]), "adapted/offset"],
          ],
          "loss",
          [
            ...squaredError("w", "b", ""),
            node("Add", ["error", "error"], ["twice"]),
            node("Div", ["twice", "count"], ["g"]),
            node("MatMul", ["x_t", "g"], ["dw"]),
            node("ReduceSum", ["g", "axis0"], ["db"], { keepdims: 0 }),
            node("Mul", ["dw", "alpha"], ["w_move"]),
            node("Mul", ["db", "alpha"], ["b_move"]),
            node("Sub", ["w", "w_move"], ["w_next"]),
            node("Sub", ["b", "b_move"], ["b_next"]),
          ],
        ),
        ...squaredError("adapted/slope", "adapted/offset", "_end"),
        ...closingLoss,
      ],
    },
    predict: {
      inputs: [value("query_x", ["query", 1]), value("slope", [1, 1]), value("offset", [1])],
      outputs: [value("logits", ["query", 1])],
      initializers: [floats("slope", [1, 1], [0]), floats("offset", [1], [0])],
      nodes: [node("MatMul", ["query_x", "slope"], ["product"]), node("Add", ["product", "offset"], ["logits"])],
    },
  },
};

function squaredError(weight: string, bias: string, at: string): Node[] {
  return [
    node("MatMul", ["support_x", weight], [`product${at}`]),
    node("Add", [`product${at}`, bias], [`fit${at}`]),
    node("Sub", [`fit${at}`, "support_y"], [`error${at}`]),
    node("Mul", [`error${at}`, `error${at}`], [`square${at}`]),
    node("ReduceMean", [`square${at}`], [`loss${at}`], { keepdims: 0 }),
  ];
}
