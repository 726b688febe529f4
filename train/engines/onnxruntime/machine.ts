// What forms of operators cost here: as measured on this machine, else as the package brings it for the kind of machine.
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InnerloopError, type MachineCosts, readMachine } from "@innerloop/schemas";
import { versionOf } from "../choose/finding.ts";
import { cacheFolder } from "./kept/store.ts";

/** Those that the package brings, as tune-machine wrote them. */
const shipped = fileURLToPath(new URL("../../../machines", import.meta.url));

export const onnxRuntimeVersion = (): string => versionOf("onnxruntime-node") ?? "unknown";

/** Programs of training run on a thread each. */
const threads = 1;

/**
 * The file that tune-machine writes, beside what else is kept; undefined where nothing is. Machines that share a folder, and versions
 * of ONNX Runtime, have files of their own.
 */
export function machineFile(): string | undefined {
  const sessions = cacheFolder();
  if (sessions === undefined) return undefined;
  const words = [cpus()[0]?.model ?? "unknown", process.arch, "onnxruntime", onnxRuntimeVersion(), threads, "thread"];
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
 * ONNX Runtime does not count.
 * @throws InnerloopError `machine-invalid`, `newer-version`
 */
export function machineHere(): MachineHere | undefined {
  const file = machineFile();
  const measured = file === undefined ? undefined : textOf(file);
  if (file !== undefined && measured !== undefined) {
    const machine = readMachine(measured, file);
    if (machine.processor === cpus()[0]?.model && machine.onnxruntime === onnxRuntimeVersion())
      return { machine, from: "measured" };
  }
  const machine = shippedMachine();
  return machine ? { machine, from: "shipped" } : undefined;
}

/** What the package brings for this processor, or for its architecture. */
export function shippedMachine(): MachineCosts | undefined {
  const machines = readdirSync(shipped).map((name) => readMachine(readFileSync(join(shipped, name), "utf8"), name));
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
