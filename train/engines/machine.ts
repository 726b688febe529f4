// What forms of operators cost here: as measured on this machine, else as the package brings it for the kind of machine.
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InnerloopError, type MachineCosts, readMachine } from "@innerloop/schemas";
import { versionOf } from "./choose/finding.ts";
import { cacheFolder } from "./onnxruntime/kept/store.ts";
import { installedTensorFlow } from "./tfjs/installed.ts";

/** Those that the package brings, as tune-machine wrote them. */
const shipped = fileURLToPath(new URL("../../machines", import.meta.url));

/** Engines whose forms are timed, by the version of what computes. */
const versions = {
  "onnxruntime:cpu": () => versionOf("onnxruntime-node"),
  "tfjs:tfjs-node": () => installedTensorFlow()?.version ?? versionOf("@tensorflow/tfjs-node"),
  "tfjs:wasm": () => versionOf("@tensorflow/tfjs-backend-wasm"),
} satisfies Readonly<Record<string, () => string | undefined>>;

/** An engine whose forms are timed. */
export type TunedEngine = keyof typeof versions;
export const tunedEngines = Object.keys(versions) as readonly TunedEngine[];

const usual: TunedEngine = "onnxruntime:cpu";

/** What a file of costs says of what was timed. */
export function timedWith(engine: TunedEngine = usual): Pick<MachineCosts, "onnxruntime" | "engine" | "engineVersion"> {
  const version = versions[engine]() ?? "unknown";
  return engine === usual ? { onnxruntime: version } : { engine, engineVersion: version };
}

/** Whether costs are of an engine, and of its version here. */
function isOf(engine: TunedEngine, machine: MachineCosts): boolean {
  const { onnxruntime, engine: name, engineVersion } = timedWith(engine);
  return machine.engine === name && machine.engineVersion === engineVersion && machine.onnxruntime === onnxruntime;
}

/** Programs of training run on a thread each. */
const threads = 1;

/**
 * The file that tune-machine writes, beside what else is kept; undefined where nothing is. Machines that share a folder, engines and
 * versions of them, have files of their own.
 */
export function machineFile(engine: TunedEngine = usual): string | undefined {
  const sessions = cacheFolder();
  if (sessions === undefined) return undefined;
  const timed = engine === usual ? "onnxruntime" : engine;
  const version = versions[engine]() ?? "unknown";
  const words = [cpus()[0]?.model ?? "unknown", process.arch, timed, version, threads, "thread"];
  const name = words
    .join(" ")
    .replace(/[^A-Za-z0-9.]+/g, "-")
    .replace(/^-|-$/g, "");
  return join(dirname(sessions), "machines", `${name.toLowerCase()}.json`);
}

/** Costs, and where they are from. */
export interface MachineHere {
  readonly machine: MachineCosts;
  readonly from: "measured" | "shipped";
}

/**
 * The costs of this machine; undefined where nobody knows any. What was measured with another processor or another version of
 * the engine does not count.
 * @throws InnerloopError `machine-invalid`, `newer-version`
 */
export function machineHere(engine: TunedEngine = usual): MachineHere | undefined {
  const file = machineFile(engine);
  const measured = file === undefined ? undefined : textOf(file);
  if (file !== undefined && measured !== undefined) {
    const machine = readMachine(measured, file);
    if (machine.processor === cpus()[0]?.model && isOf(engine, machine)) return { machine, from: "measured" };
  }
  const machine = shippedMachine(engine);
  return machine ? { machine, from: "shipped" } : undefined;
}

/** What the package brings for this processor, or for its architecture. */
export function shippedMachine(engine: TunedEngine = usual): MachineCosts | undefined {
  const machines = readdirSync(shipped)
    .map((name) => readMachine(readFileSync(join(shipped, name), "utf8"), name))
    .filter((machine) => machine.engine === timedWith(engine).engine);
  return (
    machines.find(({ processor }) => processor === cpus()[0]?.model) ??
    machines.find(({ platform }) => platform.endsWith(`-${process.arch}`))
  );
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new InnerloopError("machine-invalid", `${file} cannot be read: ${(cause as Error).message}; delete it`, {
      cause,
    });
  }
}
