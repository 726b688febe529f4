// `innerloop doctor`: what works here, how fast, why other things do not, and what to do about it.
import { InnerloopError } from "@innerloop/schemas";
import type { Findings } from "@innerloop/setup";
import { defineCommand } from "../call/command.ts";
import { doctorTable } from "../shared/doctor-table.ts";
import { print, printJson, startProgress } from "../terminal/output.ts";
import { version } from "../version.ts";

export const command = defineCommand({
  name: "doctor",
  summary: "show which engines (for training) and providers (for bundles) work here, and what to do about the others",
  notes: async () => [
    "Speeds are measured for two seconds each, in processes of their own; the first iteration of a slow engine takes longer.",
  ],
  arguments: [],
  options: {
    measure: { type: "switch", what: "measure speeds; --no-measure leaves that out", otherwise: "on" },
    json: { type: "switch", what: "the findings as JSON on stdout" },
  },
  examples: [["doctor --no-measure", "in a second or two"]],
  async run({ json = false, measure = true }) {
    const { examine, measured } = await import("@innerloop/setup");
    const found = await examine();
    const findings = { innerloop: version, ...(measure ? await withSpeeds(found) : found), measured };
    if (json) printJson(findings);
    else print(doctorTable(findings, process.stdout.columns ?? 110));
    const { auto, autoProvider } = findings;
    if (auto === null || autoProvider === null)
      throw new InnerloopError(
        "nothing-works",
        `No ${auto === null ? "engine" : "provider"} works here; the findings say why; run npm install again.`,
      );
    const failed = [...findings.engines, ...findings.providers].find((finding) => finding.auto && !finding.available);
    if (failed)
      throw new InnerloopError(
        "default-fails",
        `${failed.name} is what auto takes, and it fails: ${failed.reason}; name another with --engine or --provider.`,
      );
  },
});

/** Measures, and says on stderr what it is at. */
async function withSpeeds(findings: Findings): Promise<Findings> {
  const { measureSpeeds } = await import("@innerloop/setup");
  const progress = await startProgress("measuring");
  try {
    return await measureSpeeds(findings, (name, done, all) => progress.update(done / all, name));
  } finally {
    progress.stop();
  }
}
