// Which engines there are here, which one `auto` takes, and why; a named engine is used or refused, never replaced.
import { InnerloopError } from "@innerloop/schemas";
import type { Engine, EngineOptions } from "../engine.ts";
import type { EngineEntry, EngineReport } from "./entry.ts";
import { engineNamed, engines, enginesFor } from "./list.ts";

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
  const family = enginesFor(name);
  const exact = engineNamed(name);
  if (exact) return { engine: await openNamed(exact, options), reason: "asked for by name", rejected: [] };
  return openFirst(family, options);
}

async function openFirst(family: readonly EngineEntry[], options: EngineOptions): Promise<OpenedEngine> {
  const rejected: { name: string; reason: string }[] = [];
  for (const [i, entry] of family.entries()) {
    const engine = await openAutomatically(entry, options);
    if (typeof engine === "string") {
      rejected.push({ name: entry.name, reason: engine });
      continue;
    }
    const slower = family
      .slice(i + 1)
      .map((later) => ({ name: later.name, reason: later.unwanted?.() ?? `slower than ${entry.name}` }));
    return { engine, reason: entry.strength, rejected: [...rejected, ...slower] };
  }
  throw new InnerloopError(
    "engine-unavailable",
    `No engine works here: ${rejected.map((engine) => `${engine.name}: ${engine.reason}`).join("; ")}; run npm install again.`,
  );
}

/** The engine, or why `auto` does not take it. What costs nothing to find out is asked first. */
async function openAutomatically(entry: EngineEntry, options: EngineOptions): Promise<Engine | string> {
  const unwanted = entry.unwanted?.();
  if (unwanted !== undefined) return unwanted;
  const { available, reason = "not available", onlyByName } = await entry.check();
  if (!available) return reason;
  return onlyByName ?? entry.open(options).catch((cause: Error) => cause.message);
}

async function openNamed(entry: EngineEntry, options: EngineOptions): Promise<Engine> {
  const { available, reason, remedy } = await entry.check();
  if (available) return entry.open(options);
  throw new InnerloopError(
    "engine-unavailable",
    `The engine ${entry.name} was asked for and does not work here: ${reason}; ${remedy ? `to use it: ${remedy}; or ` : ""}use the engine auto.`,
  );
}

/**
 * Engines in the order in which `auto` tries them, with what keeps each from working here. Those of native code are tried
 * in processes of their own, which takes a second or two the first time.
 * @param names which; all unless given
 */
export const listEngines = (names?: readonly string[]): Promise<EngineReport[]> =>
  Promise.all(
    engines
      .filter((engine) => names?.includes(engine.name) ?? true)
      .map(async (entry) => ({ name: entry.name, ...(await entry.check()) })),
  );
