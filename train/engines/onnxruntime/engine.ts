// The engine over ONNX Runtime: a graph is written as ONNX and opened as a session of the runtime room, so that training
// runs on what the device runs on.
import { elementDTypes, onnxTargetFor, writeOnnx } from "@innerloop/graph";
import {
  type DeviceFeeds,
  type DeviceSession,
  type DeviceTensor as Held,
  openDevice,
  type ProviderName,
} from "@innerloop/runtime/session";
import { type DType, InnerloopError, type Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import type { DeviceTensor, Engine, EngineOptions, Feeds, Graph, Port, Program } from "../engine.ts";
import { checkFeeds, disposed, isOnHost } from "../feeds.ts";

/** A tensor of this engine: where the provider keeps outputs on its device, so do programs, and else the host's. */
class OnnxTensor implements DeviceTensor {
  readonly engine: string;
  readonly held: Held;

  constructor(engine: string, held: Held) {
    this.engine = engine;
    this.held = held;
  }

  get dtype(): DType {
    return this.held.dtype;
  }

  get shape(): readonly number[] {
    return this.held.shape;
  }

  read(): Promise<Tensor> {
    return this.held.read();
  }

  dispose(): void {
    this.held.dispose();
  }
}

class OnnxProgram implements Program {
  readonly inputs: readonly Port[];
  readonly #engine: string;
  readonly #session: DeviceSession;
  #disposed = false;

  constructor(engine: string, session: DeviceSession, inputs: readonly Port[]) {
    this.#engine = engine;
    this.#session = session;
    this.inputs = inputs;
  }

  get outputs(): readonly string[] {
    return this.#session.outputs;
  }

  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    return this.#session.run(this.#checked(feeds));
  }

  async runOnDevice(feeds: Feeds): Promise<Record<string, DeviceTensor>> {
    const results = Object.entries(await this.#session.runOnDevice(this.#checked(feeds)));
    return Object.fromEntries(results.map(([name, held]) => [name, new OnnxTensor(this.#engine, held)]));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#session.dispose();
  }

  #checked(feeds: Feeds): DeviceFeeds {
    if (this.#disposed) throw disposed("This program");
    checkFeeds(this.#engine, this.inputs, feeds);
    const held = Object.entries(feeds).map(([name, tensor]) => [
      name,
      isOnHost(tensor) ? tensor : (tensor as OnnxTensor).held,
    ]);
    return Object.fromEntries(held);
  }
}

/**
 * Opens the engine `onnxruntime:<provider>`; `cpu` unless said. Sessions are opened when programs are compiled or loaded.
 * @param options `threads` are those of each program's session; `convolution` is what suits the provider unless given
 */
export async function openOnnxRuntime({
  provider = "cpu",
  convolution = "auto",
  ...options
}: EngineOptions & { readonly provider?: ProviderName } = {}): Promise<Engine> {
  const name = `onnxruntime:${provider}`;
  const device = await openDevice({ ...options, provider });
  const serialize = ({ outputs, initializers, inputs, precision }: Graph): Uint8Array =>
    writeOnnx(outputs, {
      target: onnxTargetFor(provider, { convolution, ...(precision ? { precision } : {}) }),
      ...(initializers ? { initializers } : {}),
      ...(inputs ? { inputs } : {}),
      ...(precision ? { precision } : {}),
    });
  const load = async (bytes: Uint8Array): Promise<Program> =>
    new OnnxProgram(name, await device.open(bytes), portsOf(bytes));
  return {
    name,
    float16: true,
    compile: (graph) => load(serialize(graph)),
    upload: (tensor) => new OnnxTensor(name, device.upload(tensor)),
    portable: { serialize, load },
    dispose: () => device.dispose(),
  };
}

/** The inputs that a model declares. */
function portsOf(bytes: Uint8Array): Port[] {
  const { graph } = decodeModel(bytes, "the program");
  const initialized = new Set(graph?.initializer?.map((tensor) => tensor.name));
  return (graph?.input ?? []).map(({ name: given, type }) => {
    const name = given ?? "";
    const tensor = type?.tensorType;
    const dtype = elementDTypes.get(tensor?.elemType ?? 0);
    if (!dtype)
      throw new InnerloopError(
        "bad-program",
        `The input "${name}" of the program has a type that is not supported; expected one of ${[...elementDTypes.values()].join(", ")}; compile the graph again.`,
      );
    const shape = (tensor?.shape?.dim ?? []).map((dim) => dim.dimParam || Number(dim.dimValue));
    return { name, dtype, shape, optional: initialized.has(name) };
  });
}
