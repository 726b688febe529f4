// The engines: where one is to be chosen, by a config, a flag or `auto`, it is from this list.
import { InnerloopError, show } from "@innerloop/schemas";
import * as onnxruntime from "../onnxruntime/entries.ts";
import { native } from "../own/entries.ts";
import * as tfjs from "../tfjs/entries.ts";
import type { EngineEntry } from "./entry.ts";

/** One line each, in the order in which `auto` tries them. */
export const engines: readonly EngineEntry[] = [
  tfjs.nodeGpu,
  onnxruntime.cuda,
  native,
  onnxruntime.cpu,
  tfjs.webgpu,
  tfjs.tfjsNode,
  tfjs.wasm,
  tfjs.cpu,
  onnxruntime.webgpu,
  onnxruntime.dml,
  onnxruntime.coreml,
];

/** The names of all engines that there may be, in the order in which `auto` tries them. */
export const engineNames: readonly string[] = engines.map(({ name }) => name);

/** The name of whatever is best here. */
const best = "auto";

const familyOf = (name: string): string | undefined => (name.includes(":") ? name.split(":")[0] : undefined);

const families: readonly string[] = [...new Set(engineNames.flatMap((name) => familyOf(name) ?? []))].sort();

/** All that may be asked for: the best, the best of a family, or one. */
export const engineChoices: readonly string[] = [best, ...families, ...engineNames];

/** The engine of exactly that name, if there is one; an engine that a program made may have any. */
export const engineNamed = (name: string): EngineEntry | undefined => engines.find((engine) => engine.name === name);

/**
 * The engines that a name may stand for.
 * @param name `auto`, a family (`onnxruntime`, `tfjs`) whose best is taken, or one engine (`onnxruntime:cpu`, `tfjs:wasm`, …)
 * @throws InnerloopError `unknown-engine` (status 2)
 */
export function enginesFor(name: string): readonly EngineEntry[] {
  const exact = engineNamed(name);
  if (exact) return [exact];
  if (name === best) return engines;
  const family = engines.filter((engine) => familyOf(engine.name) === name);
  if (family.length > 0) return family;
  throw new InnerloopError(
    "unknown-engine",
    `The engine ${show(name)} was asked for; known are ${engineChoices.join(", ")}; choose one of them.`,
    { exitStatus: 2 },
  );
}
