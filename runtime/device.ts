// Sessions whose outputs stay where they were computed, to be fed again without a way through the host: what training
// keeps its parameters and the state of its optimizer in.
//
// What ONNX Runtime 1.30 can keep: on webgpu every output, in Node and in browsers. On cuda its binding for Node takes and
// gives host memory only, as the processor's providers do by nature; there a device tensor is one of the host.
import { type DType, ELEMENTS, InnerloopError, type Tensor } from "@innerloop/schemas/bundle";
import { Lifetime } from "./lifetime.ts";
import { fromOrt, identity, type Opened, type OrtTensor, openModel, runModel } from "./onnxruntime.ts";
import { needlessOptimizers } from "./optimizers.ts";
import { chooseProvider, type ProviderChoice, type SessionOptions } from "./providers.ts";

/** A tensor that lies where a {@link Device} computes. It belongs to the caller, who frees it. */
export interface DeviceTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where it lies. */
  readonly location: "device" | "host";
  /** A copy for the host. @throws InnerloopError `disposed` after {@link dispose} */
  read(): Promise<Tensor>;
  /** Frees it; calling it again does nothing. */
  dispose(): void;
}

/** Tensors by the name of the input: of the host, or of the device that the session is on. */
export type DeviceFeeds = Readonly<Record<string, Tensor | DeviceTensor>>;

/** A model on a {@link Device}. Feeds must stay as they are until the promise settles. */
export interface DeviceSession {
  readonly inputs: readonly string[];
  readonly inputTypes: readonly InputType[];
  readonly outputs: readonly string[];
  /** As {@link Session.run}: every output comes to the host. */
  run(feeds: DeviceFeeds, fetches?: readonly string[]): Promise<Record<string, Tensor>>;
  /** The same with the outputs left on the device; the caller disposes of all. */
  runOnDevice(feeds: DeviceFeeds, fetches?: readonly string[]): Promise<Record<string, DeviceTensor>>;
  /** Waits for the calls that run, then frees the model; calling it again does nothing. */
  dispose(): Promise<void>;
}

/** How a model is opened; Node alone keeps files. */
export interface Opening {
  /** ONNX Runtime wrote it when it had optimized it, on this processor; it is taken as it is. */
  readonly optimized?: boolean;
  /** A file that gets the model as ONNX Runtime has optimized it. */
  readonly saveTo?: string;
  /**
   * Memory counts more than a few percent of the time of small graphs: a run takes its arrays one by one out of what the session
   * holds. Else ONNX Runtime lays them out by the first run and takes one block for all, while that of the first run stays, too.
   */
  readonly frugal?: boolean;
}

/** An input of a model. A size is a number, or a symbol that every run may give another size. */
export interface InputType {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
  /** It has an initializer and need not be fed. */
  readonly optional: boolean;
}

/** A provider, and the sessions and tensors on it. */
export interface Device {
  readonly provider: ProviderChoice;
  /** @throws InnerloopError as {@link openSession} */
  open(model: Uint8Array, how?: Opening): Promise<DeviceSession>;
  /** A copy of a host tensor; its first run takes it to the device. */
  upload(tensor: Tensor): DeviceTensor;
  /** Frees what the device holds for itself; its sessions and tensors are disposed of before. */
  dispose(): Promise<void>;
}

/**
 * Opens a provider for sessions that keep tensors on it.
 *
 * @throws InnerloopError `provider-unavailable`, `onnxruntime-missing`, `bad-option`.
 */
export async function openDevice(options: SessionOptions = {}): Promise<Device> {
  const provider = await chooseProvider(options);
  const reader = new Reader(provider, options);
  const settings = provider.name === "webgpu" ? ({ preferredOutputLocation: "gpu-buffer" } as const) : {};
  return {
    provider,
    upload: ({ dtype, shape, data }) => new HostTensor({ dtype, shape: [...shape], data: data.slice() }),
    dispose: () => reader.dispose(),
    async open(model, { optimized = false, saveTo, frugal = false } = {}) {
      const needless = optimized ? undefined : needlessOptimizers(model);
      const opened = await openModel(model, provider.name, options, {
        ...settings,
        ...(optimized ? { graphOptimizationLevel: "disabled" } : {}),
        ...(needless === undefined ? {} : { extra: { optimization: { disable_specified_optimizers: needless } } }),
        ...(saveTo === undefined ? {} : { optimizedModelFilePath: saveTo }),
        ...(frugal ? { enableMemPattern: false } : {}),
      });
      const lifetime = new Lifetime("this session", () => opened.session.release());
      const runOnDevice = (feeds: DeviceFeeds, fetches?: readonly string[]) =>
        lifetime.during(async () => {
          const results = await runModel(opened, mapValues(feeds, fed), fetches);
          if (settings.preferredOutputLocation) await reader.catchUp();
          return mapValues(
            results,
            (tensor): DeviceTensor =>
              tensor.location === "gpu-buffer"
                ? new GpuTensor(tensor, reader)
                : new HostTensor(fromOrt({ tensor }).tensor!),
          );
        });
      return {
        inputs: opened.session.inputNames,
        inputTypes: inputTypesOf(opened),
        outputs: opened.session.outputNames,
        runOnDevice,
        async run(feeds, fetches) {
          const results = Object.entries(await runOnDevice(feeds, fetches));
          try {
            // A tensor of the host is nobody else's: its memory is handed over, not copied.
            const read = results.map(async ([name, tensor]) => [
              name,
              tensor instanceof HostTensor ? tensor.tensor : await tensor.read(),
            ]);
            return Object.fromEntries(await Promise.all(read));
          } finally {
            for (const [, tensor] of results) tensor.dispose();
          }
        },
        dispose: () => lifetime.end(),
      };
    },
  };
}

const inputTypesOf = ({ session, defaults }: Opened): InputType[] =>
  session.inputMetadata.flatMap((value) =>
    value.isTensor
      ? [{ name: value.name, dtype: value.type as DType, shape: value.shape, optional: value.name in defaults }]
      : [],
  );

class HostTensor implements DeviceTensor {
  readonly location = "host";
  readonly dtype: DType;
  readonly shape: readonly number[];
  #tensor: Tensor | undefined;

  constructor(tensor: Tensor) {
    this.dtype = tensor.dtype;
    this.shape = tensor.shape;
    this.#tensor = tensor;
  }

  get tensor(): Tensor {
    return this.#tensor ?? gone();
  }

  async read(): Promise<Tensor> {
    const { dtype, shape, data } = this.tensor;
    return { dtype, shape, data: data.slice() };
  }

  dispose(): void {
    this.#tensor = undefined;
  }
}

class GpuTensor implements DeviceTensor {
  readonly location = "device";
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #reader: Reader;
  #tensor: OrtTensor | undefined;

  constructor(tensor: OrtTensor, reader: Reader) {
    this.dtype = tensor.type as DType;
    this.shape = tensor.dims;
    this.#tensor = tensor;
    this.#reader = reader;
  }

  get tensor(): OrtTensor {
    return this.#tensor ?? gone();
  }

  async read(): Promise<Tensor> {
    return this.#reader.read(this.tensor);
  }

  dispose(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

/**
 * Brings tensors to the host by a model that hands its input on: ONNX Runtime's binding for Node cannot read a tensor that
 * lies on a device, and ends the process when asked to.
 */
class Reader {
  readonly #provider: ProviderChoice;
  readonly #options: SessionOptions;
  readonly #models = new Map<string, Promise<Opened>>();
  #runs = 0;

  constructor(provider: ProviderChoice, options: SessionOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  /**
   * Waits for the device now and then: what it needs to take feeds from the host is freed only when it is waited for, as a
   * read does.
   */
  async catchUp(): Promise<void> {
    if (++this.#runs % runsAhead === 0) await this.read({ dtype: "float32", shape: [], data: new Float32Array(1) });
  }

  async read(tensor: Tensor | OrtTensor): Promise<Tensor> {
    const type = "dtype" in tensor ? tensor.dtype : tensor.type;
    let model = this.#models.get(type);
    if (model === undefined) {
      model = openModel(identity(ELEMENTS[type as DType].onnx), this.#provider.name, this.#options);
      this.#models.set(type, model);
    }
    return fromOrt(await runModel(await model, { x: tensor })).y!;
  }

  async dispose(): Promise<void> {
    const models = [...this.#models.values()];
    this.#models.clear();
    for (const model of models) await (await model).session.release();
  }
}

/** Runs that a device may be behind. */
const runsAhead = 16;

function fed(tensor: Tensor | DeviceTensor): Tensor | OrtTensor {
  return tensor instanceof HostTensor || tensor instanceof GpuTensor ? tensor.tensor : (tensor as Tensor);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function gone(): never {
  throw new InnerloopError("disposed", "this tensor was disposed of and takes no more calls; make it again to go on", {
    exitStatus: 2,
  });
}
