// One case on one engine, in a process of its own: `node engine.js CASE ENGINE SECONDS` prints a line of JSON, as peer.py does.
// A process that dies of its GPU is then a line in the table.
import { InnerloopError, type Tensor } from "@innerloop/schemas";
import { type DeviceTensor, metaGradient, openEngine, parameterValues } from "@innerloop/train";
import type { Data, WorkloadBatch } from "../peers/data.ts";
import { type GpuCase, gpuLearner } from "./cases.ts";

/** What a side says of one case; milliseconds are those of each run. */
export type Answer =
  | {
      readonly version: string;
      readonly device: string;
      readonly milliseconds: readonly number[];
      /** Seconds from the graph to the first result. */
      readonly preparing: number;
      /** Mean query loss over the tasks. */
      readonly loss: number;
      /** L2 norm of the meta-gradient. */
      readonly norm: number;
    }
  | { readonly error: string };

const float32 = ({ shape, data }: Data): Tensor => ({ dtype: "float32", shape, data });

/** Arrays of all tasks with a leading task axis. */
function stack(batches: readonly WorkloadBatch[]): { x: Tensor; y: Tensor } {
  const all = <T extends Float32Array | Int32Array>(parts: readonly T[]): T => {
    const joined = new (parts[0]!.constructor as new (size: number) => T)(parts.length * parts[0]!.length);
    parts.forEach((part, i) => {
      joined.set(part, i * part.length);
    });
    return joined;
  };
  const labels = batches.map(({ y }) => y as Int32Array);
  return {
    x: float32({ shape: [batches.length, ...batches[0]!.x.shape], data: all(batches.map(({ x }) => x.data)) }),
    y: { dtype: "int32", shape: [batches.length, labels[0]!.length], data: all(labels) },
  };
}

async function measure(workload: GpuCase, name: string, seconds: number): Promise<Answer> {
  const { learner, data } = gpuLearner(workload);
  const { engine } = await openEngine(name);
  const start = performance.now();
  const sizes = { support: workload.support, query: workload.queries, ways: workload.ways };
  const { loss, gradients } = metaGradient(learner, parameterValues(learner), sizes, workload.tasks);
  const named = Object.entries(gradients).map(([parameter, value]) => [`gradient/${parameter}`, value] as const);
  const program = await engine.compile({ outputs: { loss, ...Object.fromEntries(named) } });
  const [support, query] = [stack(data.tasks.map((task) => task.support)), stack(data.tasks.map((task) => task.query))];
  const arrays: Record<string, Tensor> = {
    ...Object.fromEntries(Object.entries(data.parameters).map(([parameter, value]) => [parameter, float32(value)])),
    ...{ support_x: support.x, support_y: support.y, query_x: query.x, query_y: query.y },
  };
  const feeds = Object.fromEntries(program.inputs.map((port) => [port.name, engine.upload(arrays[port.name]!)]));
  // The loss is read, so that the run is over; gradients stay where an optimizer would take them.
  const once = async (use?: (outputs: Record<string, DeviceTensor>) => Promise<void>): Promise<number> => {
    const outputs = await program.runOnDevice(feeds);
    const sum = Number((await outputs.loss!.read()).data[0]);
    await use?.(outputs);
    for (const tensor of Object.values(outputs)) tensor.dispose();
    return sum / workload.tasks;
  };
  let squares = 0;
  const value = await once(async (outputs) => {
    for (const [output] of named)
      for (const entry of (await outputs[output]!.read()).data as Float32Array)
        squares += (entry / workload.tasks) ** 2;
  });
  const preparing = (performance.now() - start) / 1000;
  await once();
  const milliseconds: number[] = [];
  for (const end = performance.now() + 1000 * seconds; milliseconds.length < 5 || performance.now() < end; ) {
    const before = performance.now();
    await once();
    milliseconds.push(performance.now() - before);
  }
  for (const tensor of Object.values(feeds)) tensor.dispose();
  await program.dispose();
  await engine.dispose();
  const { version } = process;
  return { version, device: engine.name, milliseconds, preparing, loss: value, norm: Math.sqrt(squares) };
}

const [, , text = "{}", engineName = "auto", seconds = "5"] = process.argv;
const answer = await measure(JSON.parse(text) as GpuCase, engineName, Number(seconds)).catch(
  (cause: unknown): Answer => ({
    error: cause instanceof InnerloopError ? `${cause.code}: ${cause.message}` : String(cause),
  }),
);
process.stdout.write(`${JSON.stringify(answer)}\n`);
