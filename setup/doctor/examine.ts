// What works here: every engine and provider is tried, and the one that `auto` takes is named.
import { chooseProvider, listProviders } from "@innerloop/runtime/session";
import { type CacheReport, cacheReport, type EngineReport, listEngines, openEngine } from "@innerloop/train";

/** What was found of one engine or provider. */
export interface Finding extends EngineReport {
  /** Whether `auto` takes it. */
  readonly auto: boolean;
  /** Meta-iterations of an engine, adaptations of a provider, each second; absent where it was not measured. */
  readonly iterationsPerSecond?: number;
}

/** What was found of this machine. */
export interface Findings {
  /** The version of Node. */
  readonly node: string;
  /** As `linux-x64`. */
  readonly platform: string;
  /** The engine that `auto` takes; null where none works. */
  readonly auto: string | null;
  readonly autoReason: string;
  /** What computes a training. */
  readonly engines: readonly Finding[];
  /** The provider of ONNX Runtime that `auto` takes for a bundle; null where none works. */
  readonly autoProvider: string | null;
  readonly autoProviderReason: string;
  /** What runs a bundle. */
  readonly providers: readonly Finding[];
  /** What earlier processes left for later ones; null where nothing is kept. */
  readonly cache: CacheReport | null;
}

/** Tries every engine and provider; one that fails is a finding with its reason, not an error. */
export async function examine(): Promise<Findings> {
  const [engines, engine] = await Promise.all([
    listEngines(),
    openEngine().then(async (opened) => {
      await opened.engine.dispose();
      return { name: opened.engine.name, reason: opened.reason };
    }, nothing),
  ]);
  const provider = await chooseProvider().then(({ name, reason }) => ({ name, reason }), nothing);
  const providers = await providersOf(engines);
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    auto: engine.name,
    autoReason: engine.reason,
    engines: engines.map((report) => ({ ...report, auto: report.name === engine.name })),
    autoProvider: provider.name,
    autoProviderReason: provider.reason,
    providers: providers.map((report) => ({ ...report, auto: report.name === provider.name })),
    cache: (await cacheReport()) ?? null,
  };
}

const nothing = (cause: Error) => ({ name: null, reason: cause.message });

/** Providers, with what is known of the engine on each. */
async function providersOf(engines: readonly EngineReport[]): Promise<EngineReport[]> {
  const listed = await listProviders().catch(() => []);
  return listed.map(({ name, available, reason }) => {
    const engine = engines.find((report) => report.name === `onnxruntime:${name}`);
    if (engine) return { ...engine, name };
    return reason === undefined ? { name, available } : { name, available, reason };
  });
}
