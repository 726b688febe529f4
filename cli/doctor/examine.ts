// What the doctor finds out: which engines and providers work, how fast each is, and which one `auto` takes.
import { chooseProvider, listProviders } from "@innerloop/runtime/session";
import type { InnerloopError } from "@innerloop/schemas";
import { type EngineReport, listEngines, measuredTraining, measureEngine, openEngine } from "@innerloop/train";
import { startProgress } from "../output.ts";
import { version } from "../version.ts";
import { measuredAdaptation, measureProvider } from "./measure.ts";

/** What was found of one engine or provider. */
export interface Finding extends EngineReport {
  /** Whether `auto` takes it. */
  readonly auto: boolean;
  /** Meta-iterations of an engine, adaptations of a provider, each second. */
  readonly iterationsPerSecond?: number;
}

export interface Findings {
  readonly innerloop: string;
  readonly node: string;
  readonly platform: string;
  /** The engine that `auto` takes; null where none works. */
  readonly auto: string | null;
  readonly autoReason: string;
  readonly engines: readonly Finding[];
  readonly autoProvider: string | null;
  readonly autoProviderReason: string;
  readonly providers: readonly Finding[];
  /** What an iteration is. */
  readonly measured: { readonly engines: string; readonly providers: string };
}

/** Tries everything; says on stderr what it is at while it measures. */
export async function examine({ measure }: { readonly measure: boolean }): Promise<Findings> {
  const [engines, engine] = await Promise.all([
    listEngines(),
    openEngine().then(async (opened) => {
      await opened.engine.dispose();
      return { name: opened.engine.name, reason: opened.reason };
    }, nothing),
  ]);
  const provider = await chooseProvider().then(({ name, reason }) => ({ name, reason }), nothing);
  const found: { readonly engines: Finding[]; readonly providers: Finding[] } = {
    engines: engines.map((it) => ({ ...it, auto: it.name === engine.name })),
    providers: (await providersOf(engines)).map((it) => ({ ...it, auto: it.name === provider.name })),
  };
  const speeds = measure ? await measureAll(found) : found;
  return {
    innerloop: version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    auto: engine.name,
    autoReason: engine.reason,
    engines: speeds.engines,
    autoProvider: provider.name,
    autoProviderReason: provider.reason,
    providers: speeds.providers,
    measured: { engines: measuredTraining, providers: measuredAdaptation },
  };
}

const nothing = (cause: Error) => ({ name: null, reason: cause.message });

/** Providers, with what is known of the engine on each. */
async function providersOf(engines: readonly EngineReport[]): Promise<EngineReport[]> {
  const listed = await listProviders().catch(() => []);
  return listed.map(({ name, available, reason }) => {
    const engine = engines.find((it) => it.name === `onnxruntime:${name}`);
    if (engine) return { ...engine, name };
    return reason === undefined ? { name, available } : { name, available, reason };
  });
}

type Both = { readonly engines: Finding[]; readonly providers: Finding[] };

/** Measures what works, one after the other, so that none disturbs another. */
async function measureAll({ engines, providers }: Both): Promise<Both> {
  const count = [...engines, ...providers].filter((it) => it.available).length;
  const progress = await startProgress("measuring");
  let done = 0;
  const measured = async (finding: Finding, measure: (name: string) => Promise<number>): Promise<Finding> => {
    if (!finding.available) return finding;
    progress.update(done++ / count, finding.name);
    return measure(finding.name).then(
      (iterationsPerSecond) => ({ ...finding, iterationsPerSecond }),
      (cause: InnerloopError) =>
        cause.code === "child-late"
          ? { ...finding, reason: `too slow to measure: ${cause.message}` }
          : { ...finding, available: false, reason: `it starts, but fails at work: ${cause.message}` },
    );
  };
  try {
    const [first, second]: Finding[][] = [[], []];
    for (const it of engines) first!.push(await measured(it, measureEngine));
    for (const it of providers) second!.push(await measured(it, measureProvider));
    return { engines: first!, providers: second! };
  } finally {
    progress.stop();
  }
}
