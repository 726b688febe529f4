// How much memory a workload takes on our side. Run as a program of its own, this file does the work and tells its peak;
// for adapting it holds the runtime alone, as a device does.
import { fork } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { WorkloadBatch } from "./peers/data.ts";

type Job =
  | { readonly kind: "adapt"; readonly folder: string; readonly support: WorkloadBatch; readonly threads: number }
  | { readonly kind: "meta"; readonly name: string; readonly threads: number };

const isProgram = process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url);

/** The most memory that a process running a workload of ours holds, in MiB. */
export async function ourMemory(name: string, threads: number): Promise<number> {
  const [{ writeWorkloadBundle }, { workloadNamed }] = await Promise.all([
    import("./ours.ts"),
    import("./workloads.ts"),
  ]);
  const workload = workloadNamed(name);
  if (workload.kind === "meta") return inChild({ kind: "meta", name, threads });
  const { folder, data } = await writeWorkloadBundle(workload);
  try {
    return await inChild({ kind: "adapt", folder, support: data.tasks[0]!.support, threads });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function inChild(job: Job): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { serialization: "advanced" });
    child.on("message", (mebibytes: number) => resolve(mebibytes));
    child.on("error", reject);
    child.on("exit", (status) => reject(new Error(`the process that measures memory ended with status ${status}`)));
    child.send(job);
  });
}

async function work(job: Job): Promise<void> {
  if (job.kind === "adapt") {
    const { openAdapt } = await import("./adapt.ts");
    const { once, close } = await openAdapt(job.folder, job.threads, job.support);
    for (let i = 0; i < 5; i++) await once();
    await close();
    return;
  }
  const [{ prepareOurs }, { workloadNamed }] = await Promise.all([import("./ours.ts"), import("./workloads.ts")]);
  const ours = await prepareOurs(workloadNamed(job.name), job.threads);
  await ours.run(5);
  await ours.close();
}

/** In MiB. Linux counts a parent's memory in the usage of a process that it started, but not in the process's own status. */
function peak(): number {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const kibibytes = Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS);
  return kibibytes / 1024;
}

if (isProgram)
  process.once("message", async (job: Job) => {
    await work(job);
    process.send!(peak(), () => process.disconnect());
  });
