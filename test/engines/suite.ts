// The engine tests on one engine, in a process of their own: what it takes down counts as failed.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** How many tests went how, and what those are called that failed or were skipped. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
  readonly skips: readonly string[];
}

/** This file runs compiled, from test/dist/engines. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");

/** Slow engines take their time, above all where a GPU is drawn in software. */
const patience = 20 * 60_000;

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Runs test files on an engine. */
export async function runSuite(engine: string, files: readonly string[]): Promise<SuiteResult> {
  const folder = mkdtempSync(join(tmpdir(), "innerloop-suite-"));
  const output = join(folder, "report.json");
  try {
    const args = ["run", ...files, "--reporter=json", `--outputFile=${output}`, `--testTimeout=${patience}`];
    const { status, said } = await ended([vitest, ...args, `--hookTimeout=${patience}`], engine);
    const result = readReport(output);
    if (status === 0 || result.failed > 0) return result;
    const words = said.findLast((line) => /error|exited|signal/i.test(line)) ?? said.at(-1) ?? `status ${status}`;
    return { ...result, failed: 1, failures: [`the process of the tests stopped: ${words}`] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ended(args: readonly string[], engine: string): Promise<{ status: number | null; said: string[] }> {
  const env = { ...process.env, INNERLOOP_ENGINES: engine, NO_COLOR: "1" };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said = (said + chunk).slice(-20_000);
    });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, said: said.split("\n").filter((line) => line.trim() !== "") }));
  });
}

function readReport(path: string): SuiteResult {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, "utf8")) as Report;
  } catch {
    return { passed: 0, failed: 0, skipped: 0, failures: [], skips: [] };
  }
  const tests = report.testResults.flatMap((it) => it.assertionResults);
  const named = (...statuses: string[]) => tests.filter((it) => statuses.includes(it.status)).map((it) => it.fullName);
  const [failures, skips] = [named("failed"), named("skipped", "pending", "todo", "disabled")];
  // A file that could not be loaded has no tests.
  const broken = report.testResults.filter((it) => it.assertionResults.length === 0 && it.message);
  return {
    passed: named("passed").length,
    failed: failures.length + broken.length,
    skipped: skips.length,
    failures: [...failures, ...broken.map((it) => `${it.name}: ${it.message!.split("\n")[0]}`)],
    skips,
  };
}
