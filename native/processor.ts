// What computes here, as far as the system tells.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** The processor's model, and what it can: what the same model can is not the same in every virtual machine. */
export function processor(): readonly [model: string, features: string] | readonly [model: string] {
  const model = cpus()[0]?.model ?? "";
  try {
    const features = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return [model, features];
  } catch {
    return [model];
  }
}
