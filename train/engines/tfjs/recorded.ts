// What a run does with TensorFlow's operations, written down once and from then on run as one graph: an operation that JavaScript
// asks for takes some 40 µs whatever it does, one of a graph a few.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as Core from "@tensorflow/tfjs-core";
import { type Attribute, type AttributeKinds, type GraphNode, savedModel } from "./saved-model.ts";

type Data = Float32Array | Int32Array | Uint8Array;

/** What of the addon is used here. */
interface Binding extends AttributeKinds {
  createTensor(shape: readonly number[], dtype: number, data: Data): number;
  tensorDataSync(id: number): Data;
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): { readonly id: number; readonly shape: readonly number[]; readonly dtype: number }[];
  deleteSavedModel(model: number): void;
}

/** What of tfjs-node's backend is used here. */
export interface GraphBackend {
  binding: Binding;
  getDTypeInteger(dtype: string): number;
  getInputTensorIds(tensors: readonly Core.TensorInfo[]): number[];
  loadSavedModelMetaGraph(folder: string, tags: string): number;
  runSavedModel(
    model: number,
    inputs: readonly Core.Tensor[],
    named: readonly { readonly name: string; readonly tfDtype: string }[],
    outputs: readonly string[],
  ): Core.Tensor[];
}

/** Constants of more bytes than this, all together, are not made part of a graph. */
const constantsAtMost = 2 ** 28;

/**
 * A run that is done over and over with tensors of the same shapes: the first time operation by operation, which is written down, and
 * after that as one graph. Where that cannot be, it stays operation by operation.
 */
export class Repeated {
  readonly #backend: GraphBackend;
  /** What was written down, until it is opened. */
  #recording: Recording | undefined;
  #opened: Opened | undefined;
  /** Whether it stays operation by operation. */
  #refused = false;

  constructor(backend: GraphBackend) {
    this.#backend = backend;
  }

  /**
   * @param inputs what it reads that differs from run to run
   * @param operations makes the results of them operation by operation
   */
  run(inputs: readonly Core.Tensor[], operations: () => Core.Tensor[]): Core.Tensor[] {
    if (this.#refused) return operations();
    this.#open();
    if (this.#opened) return this.#opened.run(inputs);
    return this.#record(inputs, operations);
  }

  #record(inputs: readonly Core.Tensor[], operations: () => Core.Tensor[]): Core.Tensor[] {
    const ids = this.#backend.getInputTensorIds(inputs);
    // One tensor for two inputs does not tell which of them is read.
    if (new Set(ids).size < ids.length) return operations();
    const recording = new Recording(this.#backend, inputs, ids);
    const results = recording.during(operations);
    recording.end(this.#backend.getInputTensorIds(results));
    if (recording.whole) this.#recording = recording;
    else this.#refused = true;
    return results;
  }

  #open(): void {
    if (!this.#recording) return;
    try {
      this.#opened = this.#recording.open();
    } catch {
      this.#refused = true;
    }
    this.#recording = undefined;
  }

  dispose(): void {
    this.#opened?.dispose();
    this.#opened = undefined;
    this.#recording = undefined;
    this.#refused = true;
  }
}

/** The operations of a run, as nodes of a graph. */
class Recording {
  readonly #backend: GraphBackend;
  readonly #inputs: readonly string[];
  readonly #nodes: GraphNode[] = [];
  /** The output of a node by the number that the addon has for the tensor. */
  readonly #outputs = new Map<number, string>();
  /** Shapes and dtypes by that number. */
  readonly #seen = new Map<number, Core.TensorInfo>();
  readonly #binding: Binding;
  #results: readonly string[] = [];
  #bytes = 0;
  /** Whether what it did is all known: nothing was read that decides what is done next. */
  whole = true;

  constructor(backend: GraphBackend, inputs: readonly Core.Tensor[], ids: readonly number[]) {
    this.#backend = backend;
    this.#binding = backend.binding;
    this.#inputs = inputs.map(({ shape, dtype }, i) => {
      const name = `input${i}`;
      this.#nodes.push({ name, kind: "input", dtype: backend.getDTypeInteger(dtype), shape });
      this.#outputs.set(ids[i]!, `${name}:0`);
      return `${name}:0`;
    });
  }

  /** Runs something and writes its operations down. */
  during(operations: () => Core.Tensor[]): Core.Tensor[] {
    const [backend, binding] = [this.#backend, this.#binding];
    const idsOf = backend.getInputTensorIds.bind(backend);
    const recorder: Partial<Binding> = {
      createTensor: (shape, dtype, data) => {
        const id = binding.createTensor(shape, dtype, data);
        this.#constant(id, shape, dtype, data);
        return id;
      },
      executeOp: (name, attributes, inputs, count) => {
        const made = binding.executeOp(name, attributes, inputs, count);
        this.#operation(name, attributes, inputs, made);
        return made;
      },
      tensorDataSync: (id) => {
        this.whole = false;
        return binding.tensorDataSync(id);
      },
    };
    // The addon's own functions cannot be assigned to, not even where they are inherited.
    const described = Object.entries(recorder).map(([name, value]) => [name, { value }]);
    backend.binding = Object.create(binding, Object.fromEntries(described) as PropertyDescriptorMap) as Binding;
    backend.getInputTensorIds = (tensors) => {
      const ids = idsOf(tensors);
      for (const [i, id] of ids.entries()) this.#seen.set(id, tensors[i]!);
      return ids;
    };
    try {
      return operations();
    } finally {
      backend.binding = binding;
      Reflect.deleteProperty(backend, "getInputTensorIds");
    }
  }

  #constant(id: number, shape: readonly number[], dtype: number, data: Data): string {
    const name = `constant${id}`;
    this.#bytes += data.byteLength;
    if (this.#bytes > constantsAtMost) this.whole = false;
    if (this.whole) this.#nodes.push({ name, kind: "constant", dtype, shape: [...shape], data: data.slice() });
    this.#outputs.set(id, `${name}:0`);
    return `${name}:0`;
  }

  #operation(
    operation: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    made: ReturnType<Binding["executeOp"]>,
  ): void {
    if (!this.whole) return;
    const read = inputs.map((id) => this.#outputs.get(id) ?? this.#keptBefore(id));
    const name = `node${this.#nodes.length}`;
    this.#nodes.push({ name, kind: "operation", operation, attributes, inputs: read });
    for (const [i, { id }] of made.entries()) this.#outputs.set(id, `${name}:${i}`);
  }

  /** A tensor from before the run that is no input of it: what a program keeps. */
  #keptBefore(id: number): string {
    const { shape, dtype } = this.#seen.get(id)!;
    const data = this.#binding.tensorDataSync(id);
    return this.#constant(id, shape, this.#backend.getDTypeInteger(dtype), data);
  }

  end(ids: readonly number[]): void {
    const results = ids.map((id) => this.#outputs.get(id));
    if (results.every((name) => name !== undefined)) this.#results = results;
    else this.whole = false;
  }

  /** The graph, made ready by TensorFlow. @throws Error where it refuses it */
  open(): Opened {
    const folder = mkdtempSync(join(tmpdir(), "innerloop-graph-"));
    try {
      writeFileSync(join(folder, "saved_model.pb"), savedModel(this.#nodes, this.#binding));
      const model = this.#backend.loadSavedModelMetaGraph(folder, "serve");
      return new Opened(this.#backend, model, this.#inputs, this.#results);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
}

/** A graph that TensorFlow holds ready. */
class Opened {
  readonly #backend: GraphBackend;
  readonly #model: number;
  readonly #inputs: readonly string[];
  readonly #results: readonly string[];

  constructor(backend: GraphBackend, model: number, inputs: readonly string[], results: readonly string[]) {
    this.#backend = backend;
    this.#model = model;
    this.#inputs = inputs;
    this.#results = results;
  }

  run(inputs: readonly Core.Tensor[]): Core.Tensor[] {
    const named = this.#inputs.map((name) => ({ name, tfDtype: "" }));
    return this.#backend.runSavedModel(this.#model, inputs, named, this.#results);
  }

  dispose(): void {
    this.#backend.binding.deleteSavedModel(this.#model);
  }
}
