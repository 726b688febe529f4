// Programs on kernels of our own, as they are opened from bytes; ONNX Runtime runs what these do not compute, of the same bytes.
import { type KeptPrograms, kernelsHere, type NativeModel, native } from "@innerloop/native";
import type { DType, Tensor } from "@innerloop/schemas/bundle";
import type { DeviceTensor, Feeds, Port, Program, ProgramBytes, ProgramOptions, Programs } from "../engine.ts";
import { checkFeeds, disposed, isOnHost } from "../feeds.ts";
import { awaited, unclaim } from "../onnxruntime/kept/claims.ts";
import { cacheFolder, find, keep, keepProgram } from "../onnxruntime/kept/store.ts";
import { openPrograms } from "../onnxruntime/program.ts";

export const name = "native";

/** A tensor of this engine, which lies where JavaScript sees it. */
class NativeTensor implements DeviceTensor {
  readonly engine = name;
  readonly dtype: DType;
  readonly shape: readonly number[];
  #tensor: Tensor | undefined;

  constructor(tensor: Tensor) {
    this.#tensor = tensor;
    this.dtype = tensor.dtype;
    this.shape = [...tensor.shape];
  }

  get tensor(): Tensor {
    if (!this.#tensor) throw disposed("This tensor");
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    return copyOf(this.tensor);
  }

  dispose(): void {
    this.#tensor = undefined;
  }
}

const copyOf = ({ dtype, shape, data }: Tensor): Tensor => ({ dtype, shape: [...shape], data: data.slice() });

/** ONNX Runtime takes no arrays over memory that threads share. */
const ownOf = (feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [
      name,
      tensor.data.buffer instanceof SharedArrayBuffer ? copyOf(tensor) : tensor,
    ]),
  );

class NativeProgram implements Program {
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  readonly takesShared = true;
  readonly #model: NativeModel | undefined;
  readonly #open: () => Promise<Program>;
  #usual: Promise<Program> | undefined;
  #disposed = false;

  /** @param open the same program on ONNX Runtime */
  constructor(
    { inputs, outputs }: Pick<Program, "inputs" | "outputs">,
    model: NativeModel | undefined,
    open: () => Promise<Program>,
  ) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#model = model;
    this.#open = open;
  }

  #checked(feeds: Feeds): Record<string, Tensor> {
    if (this.#disposed) throw disposed("This program");
    checkFeeds(name, this.inputs, feeds);
    return Object.fromEntries(
      Object.entries(feeds).map(([input, given]) => [input, isOnHost(given) ? given : (given as NativeTensor).tensor]),
    );
  }

  async look(feeds: Feeds, see: (outputs: Record<string, Tensor>) => void): Promise<boolean> {
    const results = this.#model?.run(this.#checked(feeds), this.outputs, true);
    if (results) see(results);
    return results !== undefined;
  }

  async run(feeds: Feeds, spent?: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const fed = this.#checked(feeds);
    const results = this.#model?.run(fed, this.outputs, false, spent);
    if (results) return results;
    this.#usual ??= this.#open();
    this.#usual.catch(() => (this.#usual = undefined));
    return (await this.#usual).run(ownOf(fed));
  }

  async runOnDevice(feeds: Feeds): Promise<Record<string, DeviceTensor>> {
    const results = Object.entries(await this.run(feeds));
    return Object.fromEntries(results.map(([output, tensor]) => [output, new NativeTensor(tensor)]));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await (await this.#usual)?.dispose();
  }
}

/** Programs beside the sessions of ONNX Runtime, bounded as these are. */
const keptPrograms: KeptPrograms = {
  find: (key) => {
    const folder = cacheFolder();
    return folder === undefined ? undefined : awaited(folder, key, () => find(folder, key, "program"));
  },
  keep(key, bytes) {
    const folder = cacheFolder();
    if (folder === undefined) return;
    keepProgram(folder, key, bytes);
    unclaim(folder, key);
  },
  leave(key) {
    const folder = cacheFolder();
    if (folder !== undefined) unclaim(folder, key);
  },
};

/**
 * Opens what runs programs on the kernels that were built here.
 * @param options of the sessions of ONNX Runtime that run the rest
 */
export async function openNativePrograms(options: ProgramOptions = {}): Promise<Programs> {
  // A thread is opened while there is nothing to run yet.
  const add = kernelsHere()?.add;
  let usual: Promise<Programs> | undefined;
  const onnxRuntime = (): Promise<Programs> => {
    usual ??= openPrograms("cpu", options);
    return usual;
  };
  return {
    name,
    ...(add ? { add } : {}),
    async load(program) {
      const { bytes, keepAs }: ProgramBytes = program instanceof Uint8Array ? { bytes: program } : program;
      if (keepAs !== undefined) await keep(keepAs, bytes);
      const open = async () => (await onnxRuntime()).load(bytes);
      const model = native.open(bytes, { ...options, kept: keptPrograms });
      if (model) return new NativeProgram({ inputs: model.ports, outputs: model.outputs }, model, open);
      const usual = await open();
      return new NativeProgram(usual, undefined, async () => usual);
    },
    upload: (tensor) => new NativeTensor(copyOf(tensor)),
    dispose: async () => (await usual)?.dispose(),
  };
}
