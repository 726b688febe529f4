// The engine over TensorFlow.js: a graph is lowered to its kernels and planned once; a run walks the plan and frees every
// tensor after its last use. TensorFlow.js is loaded when an engine is opened, not before.
import { constantOf, inputName, inputsOf, lower, resolveDim, type Value } from "@innerloop/graph";
import { type DType, ELEMENTS, encodeNumbers, InnerloopError, type Tensor, type TypedArray } from "@innerloop/schemas";
import type * as Core from "@tensorflow/tfjs-core";
import type { DeviceTensor, Engine, EngineOptions, Feeds, Graph, Port, Program } from "../engine.ts";
import { checkFeeds, disposed, isOnHost } from "../feeds.ts";
import { machineHere, tunedEngines } from "../machine.ts";
import { type Backend, type Started, startBackend, type Trouble, troubleOf } from "./backends.ts";
import { type Device, kernelDType } from "./kernel.ts";
import { type Plan, planOf } from "./plan.ts";
import { Repeated } from "./recorded.ts";
import { type Forms, targetOf } from "./target.ts";

export type { Backend } from "./backends.ts";

type Tf = typeof Core;

/**
 * Opens the engine `tfjs:<backend>`. Native code that is broken can end the process: `open.ts` tries it in another first.
 * @throws InnerloopError `engine-unavailable` where the backend does not start
 */
export async function openTfjs(
  backend: Backend,
  { convolution = "auto" }: Pick<EngineOptions, "convolution"> = {},
): Promise<Engine> {
  const { tf, started } = await startBackend(backend);
  const name = `tfjs:${backend}`;
  const tuned = tunedEngines.find((engine) => engine === name);
  const asked = convolution === "columns" || convolution === "native" ? convolution : undefined;
  return new TfjsEngine(name, tf, started, tuned && (asked ?? machineHere(tuned)?.machine.forms));
}

class TfjsEngine implements Engine {
  readonly name: string;
  readonly version: string;
  readonly device?: string;
  readonly queues: boolean;
  readonly tf: Tf;
  readonly started: Started;
  readonly forms: Forms;

  constructor(name: string, tf: Tf, started: Started, forms: Forms) {
    this.name = name;
    this.version = started.version;
    if (started.device !== undefined) this.device = started.device;
    this.queues = started.queues;
    this.tf = tf;
    this.started = started;
    this.forms = forms;
  }

  async compile(graph: Graph): Promise<Program> {
    return new TfjsProgram(this, graph);
  }

  upload(tensor: Tensor): TfjsTensor {
    return new TfjsTensor(this, tensor.dtype, this.put(tensor.data, tensor.shape, tensor.dtype));
  }

  /** Copies numbers to the device. */
  put(data: TypedArray | readonly number[], shape: readonly number[], dtype: DType): Core.Tensor {
    this.activate();
    const type = kernelDType(dtype);
    try {
      return this.tf.tensor(copied(data, type), [...shape], type);
    } catch (cause) {
      throw this.failure("could not take a tensor", cause);
    }
  }

  /** Makes this engine's backend the one that kernels run on; several engines may be open. */
  activate(): void {
    const { registered } = this.started;
    if (this.tf.getBackend() !== registered) void this.tf.setBackend(registered);
  }

  /** @throws InnerloopError for what the device said since it was last asked */
  check(what: string): void {
    const trouble = this.started.trouble?.();
    if (trouble) throw this.#error(what, trouble);
  }

  /** The error for something that was thrown. */
  failure(what: string, cause: unknown): InnerloopError {
    return cause instanceof InnerloopError ? cause : this.#error(what, troubleOf(cause, this.started), cause);
  }

  #error(what: string, { code, words }: Trouble, cause?: unknown): InnerloopError {
    const advice = {
      "out-of-memory": "; give it fewer tasks or examples at a time",
      "device-lost": "; open the engine again, or another one",
      "run-failed": "",
    };
    return new InnerloopError(code, `${this.name} ${what}: ${words}${advice[code]}.`, { cause });
  }

  async dispose(): Promise<void> {}
}

/** A copy as the kind of array that a kernel's dtype has. */
function copied(data: TypedArray | readonly number[], type: ReturnType<typeof kernelDType>) {
  if (type === "float32") return new Float32Array(data as Float32Array);
  if (type === "bool") return new Uint8Array(data as Uint8Array);
  return data instanceof BigInt64Array ? Int32Array.from(data, Number) : new Int32Array(data as Int32Array);
}

class TfjsTensor implements DeviceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #engine: TfjsEngine;
  readonly #tensor: Core.Tensor;

  constructor(engine: TfjsEngine, dtype: DType, tensor: Core.Tensor) {
    this.dtype = dtype;
    this.shape = tensor.shape;
    this.#engine = engine;
    this.#tensor = tensor;
  }

  get engine(): string {
    return this.#engine.name;
  }

  get tensor(): Core.Tensor {
    if (this.#tensor.isDisposed) throw disposed("This tensor");
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    const { tensor } = this;
    try {
      const data = asDType(await tensor.data(), this.dtype);
      this.#engine.check("could not read a tensor");
      return { dtype: this.dtype, shape: this.shape, data };
    } catch (cause) {
      throw this.#engine.failure("could not read a tensor", cause);
    }
  }

  dispose(): void {
    if (!this.#tensor.isDisposed) this.#tensor.dispose();
  }
}

/** A copy of what the device gave, in the graph's dtype. */
function asDType(data: Float32Array | Int32Array | Uint8Array, dtype: DType): TypedArray {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return data.slice();
  return new ELEMENTS[dtype].array(encodeNumbers(dtype, data).buffer);
}

class TfjsProgram implements Program {
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  readonly #engine: TfjsEngine;
  readonly #device: Device;
  readonly #values: readonly Value[];
  readonly #declared: readonly Value[];
  readonly #dtypes: readonly DType[];
  readonly #defaults: Record<string, TfjsTensor> = {};
  /** Constants, and tables of kernels, uploaded once. */
  readonly #constants = new Map<string, Core.Tensor>();
  /** By the sizes that symbols have. */
  readonly #plans = new Map<string, Plan>();
  /** What runs plans as graphs. */
  readonly #repeated = new Map<Plan, Repeated>();
  #disposed = false;

  constructor(engine: TfjsEngine, graph: Graph) {
    this.#engine = engine;
    this.outputs = Object.keys(graph.outputs);
    this.#dtypes = Object.values(graph.outputs).map(({ dtype }) => dtype);
    const { registered } = engine.started;
    this.#values = lower(Object.values(graph.outputs), targetOf(registered, engine.forms));
    this.#declared = [...new Set([...(graph.inputs ?? []), ...inputsOf(this.#values)])];
    this.inputs = this.#declared.map((value) => ({
      name: inputName(value),
      dtype: value.dtype,
      shape: value.shape,
      optional: graph.initializers?.[inputName(value)] !== undefined,
    }));
    for (const { name, optional } of this.inputs)
      if (optional) this.#defaults[name] = engine.upload(graph.initializers![name]!);
    const { tf } = engine;
    this.#device = {
      backend: registered,
      run: (kernel, inputs, attributes) =>
        tf.engine().runKernel(kernel, inputs as Core.NamedTensorMap, attributes as Core.NamedAttrMap) as Core.Tensor,
      tidy: (compute) => tf.tidy(compute),
      table: (name, make, shape) => this.#kept(name, () => engine.put(make(), shape, "int32")),
      number: (value, dtype) => this.#kept(`number ${value} ${dtype}`, () => engine.put([value], [], dtype)),
    };
  }

  #kept(name: string, make: () => Core.Tensor): Core.Tensor {
    const known = this.#constants.get(name) ?? make();
    this.#constants.set(name, known);
    return known;
  }

  /** A constant in a shape, all shapes of it sharing the numbers. */
  #constant(value: Value, shape: readonly number[]): Core.Tensor {
    const { data, shape: own, dtype } = constantOf(value)!;
    const first = this.#kept(`constant ${value.node.id}`, () => this.#engine.put(data, own, dtype));
    if (own.join() === shape.join()) return first;
    const view = () => this.#device.run("Reshape", { x: first }, { shape });
    return this.#kept(`constant ${value.node.id} ${shape}`, view);
  }

  /** What a run for given sizes walks over. */
  #planFor(symbols: ReadonlyMap<string, number>): Plan {
    const key = [...symbols].map(([name, size]) => `${name}=${size}`).join();
    const known = this.#plans.get(key);
    if (known) return known;
    const plan = planOf({
      outputs: this.#values,
      inputs: this.#declared,
      device: this.#device,
      size: (dim) => resolveDim(dim, symbols, unknownSize),
      constant: (value, shape) => this.#constant(value, shape),
    });
    this.#plans.set(key, plan);
    return plan;
  }

  /** Computes every output; each result is a tensor of its own. */
  #compute(given: Feeds): Core.Tensor[] {
    if (this.#disposed) throw disposed("This program");
    const feeds: Feeds = { ...this.#defaults, ...given };
    const symbols = checkFeeds(this.#engine.name, this.inputs, feeds);
    this.#engine.activate();
    const { trim } = this.#engine.started;
    const attempt = (): Core.Tensor[] => {
      try {
        return this.#walk(feeds, symbols);
      } catch (cause) {
        trim?.();
        throw cause;
      }
    };
    try {
      return attempt();
    } catch (cause) {
      // What was kept for tensors of other sizes may be all that was missing.
      if (trim && cause instanceof InnerloopError && cause.code === "out-of-memory") return attempt();
      throw cause;
    }
  }

  #walk(feeds: Feeds, symbols: ReadonlyMap<string, number>): Core.Tensor[] {
    // Slots with a tensor of this run; the caller's and the program's are not among them.
    const own = new Set<number>();
    let tensors: (Core.Tensor | undefined)[] = [];
    const free = (slot: number) => {
      if (own.delete(slot)) tensors[slot]!.dispose();
    };
    try {
      const plan = this.#planFor(symbols);
      tensors = plan.start.slice();
      const fed = this.inputs.map(({ name, dtype }, slot) => {
        const feed = feeds[name]!;
        const fromHost = isOnHost(feed);
        const tensor = fromHost ? this.#engine.put(feed.data, feed.shape, dtype) : (feed as TfjsTensor).tensor;
        tensors[slot] = tensor;
        if (fromHost) own.add(slot);
        return tensor;
      });
      const walk = () => {
        for (const { run, reads, fills, frees } of plan.steps) {
          const results = run(reads.map((slot) => tensors[slot]!));
          fills.forEach((slot, i) => {
            tensors[slot] = results[i];
            own.add(slot);
          });
          for (const slot of frees) free(slot);
        }
        return plan.results.map((slot) => tensors[slot]!);
      };
      const results = this.#repeatedOf(plan)?.run(fed, walk) ?? walk();
      this.#engine.check("could not run the program");
      for (const slot of plan.results) own.delete(slot);
      return results;
    } catch (cause) {
      throw this.#engine.failure("could not run the program", cause);
    } finally {
      for (const slot of [...own]) free(slot);
    }
  }

  #repeatedOf(plan: Plan): Repeated | undefined {
    const { graphs } = this.#engine.started;
    if (!graphs || plan.steps.length === 0) return undefined;
    const known = this.#repeated.get(plan) ?? new Repeated(graphs);
    this.#repeated.set(plan, known);
    return known;
  }

  async runOnDevice(feeds: Feeds): Promise<Record<string, TfjsTensor>> {
    const results = this.#compute(feeds);
    const named = this.outputs.map((name, i) => [name, new TfjsTensor(this.#engine, this.#dtypes[i]!, results[i]!)]);
    return Object.fromEntries(named);
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
    for (const repeated of this.#repeated.values()) repeated.dispose();
    for (const tensor of this.#constants.values()) tensor.dispose();
    for (const tensor of Object.values(this.#defaults)) tensor.dispose();
  }
}

/** The error for a size that is known only when a graph runs. */
const unknownSize = (name: string): InnerloopError =>
  new InnerloopError(
    "open-dim",
    `The size "${name}" is not the size of any input's axis; TensorFlow.js needs it before the graph runs; use the engine onnxruntime, or give the graph fixed sizes.`,
  );
