// The engine over ONNX Runtime: a graph is written as ONNX and opened as a session of the runtime room, so that training
// runs on what the device runs on.
import { elementDTypes, writeOnnx } from "@innerloop/graph";
import { openSession, type ProviderName, type Session } from "@innerloop/runtime/session";
import { type DType, InnerloopError, type Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import type { DeviceTensor, Engine, EngineOptions, Feeds, Graph, Port, Program } from "./engine.ts";
import { checkFeeds, disposed, isOnHost } from "./feeds.ts";

/** A tensor of this engine. Sessions take and give host memory, so that is where it lives. */
class HostTensor implements DeviceTensor {
  readonly engine: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  #tensor: Tensor | undefined;

  constructor(engine: string, tensor: Tensor) {
    this.engine = engine;
    this.dtype = tensor.dtype;
    this.shape = tensor.shape;
    this.#tensor = tensor;
  }

  get tensor(): Tensor {
    if (!this.#tensor) throw disposed("This tensor");
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    const { dtype, shape, data } = this.tensor;
    return { dtype, shape, data: data.slice() };
  }

  dispose(): void {
    this.#tensor = undefined;
  }
}

class OnnxProgram implements Program {
  readonly inputs: readonly Port[];
  readonly #engine: string;
  readonly #session: Session;
  #disposed = false;

  constructor(engine: string, session: Session, inputs: readonly Port[]) {
    this.#engine = engine;
    this.#session = session;
    this.inputs = inputs;
  }

  get outputs(): readonly string[] {
    return this.#session.outputs;
  }

  async run(feeds: Feeds): Promise<Record<string, Tensor>> {
    if (this.#disposed) throw disposed("This program");
    checkFeeds(this.#engine, this.inputs, feeds);
    const onHost = Object.entries(feeds).map(([name, tensor]): [string, Tensor] => [
      name,
      isOnHost(tensor) ? tensor : (tensor as HostTensor).tensor,
    ]);
    return this.#session.run(Object.fromEntries(onHost));
  }

  async runOnDevice(feeds: Feeds): Promise<Record<string, DeviceTensor>> {
    const results = Object.entries(await this.run(feeds));
    return Object.fromEntries(results.map(([name, tensor]) => [name, new HostTensor(this.#engine, tensor)]));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#session.dispose();
  }
}

/**
 * Opens the engine `onnxruntime:<provider>`; `cpu` unless said. Sessions are opened when programs are compiled or loaded.
 * @param options `threads` are those of each program's session
 */
export async function openOnnxRuntime({
  provider = "cpu",
  ...options
}: EngineOptions & { readonly provider?: ProviderName } = {}): Promise<Engine> {
  const name = `onnxruntime:${provider}`;
  const serialize = ({ outputs, initializers, inputs }: Graph): Uint8Array =>
    writeOnnx(outputs, { ...(initializers ? { initializers } : {}), ...(inputs ? { inputs } : {}) });
  const load = async (bytes: Uint8Array): Promise<Program> =>
    new OnnxProgram(name, await openSession(bytes, { ...options, provider }), portsOf(bytes));
  return {
    name,
    compile: (graph) => load(serialize(graph)),
    upload: ({ dtype, shape, data }) => new HostTensor(name, { dtype, shape: [...shape], data: data.slice() }),
    portable: { serialize, load },
    dispose: async () => {},
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
