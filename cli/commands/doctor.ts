// `innerloop doctor`: what works here, why other things do not, and what to do about it.
import { createRequire } from "node:module";
import { defineCommand } from "../command.ts";
import { print, printJson, resultStyle } from "../output.ts";
import { version } from "../version.ts";

export const doctor = defineCommand({
  name: "doctor",
  summary: "show which engines (for training) and providers (for bundles) work here, and what to do about the others",
  arguments: [],
  options: { json: { type: "switch", what: "the findings as JSON on stdout" } },
  examples: [],
  async run({ json = false }) {
    const [{ listEngines, openEngine }, { chooseProvider, listProviders }] = await Promise.all([
      import("@innerloop/train"),
      import("@innerloop/runtime/session"),
    ]);
    const failed = (cause: unknown) => ({ name: undefined, reason: (cause as Error).message });
    const engines = await listEngines();
    const providers = await listProviders().catch(() => []);
    const engine = await openEngine().then(async (opened) => {
      await opened.engine.dispose();
      return { name: opened.engine.name, reason: opened.reason };
    }, failed);
    const provider = await chooseProvider().then(({ name, reason }) => ({ name, reason }), failed);
    const findings = {
      innerloop: version,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      versions: versions(),
      auto: engine.name ?? null,
      engines: engines.map((it) => ({ ...it, auto: it.name === engine.name })),
      autoProvider: provider.name ?? null,
      providers: providers.map((it) => ({ ...it, auto: it.name === provider.name })),
    };
    if (json) {
      printJson(findings);
      return;
    }
    print(`innerloop ${version}, Node ${process.version}, ${findings.platform}`);
    print(
      Object.entries(findings.versions)
        .map(([name, found]) => `${name} ${found}`)
        .join(", "),
    );
    print();
    print(`Engines, for training; auto takes ${resultStyle("bold", engine.name ?? "none")} (${engine.reason})`);
    for (const it of findings.engines) printFinding(it);
    print();
    print(`Providers, for bundles; auto takes ${resultStyle("bold", provider.name ?? "none")} (${provider.reason})`);
    for (const it of findings.providers) printFinding(it);
  },
});

interface Finding {
  readonly name: string;
  readonly available: boolean;
  readonly auto: boolean;
  readonly reason?: string;
  readonly remedy?: string;
}

function printFinding({ name, available, auto, reason, remedy }: Finding): void {
  const mark = available ? resultStyle("green", "✓") : resultStyle("dim", "–");
  print(`  ${mark} ${name.padEnd(19)}${available ? (auto ? "works; auto takes it" : "works") : (reason ?? "")}`);
  if (!available && remedy) print(resultStyle("dim", `    ${" ".repeat(19)}to use it: ${remedy}`));
}

/** The versions of the packages that compute. */
function versions(): Record<string, string> {
  const from = createRequire(import.meta.url);
  const found: Record<string, string> = {};
  for (const [room, name] of [
    ["@innerloop/runtime", "onnxruntime-node"],
    ["@innerloop/train", "@tensorflow/tfjs-core"],
  ] as const) {
    try {
      const { version: installed } = createRequire(from.resolve(room))(`${name}/package.json`) as { version: string };
      found[name] = installed;
    } catch {
      found[name] = "not found";
    }
  }
  return found;
}
