// Which execution provider runs a model: the first that works, or the one that was asked for and no other.
import { InnerloopError, show } from "@innerloop/schemas/bundle";
import { host } from "#host";
import type { Beside, HostOptions, ProviderName } from "./host.ts";
import { trial } from "./onnxruntime.ts";
import { badOption } from "./refusal.ts";

/** The provider in use, why it was chosen, and why each one that would have come before it was not. */
export interface ProviderChoice {
  readonly name: ProviderName;
  readonly reason: string;
  readonly rejected: readonly { readonly name: ProviderName; readonly reason: string }[];
}

/** Where and how wide to run. */
export interface SessionOptions extends HostOptions, Beside {
  /**
   * `auto` (the default) takes cuda where it works, or else the processor; a named one is used or
   * refused, never replaced; a choice of {@link chooseProvider} is taken as it is, which saves trying providers again for
   * every model. `cpu` is the processor everywhere: in a browser it means `wasm`.
   */
  readonly provider?: ProviderName | "auto" | ProviderChoice;
}

/** What {@link listProviders} says of one provider; `reason` is there when it is not available. */
export interface ProviderReport {
  readonly name: ProviderName;
  readonly available: boolean;
  readonly reason?: string;
}

/**
 * The provider that sessions with these options run on. It costs a few look-ups, and for a GPU the opening of a model with
 * one op; a GPU that fails this is passed over by `auto`.
 *
 * @throws InnerloopError `provider-unavailable` when a named provider does not work here, `onnxruntime-missing`, `bad-option`.
 */
export async function chooseProvider(options: SessionOptions = {}): Promise<ProviderChoice> {
  const { provider = "auto", threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw badOption(`threads ${show(threads)} was given; a whole number from 1 was expected`);
  if (typeof provider === "object" && typeof provider?.name === "string") return provider;
  if (provider === "auto") return chooseFirst(options);
  const processor = host.automatic.at(-1)!;
  const name = (provider === "cpu" ? processor : provider) as ProviderName;
  if (!knownProviders.includes(name))
    throw badOption(
      `provider ${show(name)} was given; auto, ${knownProviders.join(", ")} are known; choose one of them`,
    );
  const reason = (await host.missing(name, true)) ?? (await trial(name, options));
  if (reason === undefined) return { name, reason: "asked for by name", rejected: [] };
  throw unavailable(
    `the provider ${name} was asked for and does not work here: ${reason}; ${host.remedy(name)}` +
      (name === processor ? "" : ", or use provider cpu"),
  );
}

/**
 * What works here and why others do not: first those that `auto` tries, in its order, then those that are only taken by name.
 *
 * @throws InnerloopError `onnxruntime-missing`.
 */
export async function listProviders(options: HostOptions = {}): Promise<ProviderReport[]> {
  const reports: ProviderReport[] = [];
  for (const name of [...host.automatic, ...host.named]) {
    const reason = await problem(name, options);
    reports.push(reason === undefined ? { name, available: true } : { name, available: false, reason });
  }
  return reports;
}

/** The choice after a device was lost: the processor, and why. */
export function withoutDevice(choice: ProviderChoice): ProviderChoice {
  const name = host.automatic.at(-1)!;
  const lost = { name: choice.name, reason: "the device was lost while it ran" };
  return { name, reason: `${choice.name} was lost`, rejected: [...choice.rejected, lost] };
}

const knownProviders: readonly ProviderName[] = ["cuda", "webgpu", "cpu", "wasm", "dml", "coreml"];

async function chooseFirst(options: HostOptions): Promise<ProviderChoice> {
  const rejected: { name: ProviderName; reason: string }[] = [];
  for (const name of host.automatic) {
    const reason = host.unwanted(name) ?? (await problem(name, options));
    if (reason === undefined) {
      const before = rejected.map((provider) => provider.name).join(" and ");
      return { name, reason: before ? `the first that works here, after ${before}` : "the first choice", rejected };
    }
    rejected.push({ name, reason });
  }
  const reasons = rejected.map((provider) => `${provider.name}: ${provider.reason}; ${host.remedy(provider.name)}`);
  throw unavailable(`no provider works here: ${reasons.join("; ")}`);
}

async function problem(name: ProviderName, options: HostOptions): Promise<string | undefined> {
  return (await host.missing(name, false)) ?? (await trial(name, options));
}

function unavailable(message: string): InnerloopError {
  return new InnerloopError("provider-unavailable", message);
}
