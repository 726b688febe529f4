// The process that tries an engine: opens it, lets it compute, and says what it computes on.
import { input, op } from "@innerloop/graph";
import { processor } from "../choose/devices.ts";
import { engineNamed } from "../choose/list.ts";
import { answerParent } from "./child.ts";
import type { Probe } from "./probe.ts";

await answerParent(async (): Promise<Probe> => {
  const entry = engineNamed(process.argv[2]!)!;
  const device = entry.trial?.device ? await entry.trial.device() : { device: processor() };
  const engine = await entry.open({}).catch((error: Error) => {
    // What went wrong, without what the engine makes of it: that is said once, by who asks.
    throw error.cause ?? error;
  });
  const failure = await entry.trial?.fault?.();
  if (failure !== undefined) return { works: false, failure };
  const x = input("x", [2, 2]);
  const program = await engine.compile({ outputs: { y: op.MatMul(x, x) } });
  const { y } = await program.run({ x: { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } });
  if ([...y!.data].join() !== "7,10,15,22")
    return { works: false, failure: `it computes wrong numbers: [[1, 2], [3, 4]] squared is [${[...y!.data]}]` };
  return { works: true, ...(engine.version === undefined ? {} : { version: engine.version }), ...device };
});
