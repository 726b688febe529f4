// The contract that every engine keeps: compile a graph once, run it often, keep tensors on the device in between.
import type { ConvolutionForm, Value } from "@innerloop/graph";
import type { DType, Tensor } from "@innerloop/schemas";

/** What an engine compiles: values by the names that they get. The inputs are the graph's `input(…)` values, fed by name. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Value>>;
  /** Numbers that an input has unless a run feeds others. */
  readonly initializers?: Readonly<Record<string, Tensor>>;
  /** Inputs that a run may feed although no output may depend on them; those that outputs need are found anyway. */
  readonly inputs?: readonly Value[];
  /** `float16`: computed in it where that is safe; inputs and outputs stay float32. Only for engines that have it. */
  readonly precision?: "float16";
}

/** An input of a program. A size is a number, or a symbol that every run may give another size. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  /** It has an initializer and need not be fed. */
  readonly optional: boolean;
}

/** A tensor that stays where the engine computes. It belongs to the caller, who frees it. */
export interface DeviceTensor {
  /** The name of the engine that it belongs to. */
  readonly engine: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** A copy for the host. @throws InnerloopError `disposed` after {@link dispose} */
  read(): Promise<Tensor>;
  /** Frees it; calling it again does nothing. */
  dispose(): void;
}

/** Tensors by the name of the input: from the host, or from the device of the engine that runs the program. */
export type Feeds = Readonly<Record<string, Tensor | DeviceTensor>>;

/** A compiled graph. Feeds have to stay as they are until the promise settles; int32 is converted where int64 is wanted. */
export interface Program {
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  /** Feeds may lie in memory that threads share. */
  readonly takesShared?: boolean;
  /**
   * Runs once and brings every output to the host, in the dtype that the graph gives it.
   * @param spent outputs of an earlier run, which nobody reads any more: arrays of these may be given again
   * @throws InnerloopError `bad-input` for an input that is missing, unknown, or of another dtype or shape;
   *   `out-of-memory` where the device has too little for the tensors of a run, after which a smaller one may do;
   *   `device-lost` where the device is gone, and with it the engine and its tensors; `run-failed` for the rest, with the
   *   engine's words; `disposed` after {@link dispose}
   */
  run(feeds: Feeds, spent?: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /**
   * The same with outputs that only `see` is shown, where they lie, before anything else runs.
   * @returns false where there is no such run, and nothing was shown
   */
  look?(feeds: Feeds, see: (outputs: Record<string, Tensor>) => void): Promise<boolean>;
  /** The same with every output left on the device; the caller reads what it wants and disposes of all. */
  runOnDevice(feeds: Feeds): Promise<Record<string, DeviceTensor>>;
  /** Frees the program; calling it again does nothing. */
  dispose(): Promise<void>;
}

/** A program that can go to another thread. */
export interface ProgramBytes {
  readonly bytes: Uint8Array;
  /** What opens it has optimized it already, on this machine. */
  readonly optimized?: boolean;
  /** It is to be kept under this name for later processes, as what opens it first has optimized it. */
  readonly keepAs?: string;
}

/** Adds numbers to as many others. */
export type Adding = (to: Float32Array, more: Float32Array) => void;

/** Programs as bytes, so that every worker thread can open its own from one compilation. */
export interface Portable {
  /** Quicker than a loop in JavaScript. */
  readonly add?: Adding;
  /** A graph as bytes. */
  serialize(graph: Graph): Uint8Array;
  /** The same, or what an earlier process made of them. */
  prepare(graph: Graph): Promise<ProgramBytes>;
  load(program: Uint8Array | ProgramBytes): Promise<Program>;
}

/** Something that runs graphs. */
export interface Engine {
  /** `onnxruntime:cpu`, `tfjs:wasm`, … */
  readonly name: string;
  /** Of what computes, where it is known: TensorFlow, Dawn, … */
  readonly version?: string;
  /** What it computes on, in words, where it is known. */
  readonly device?: string;
  /** @throws InnerloopError naming an operator or a size that the engine cannot run */
  compile(graph: Graph): Promise<Program>;
  /**
   * A copy of a host tensor on the device.
   * @throws InnerloopError `out-of-memory`, `device-lost`
   */
  upload(tensor: Tensor): DeviceTensor;
  /** Runs return before the device has computed, and reading a tensor waits for it; so what is read late costs nothing. */
  readonly queues?: boolean;
  /** Whether programs may ask for float16. */
  readonly float16?: boolean;
  /** There where programs can go to other threads as bytes. */
  readonly portable?: Portable;
  /** Frees what the engine holds; its programs and tensors are disposed of before. */
  dispose(): Promise<void>;
}

/** What opens programs in a thread. */
export interface Programs {
  /** Of the engine. */
  readonly name: string;
  /** As that of {@link Portable}. */
  readonly add?: Adding;
  load(program: Uint8Array | ProgramBytes): Promise<Program>;
  upload(tensor: Tensor): DeviceTensor;
  dispose(): Promise<void>;
}

export interface EngineOptions {
  /** Threads of one run on the processor, for engines that let it be chosen (onnxruntime); else the engine's own choice. */
  readonly threads?: number;
  /**
   * How convolutions are computed: `columns`, gathered and multiplied; `native`, by the engine's own kernels, whose
   * weight gradients are columns all the same. `auto`, the default: shared on cuda, native on webgpu and dml, elsewhere what
   * costs of the machine say for each. On TensorFlow.js for the processor alone, where `shared` is `auto`.
   */
  readonly convolution?: ConvolutionForm | "auto";
}

export interface ProgramOptions extends EngineOptions {
  /** Several threads open the same programs side by side, so that what each holds counts. */
  readonly frugal?: boolean;
}
