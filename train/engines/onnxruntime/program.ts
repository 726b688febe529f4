// Programs of ONNX Runtime as they are opened from bytes. Worker threads load this file and not what graphs are made with, which
// would take them longer than opening their programs.
import {
  type DeviceFeeds,
  type DeviceSession,
  type DeviceTensor as Held,
  openDevice,
  type ProviderName,
} from "@innerloop/runtime/session";
import type { DType, Tensor } from "@innerloop/schemas/bundle";
import type { DeviceTensor, Feeds, Port, Program, ProgramOptions, Programs } from "../engine.ts";
import { checkFeeds, disposed, isOnHost } from "../feeds.ts";
import { openAndKeep } from "./kept/opening.ts";

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

  constructor(engine: string, session: DeviceSession) {
    this.#engine = engine;
    this.#session = session;
    this.inputs = session.inputTypes;
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

/** Opens the provider of an engine; sessions are opened when programs are loaded. */
export async function openPrograms(
  provider: ProviderName,
  { frugal = false, ...options }: ProgramOptions = {},
): Promise<Programs> {
  const name = `onnxruntime:${provider}`;
  const device = await openDevice({ ...options, provider });
  return {
    name,
    load: async (program) => {
      const given = program instanceof Uint8Array ? { bytes: program } : program;
      const session = await openAndKeep(device, given, frugal);
      return new OnnxProgram(name, session);
    },
    upload: (tensor) => new OnnxTensor(name, device.upload(tensor)),
    dispose: () => device.dispose(),
  };
}
