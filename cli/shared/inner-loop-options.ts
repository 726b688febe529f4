// What a call of `adaptable` says of the loop, as the export room takes it.
import type { AdaptableOptions } from "@innerloop/export";
import { decimal } from "@innerloop/schemas";
import { short, withoutEffect, wrongCall } from "../call/command.ts";
import { readModel } from "../inputs/models.ts";
import { numbersFrom, pairsFrom } from "../inputs/pairs.ts";

/** The losses that have names. */
export const lossWords = [
  "cross-entropy",
  "binary",
  "squared",
  "absolute",
  "huber",
  "cosine",
  "triplet",
  "contrastive",
] as const;

/** The options of the command that say how it moves. */
interface Given {
  readonly train?: string;
  readonly "lora-on"?: string;
  readonly alpha?: number;
  readonly loss?: string;
  readonly "loss-settings"?: string;
  readonly "class-weights"?: string;
  readonly optimizer?: string;
  readonly steps?: number;
  readonly rate?: string;
  readonly "head-rate"?: number;
  readonly decay?: number;
  readonly momentum?: number;
  readonly clip?: number;
  readonly batch?: number;
  readonly "stop-loss"?: number;
  readonly patience?: number;
  readonly recompute?: string;
}

/**
 * What they come to.
 * @throws InnerloopError `bad-option`, `no-effect`, `file-missing` (status 2), and what reading a loss throws
 */
export async function innerLoopOf(given: Given): Promise<Partial<AdaptableOptions>> {
  const { train, alpha, steps, decay, momentum, clip, batch } = given;
  const words = train === undefined ? undefined : wordsOf(train);
  const lora = words?.some((word) => word.startsWith("lora")) === true;
  for (const name of ["lora-on", "alpha"] as const)
    if (given[name] !== undefined && !lora)
      throw withoutEffect(`--${name}`, "no factors are added", "give --train lora:8 as well");
  const pattern = given["lora-on"] === undefined ? undefined : patternFrom("lora-on", given["lora-on"]);
  const own = { decay, momentum, clip, batch };
  const set = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const kind = given.optimizer ?? (words === undefined || words.join() === "head" ? "sgd" : "adam");
  if (momentum !== undefined && kind !== "momentum")
    throw withoutEffect("--momentum", `the optimizer is ${kind}`, "give --optimizer momentum as well");
  const moves = given.optimizer !== undefined || Object.keys(set).length > 0;
  return {
    ...(words ? { train: words } : {}),
    ...(alpha === undefined ? {} : { alpha }),
    ...(given.recompute === undefined ? {} : { recompute: await recomputeFrom(given.recompute) }),
    ...(pattern ? { adapters: (weight: string, node: string) => pattern.test(weight) || pattern.test(node) } : {}),
    ...(await lossOf(given)),
    ...(moves ? { optimizer: { kind: kind as "sgd", ...set } } : {}),
    ...(given["stop-loss"] === undefined && given.patience === undefined
      ? {}
      : {
          stop: {
            ...(given["stop-loss"] === undefined ? {} : { loss: given["stop-loss"] }),
            ...(given.patience === undefined ? {} : { patience: given.patience }),
          },
        }),
    ...(steps === undefined ? {} : { steps }),
    ...(given.rate === undefined ? {} : { rate: ratesFrom(given.rate) }),
    ...(given["head-rate"] === undefined ? {} : { headRate: given["head-rate"] }),
  };
}

async function lossOf(given: Given): Promise<Pick<AdaptableOptions, "loss" | "lossSettings">> {
  const { loss } = given;
  const weights = given["class-weights"];
  const settings = {
    ...(given["loss-settings"] === undefined ? {} : pairsFrom("loss-settings", given["loss-settings"])),
    ...(weights === undefined ? {} : { classWeights: numbersFrom("class-weights", weights) }),
  };
  const named = Object.keys(settings).length > 0 ? { lossSettings: settings } : {};
  if (loss === undefined || !/\.onnx$/i.test(loss)) return { ...(loss === undefined ? {} : { loss }), ...named };
  if (named.lossSettings) throw withoutEffect("--loss-settings", `the loss is the file ${loss}`);
  const { lossOfFile } = await import("@innerloop/export");
  const { path, bytes } = await readModel(loss);
  return { loss: lossOfFile(bytes, path) };
}

/** What a step may keep with `--recompute auto`, of the memory of this machine. */
const share = 1 / 8;

/** What `--recompute` says, in bytes. */
async function recomputeFrom(text: string): Promise<NonNullable<AdaptableOptions["recompute"]>> {
  if (text === "none") return false;
  if (text === "least") return true;
  if (text === "auto") return { about: (await import("@innerloop/train")).machineMemory() * share };
  const mebibytes = decimal(text);
  if (Number.isFinite(mebibytes) && mebibytes > 0) return mebibytes * 2 ** 20;
  throw wrongCall(
    "bad-option",
    `--recompute is "${short(text)}"; a number of MiB above 0, least, auto or none was expected.`,
  );
}

/** Words between commas, but for those in a pattern. */
export const wordsOf = (text: string): string[] =>
  (text.match(/\/(?:\\.|[^/\\])+\/i?(?:=[^,]*)?|[^,]+/g) ?? [])
    .map((word) => word.trim())
    .filter((word) => word !== "");

function patternFrom(name: string, text: string): RegExp {
  const [, source, flags] = /^\/(.+)\/(i?)$/.exec(text) ?? [];
  try {
    if (source !== undefined) return new RegExp(source, flags);
  } catch (cause) {
    throw wrongCall("bad-option", `--${name} is "${short(text)}", which is no pattern (${(cause as Error).message}).`);
  }
  throw wrongCall("bad-option", `--${name} is "${short(text)}"; a pattern was expected, as /attention/.`);
}

/** One rate, or rates by patterns. */
function ratesFrom(text: string): NonNullable<AdaptableOptions["rate"]> {
  const number = (part: string): number => {
    const rate = decimal(part.trim());
    if (Number.isFinite(rate) && rate >= 0) return rate;
    throw wrongCall(
      "bad-option",
      `--rate is "${short(text)}"; a number from 0, or patterns with one each, as /norm/=0.01,/./=0.001, were expected.`,
    );
  };
  if (!text.includes("/")) return number(text);
  return wordsOf(text).map((word) => {
    const at = word.lastIndexOf("=");
    return [patternFrom("rate", word.slice(0, at)), number(word.slice(at + 1))] as const;
  });
}
