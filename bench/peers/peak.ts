// The memory that this process holds, and the most that it held.
import { existsSync, readFileSync } from "node:fs";

/** In MiB. Linux counts a parent's memory in the usage of a process that it started, but not in the process's own status. */
export const mebibytesAtMost = (): number => kibibytesOf("VmHWM", process.resourceUsage().maxRSS) / 1024;

/** What this process holds now, likewise. */
export const mebibytesNow = (): number => kibibytesOf("VmRSS", process.memoryUsage.rss() / 1024) / 1024;

function kibibytesOf(what: string, otherwise: number): number {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  return Number(new RegExp(`^${what}:\\s*(\\d+) kB`, "m").exec(status)?.[1] ?? otherwise);
}
