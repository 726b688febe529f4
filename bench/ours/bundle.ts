// The bundle of a workload's learner, in a folder of its own.
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "@innerloop/export";
import type { Tensor } from "@innerloop/schemas";
import type { Data } from "../peers/data.ts";
import { type Case, dataOf, learnerOf } from "../workloads.ts";

export const float32 = ({ shape, data }: Data): Tensor => ({ dtype: "float32", shape, data });
export const floats = (values: Readonly<Record<string, Data>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, float32(value)]));

/** Writes it, and says where. */
export async function writeWorkloadBundle(workload: Case): Promise<string> {
  const { manifest, files } = buildBundle(learnerOf(workload), floats(dataOf(workload).parameters));
  const folder = await mkdtemp(join(tmpdir(), "innerloop-bench-"));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}
