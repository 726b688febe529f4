// Which engines there are here, which one `auto` takes, and why; a named engine is used or refused, never replaced.
import { InnerloopError } from "@innerloop/schemas";
import { openByName } from "./by-name.ts";
import { type Candidate, candidates, type EngineReport } from "./candidates.ts";
import type { Engine, EngineOptions } from "./engine.ts";

/** An engine, why it was chosen, and why the others were not. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly reason: string;
  readonly rejected: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Opens an engine.
 * @param name `auto`, a family (`onnxruntime`, `tfjs`) whose best is taken, or one engine (`onnxruntime:cpu`, `tfjs:wasm`, …)
 * @throws InnerloopError `unknown-engine`; `engine-unavailable` with the cause and what to do
 */
export async function openEngine(name = "auto", options: EngineOptions = {}): Promise<OpenedEngine> {
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new InnerloopError("bad-option", `threads is ${threads}; expected a whole number from 1; correct it.`, {
      exitStatus: 2,
    });
  const exact = candidates.find((it) => it.name === name);
  if (exact) return { engine: await openNamed(exact, options), reason: "asked for by name", rejected: [] };
  const family = candidates.filter((it) => name === "auto" || it.name.startsWith(`${name}:`));
  if (family.length === 0)
    throw new InnerloopError(
      "unknown-engine",
      `The engine "${name}" was asked for; known are auto, onnxruntime, tfjs, ${candidates.map((it) => it.name).join(", ")}; choose one of them.`,
      { exitStatus: 2 },
    );
  return openFirst(family, options);
}

async function openFirst(family: readonly Candidate[], options: EngineOptions): Promise<OpenedEngine> {
  const rejected: { name: string; reason: string }[] = [];
  for (const [i, candidate] of family.entries()) {
    const engine = await openAutomatically(candidate, options);
    if (typeof engine === "string") {
      rejected.push({ name: candidate.name, reason: engine });
      continue;
    }
    const slower = family
      .slice(i + 1)
      .map((it) => ({ name: it.name, reason: it.unwanted() ?? `slower than ${candidate.name}` }));
    return { engine, reason: candidate.strength, rejected: [...rejected, ...slower] };
  }
  throw new InnerloopError(
    "engine-unavailable",
    `No engine works here: ${rejected.map((it) => `${it.name}: ${it.reason}`).join("; ")}; run npm install again.`,
  );
}

/** The engine, or why `auto` does not take it. What costs nothing to find out is asked first. */
async function openAutomatically(candidate: Candidate, options: EngineOptions): Promise<Engine | string> {
  const unwanted = candidate.unwanted();
  if (unwanted !== undefined) return unwanted;
  const { available, reason = "not available", onlyByName } = await candidate.check();
  if (!available) return reason;
  return onlyByName ?? openByName(candidate.name, options).catch((cause: Error) => cause.message);
}

async function openNamed(candidate: Candidate, options: EngineOptions): Promise<Engine> {
  const report = await candidate.check();
  if (report.available) return openByName(candidate.name, options);
  throw new InnerloopError(
    "engine-unavailable",
    `The engine ${candidate.name} was asked for and does not work here: ${report.reason}; ${report.remedy ? `to use it: ${report.remedy}; or ` : ""}use the engine auto.`,
  );
}

/** The names of all engines that there may be, in the order in which `auto` tries them. */
export const engineNames: readonly string[] = candidates.map((it) => it.name);

/**
 * Engines in the order in which `auto` tries them, with what keeps each from working here. Those of native code are tried
 * in processes of their own, which takes a second or two the first time.
 * @param names which; all unless given
 */
export const listEngines = (names?: readonly string[]): Promise<EngineReport[]> =>
  Promise.all(candidates.filter((it) => names?.includes(it.name) ?? true).map((it) => it.check()));
