// The engine over TensorFlow.js: a graph is lowered to its kernels and planned once; a run walks the plan and frees every
// tensor after its last use. TensorFlow.js is loaded when an engine is opened, not before.
import {
  constantOf,
  convolutionAsColumns,
  type Dim,
  inputName,
  isInput,
  lower,
  type Node,
  poolingAsTaps,
  type Target,
  topological,
  type Value,
} from "@innerloop/graph";
import { type DType, InnerloopError, type Tensor, type TypedArray } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import type { DeviceTensor, Engine, Feeds, Graph, Port, Program } from "./engine.ts";
import { checkFeeds, disposed, isOnHost } from "./feeds.ts";
import { type Call, type Device, kernelDType, kernels, leadingSum } from "./tfjs-kernels.ts";

/** A backend of TensorFlow.js: how engines name it, how TensorFlow.js does. */
export type Backend = "node-gpu" | "wasm" | "cpu";
const registered: Readonly<Record<Backend, string>> = { "node-gpu": "tensorflow", wasm: "wasm", cpu: "cpu" };

const loads: Readonly<Record<Backend, () => Promise<unknown>>> = {
  // Optional, so it is named in a way that the compiler does not look for.
  "node-gpu": () => import(["@tensorflow", "tfjs-node-gpu"].join("/")),
  wasm: () => import("@tensorflow/tfjs-backend-wasm"),
  cpu: () => import("@tensorflow/tfjs-backend-cpu"),
};

/**
 * Opens the engine `tfjs:<backend>`.
 * @throws InnerloopError `engine-unavailable` where the backend does not start
 */
export async function openTfjs(backend: Backend): Promise<Engine> {
  const name = `tfjs:${backend}`;
  const tf = await import("@tensorflow/tfjs-core");
  // Keeps advice about other packages off the terminal, and leaves out checks that this engine has made.
  tf.env().set("PROD", true);
  try {
    await loads[backend]();
    // The threads of the WebAssembly build start from a blob, which Node's worker threads do not take.
    if (backend === "wasm") tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    if (!(await tf.setBackend(registered[backend]))) throw new Error("the backend did not start");
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new InnerloopError(
      "engine-unavailable",
      `The engine ${name} does not start here: ${words}; run npm install again, or use the engine auto.`,
      { cause },
    );
  }
  return new TfjsEngine(name, registered[backend], tf);
}

type Tf = typeof Core;

class TfjsEngine implements Engine {
  readonly name: string;
  readonly #backend: string;
  readonly #tf: Tf;

  constructor(name: string, backend: string, tf: Tf) {
    this.name = name;
    this.#backend = backend;
    this.#tf = tf;
  }

  async compile(graph: Graph): Promise<Program> {
    this.activate();
    return new TfjsProgram(this, this.#tf, this.#backend, graph);
  }

  upload(tensor: Tensor): TfjsTensor {
    return new TfjsTensor(this.name, tensor.dtype, this.put(tensor.data, tensor.shape, tensor.dtype));
  }

  /** Copies numbers to the device. */
  put(data: ArrayLike<number | bigint>, shape: readonly number[], dtype: DType): Core.Tensor {
    this.activate();
    const type = kernelDType(dtype);
    const numbers = data as ArrayLike<number>;
    const copy =
      type === "float32"
        ? Float32Array.from(numbers)
        : type === "bool"
          ? Uint8Array.from(numbers)
          : Int32Array.from({ length: data.length }, (_, i) => Number(data[i]));
    return this.#tf.tensor(copy, [...shape], type);
  }

  /** Makes this engine's backend the one that kernels run on; several engines may be open. */
  activate(): void {
    if (this.#tf.getBackend() !== this.#backend) void this.#tf.setBackend(this.#backend);
  }

  async dispose(): Promise<void> {}
}

class TfjsTensor implements DeviceTensor {
  readonly engine: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #tensor: Core.Tensor;

  constructor(engine: string, dtype: DType, tensor: Core.Tensor) {
    this.engine = engine;
    this.dtype = dtype;
    this.shape = tensor.shape;
    this.#tensor = tensor;
  }

  get tensor(): Core.Tensor {
    if (this.#tensor.isDisposed) throw disposed("This tensor");
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    return { dtype: this.dtype, shape: this.shape, data: asDType(await this.tensor.data(), this.dtype) };
  }

  dispose(): void {
    if (!this.#tensor.isDisposed) this.#tensor.dispose();
  }
}

/** A copy of what the device gave, in the graph's dtype. */
function asDType(data: Float32Array | Int32Array | Uint8Array, dtype: DType): TypedArray {
  if (dtype === "int64") return BigInt64Array.from({ length: data.length }, (_, i) => BigInt(data[i]!));
  if (dtype === "float64") return Float64Array.from(data);
  return dtype === "uint8" ? Uint8Array.from(data) : data.slice();
}

/** The convolutions that a backend has quick kernels for; gathered columns and matrix products beat the others many times. */
const nativeConvolutions: Readonly<Record<string, readonly string[]>> = {
  tensorflow: ["Convolution", "ConvolutionInputGradient", "ConvolutionWeightGradient"],
  cpu: ["Convolution", "ConvolutionInputGradient"],
  wasm: [],
};

/** What stays whole on a backend. Its convolutions are those of images, all in one group, with one set of weights. */
function targetOf(backend: string): Target {
  const native = (name: string, inputs: readonly Value[], attributes: Node["attributes"]): boolean => {
    const { kernel, dilations, groups } = attributes;
    const dense = (dilations as readonly number[]).every((dilation) => dilation === 1);
    const images = (kernel as readonly number[]).length === 2 && inputs[0]!.rank === 4;
    return nativeConvolutions[backend]!.includes(name) && images && groups === 1 && (dense || name === "Convolution");
  };
  const convolutions = Object.entries(convolutionAsColumns).map(([name, columns]): [string, typeof columns] => [
    name,
    (inputs, attributes, outputs) =>
      native(name, inputs, attributes) ? undefined : columns(inputs, attributes, outputs),
  ]);
  return {
    name: `TensorFlow.js (${backend})`,
    lowerings: {
      ...Object.fromEntries(convolutions),
      ...poolingAsTaps,
      ...(backend === "wasm" ? { ReduceSum: leadingSum } : {}),
    },
    keeps: ({ name }, inputs) =>
      kernels[name] !== undefined &&
      (name !== "Div" || kernelDType(inputs[0]!.dtype) === "float32") &&
      (name !== "Range" || inputs.length === 0),
  };
}

/** One kernel of a run: which slots it reads, which it fills, and which are of no use after it. */
interface Step {
  readonly node: Node;
  readonly reads: readonly number[];
  readonly fills: number;
  readonly frees: readonly number[];
}

class TfjsProgram implements Program {
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  readonly #engine: TfjsEngine;
  readonly #device: Device;
  readonly #steps: Step[] = [];
  readonly #slots: number;
  /** Constants, initializers and tables, made once. */
  readonly #constants = new Map<number, Core.Tensor>();
  readonly #defaults: Record<string, TfjsTensor> = {};
  readonly #tables = new Map<string, Core.Tensor>();
  readonly #inputSlots = new Map<string, number>();
  readonly #results: readonly { readonly value: Value; readonly slot: number }[];
  /** Kernels made ready, by the sizes that symbols have. */
  readonly #calls = new Map<string, Call[]>();
  #disposed = false;

  constructor(engine: TfjsEngine, tf: Tf, backend: string, graph: Graph) {
    this.#engine = engine;
    this.outputs = Object.keys(graph.outputs);
    const values = lower(Object.values(graph.outputs), targetOf(backend));
    const nodes = topological(values);
    const declared = new Set([...(graph.inputs ?? []), ...nodes.flatMap((node) => node.outputs).filter(isInput)]);
    this.inputs = [...declared].map((value) => ({
      name: inputName(value),
      dtype: value.dtype,
      shape: value.shape,
      optional: graph.initializers?.[inputName(value)] !== undefined,
    }));
    for (const { name, optional } of this.inputs)
      if (optional) this.#defaults[name] = engine.upload(graph.initializers![name]!);
    const slots = new Map<Value, number>();
    const slotOf = (value: Value): number => {
      if (!slots.has(value)) slots.set(value, slots.size);
      return slots.get(value)!;
    };
    for (const value of declared) this.#inputSlots.set(inputName(value), slotOf(value));
    this.#results = values.map((value, i) => ({ value: Object.values(graph.outputs)[i]!, slot: slotOf(value) }));
    this.#plan(nodes, slotOf);
    this.#slots = slots.size;
    this.#device = {
      backend,
      run: (kernel, inputs, attributes) =>
        tf.engine().runKernel(kernel, inputs as Core.NamedTensorMap, attributes as Core.NamedAttrMap) as Core.Tensor,
      tidy: (compute) => tf.tidy(compute),
      table: (name, make, shape) => {
        const known = this.#tables.get(name) ?? engine.put(make(), shape, "int32");
        this.#tables.set(name, known);
        return known;
      },
    };
  }

  #plan(nodes: readonly Node[], slotOf: (value: Value) => number): void {
    const kept = new Set(this.#results.map(({ slot }) => slot));
    const computed = nodes.filter((node) => !isInput(node.outputs[0]!));
    const lastUse = new Map<number, Node>();
    for (const node of computed) for (const value of node.inputs) lastUse.set(slotOf(value), node);
    for (const node of computed) {
      const [output] = node.outputs as [Value];
      const known = constantOf(output);
      if (known) {
        this.#constants.set(slotOf(output), this.#engine.put(known.data, known.shape, known.dtype));
        continue;
      }
      const reads = node.inputs.map(slotOf);
      const over = (slot: number) => lastUse.get(slot) === node && !kept.has(slot) && !this.#constants.has(slot);
      this.#steps.push({ node, reads, fills: slotOf(output), frees: [...new Set(reads)].filter(over) });
    }
  }

  /** Every step's kernel for given sizes. */
  #ready(symbols: ReadonlyMap<string, number>): Call[] {
    const key = [...symbols].map(([name, size]) => `${name}=${size}`).join();
    const known = this.#calls.get(key);
    if (known) return known;
    const size = (dim: Dim): number => sizeOf(dim, symbols);
    const calls = this.#steps.map(({ node }) => {
      const place = (value: Value) => ({ value, dtype: value.dtype, shape: value.shape.map(size) });
      const site = {
        inputs: node.inputs.map(place),
        output: place(node.outputs[0]!),
        attributes: node.attributes,
        size,
      };
      return kernels[node.operator.name]!(site, this.#device);
    });
    this.#calls.set(key, calls);
    return calls;
  }

  /** Computes every output; each result is a tensor of its own. */
  #compute(given: Feeds): Core.Tensor[] {
    if (this.#disposed) throw disposed("This program");
    const feeds: Feeds = { ...this.#defaults, ...given };
    const symbols = checkFeeds(this.#engine.name, this.inputs, feeds);
    this.#engine.activate();
    const tensors = new Array<Core.Tensor | undefined>(this.#slots);
    const own = new Set<Core.Tensor>();
    const hold = (slot: number, tensor: Core.Tensor) => {
      tensors[slot] = tensor;
      own.add(tensor);
    };
    const free = (tensor: Core.Tensor | undefined) => {
      if (tensor && own.delete(tensor)) tensor.dispose();
    };
    try {
      for (const [slot, tensor] of this.#constants) tensors[slot] = tensor;
      for (const { name, dtype } of this.inputs) {
        const feed = feeds[name]!;
        const slot = this.#inputSlots.get(name)!;
        if (isOnHost(feed)) hold(slot, this.#engine.put(feed.data, feed.shape, dtype));
        else tensors[slot] = (feed as TfjsTensor).tensor;
      }
      const calls = this.#ready(symbols);
      this.#steps.forEach(({ reads, fills, frees }, i) => {
        hold(fills, calls[i]!(reads.map((slot) => tensors[slot]!)));
        for (const slot of frees) free(tensors[slot]);
      });
      return this.#results.map(({ slot }) => tensors[slot]!.clone());
    } catch (cause) {
      if (cause instanceof InnerloopError) throw cause;
      const words = cause instanceof Error ? cause.message : String(cause);
      throw new InnerloopError("run-failed", `${this.#engine.name} could not run the program: ${words}`, { cause });
    } finally {
      for (const tensor of [...own]) free(tensor);
    }
  }

  async runOnDevice(feeds: Feeds): Promise<Record<string, TfjsTensor>> {
    const results = this.#compute(feeds);
    return Object.fromEntries(
      this.outputs.map((name, i) => [
        name,
        new TfjsTensor(this.#engine.name, this.#results[i]!.value.dtype, results[i]!),
      ]),
    );
  }

  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    const results = Object.entries(await this.runOnDevice(feeds));
    try {
      return Object.fromEntries(
        await Promise.all(
          results.map(async ([name, tensor]): Promise<[string, Tensor]> => [name, await tensor.read()]),
        ),
      );
    } finally {
      for (const [, tensor] of results) tensor.dispose();
    }
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of [...this.#constants.values(), ...this.#tables.values()]) tensor.dispose();
    for (const tensor of Object.values(this.#defaults)) tensor.dispose();
  }
}

/** The number that a size such as `196*support+1` stands for. */
function sizeOf(dim: Dim, symbols: ReadonlyMap<string, number>): number {
  if (typeof dim === "number") return dim;
  const factor = (text: string): number => {
    const number = /^-?\d+$/.test(text) ? Number(text) : symbols.get(text);
    if (number !== undefined) return number;
    throw new InnerloopError(
      "open-dim",
      `The size "${text}" is not the size of any input's axis; TensorFlow.js needs it before the graph runs; use the engine onnxruntime, or give the graph fixed sizes.`,
    );
  };
  const term = (text: string): number => text.split("*").reduce((total, part) => total * factor(part), 1);
  return dim.split("+").reduce((total, part) => total + term(part), 0);
}
