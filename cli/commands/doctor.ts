// `innerloop doctor`: what works here, how fast, why other things do not, and what to do about it.
import { InnerloopError } from "@innerloop/schemas";
import { defineCommand } from "../command.ts";
import { doctorTable } from "../doctor/table.ts";
import { print, printJson } from "../output.ts";

export const doctor = defineCommand({
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
    const { examine } = await import("../doctor/examine.ts");
    const findings = await examine({ measure });
    if (json) printJson(findings);
    else print(doctorTable(findings, process.stdout.columns ?? 110));
    const { auto, autoProvider } = findings;
    if (auto === null || autoProvider === null)
      throw new InnerloopError(
        "nothing-works",
        `No ${auto === null ? "engine" : "provider"} works here; the findings say why; run npm install again.`,
      );
    const failed = [...findings.engines, ...findings.providers].find((it) => it.auto && !it.available);
    if (failed)
      throw new InnerloopError(
        "default-fails",
        `${failed.name} is what auto takes, and it fails: ${failed.reason}; name another with --engine or --provider.`,
      );
  },
});
