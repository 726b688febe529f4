// The most memory that this process held.
import { existsSync, readFileSync } from "node:fs";

/** In MiB. Linux counts a parent's memory in the usage of a process that it started, but not in the process's own status. */
export function mebibytesAtMost(): number {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const kibibytes = Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
  return kibibytes / 1024;
}
