// An engine that behaves like a GPU: it queues, it runs out of memory, and it can be taken away. A real one computes.
import { InnerloopError } from "@innerloop/schemas";
import { type DeviceTensor, type Engine, openEngine, type Program } from "@innerloop/train";

export interface FakeDevice {
  readonly engine: Engine;
  /** The numbers of tasks of all runs that went well. */
  readonly ran: number[];
  /** In order, "run" and "read" of tensors that measure a step. */
  readonly log: string[];
  /** From now on nothing works any more. */
  lose(): void;
}

/**
 * @param memory the largest number of tasks that a run fits
 * @param late whether a lack of memory shows only when results are read
 * @param steps after so many runs the device is lost
 */
export async function fakeDevice({
  memory = Number.POSITIVE_INFINITY,
  late = false,
  steps = Number.POSITIVE_INFINITY,
  queues = false,
} = {}): Promise<FakeDevice> {
  const { engine: real } = await openEngine("onnxruntime:cpu", { threads: 1 });
  const name = "fake:gpu";
  const [ran, log]: [number[], string[]] = [[], []];
  let lost = false;
  let runs = 0;
  const check = () => {
    if (lost) throw new InnerloopError("device-lost", "the cable was pulled");
  };
  const full = () => new InnerloopError("out-of-memory", "the device's memory is full");
  const wrapped = (tensor: DeviceTensor, fits: boolean): DeviceTensor & { readonly real: DeviceTensor } => ({
    engine: name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    real: tensor,
    async read() {
      check();
      if (!fits) throw full();
      if (tensor.shape.length === 0) log.push("read");
      return tensor.read();
    },
    dispose: () => tensor.dispose(),
  });
  const compile = async (graph: Parameters<Engine["compile"]>[0]): Promise<Program> => {
    check();
    const program = await real.compile(graph);
    const shape = program.inputs.find((port) => port.name === "support_x")?.shape;
    const hasTasks = shape !== undefined && "loss" in graph.outputs && graph.outputs.loss!.rank === 0;
    const tasks = hasTasks ? Number(shape[0]) : 0;
    const bare = (feeds: Parameters<Program["run"]>[0]) =>
      Object.fromEntries(
        Object.entries(feeds).map(([key, tensor]) => [key, "real" in tensor ? (tensor.real as DeviceTensor) : tensor]),
      );
    return {
      inputs: program.inputs,
      outputs: program.outputs,
      async run(feeds) {
        check();
        return program.run(bare(feeds));
      },
      async runOnDevice(feeds) {
        if (runs++ >= steps) lost = true;
        check();
        if (tasks > memory && !late) throw full();
        const results = await program.runOnDevice(bare(feeds));
        if (tasks <= memory && tasks > 0) ran.push(tasks);
        log.push("run");
        return Object.fromEntries(
          Object.entries(results).map(([key, tensor]) => [key, wrapped(tensor, tasks <= memory)]),
        );
      },
      dispose: () => program.dispose(),
    };
  };
  const engine: Engine = {
    name,
    queues,
    compile,
    upload: (tensor) => wrapped(real.upload(tensor), true),
    dispose: () => real.dispose(),
  };
  return {
    engine,
    ran,
    log,
    lose: () => {
      lost = true;
    },
  };
}
