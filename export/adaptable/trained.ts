// Which weights of a model move: by what they do in it, or by their names.
import type { Outline, OutlinedNode } from "@innerloop/graph";
import { InnerloopError, show, suggest } from "@innerloop/schemas";

/** What a weight does. */
type Role = "bias" | "norm" | "other";

/** How a weight is used. */
export interface Use {
  readonly role: Role;
  /** The names of the nodes that read it: exporters that fold weights leave the names of layers there alone. */
  readonly nodes: readonly string[];
}

/** Operators with a weight, and by its place among their inputs what it does. */
const roles: Readonly<Record<string, readonly Role[]>> = {
  Conv: ["other", "other", "bias"],
  ConvTranspose: ["other", "other", "bias"],
  Gemm: ["other", "other", "bias"],
  LayerNormalization: ["other", "norm", "norm"],
  BatchNormalization: ["other", "norm", "norm"],
  InstanceNormalization: ["other", "norm", "norm"],
  GroupNormalization: ["other", "norm", "norm"],
  RMSNormalization: ["other", "norm"],
};

/**
 * What each weight of a model does. Exporters write norms as their parts as well: a product with what a division gave, and a sum
 * with that.
 */
export function usesOf({ nodes, stored }: Outline): ReadonlyMap<string, Use> {
  const made = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Map<string, Use>();
  const isScale = (node: OutlinedNode | undefined): boolean =>
    node?.type === "Mul" && node.inputs.some((name) => made.get(name)?.type === "Div");
  for (const node of nodes)
    for (const [place, name] of node.inputs.entries()) {
      if (!stored.has(name)) continue;
      const known = roles[node.type]?.[place];
      const others = node.inputs.filter((other) => other !== name).map((other) => made.get(other));
      const role =
        known ??
        (isScale(node) ? "norm" : node.type === "Add" ? (others.some(isScale) ? "norm" : "bias") : ("other" as const));
      const before = found.get(name);
      found.set(name, {
        role: before && role === "other" ? before.role : role,
        nodes: [...(before?.nodes ?? []), node.name],
      });
    }
  return found;
}

/** The words that say what moves. */
const trainedWords = ["head", "all", "bias", "norm"] as const;

const isWord = (word: string): word is (typeof trainedWords)[number] => trainedWords.some((known) => known === word);

/** What there is to choose from. */
export interface Candidates {
  /** The weights that answers depend on, with their shapes. */
  readonly weights: Readonly<Record<string, readonly number[]>>;
  /** Those of them that are the model's own head, where that is kept. */
  readonly head: ReadonlySet<string>;
  readonly uses: ReadonlyMap<string, Use>;
}

/**
 * The names of the weights that words name: `head`, `all`, `bias`, `norm`, or `/pattern/` of their names or of those of the nodes that read them.
 * @throws InnerloopError `bad-option` (status 2) for another word, or one that no weight answers to
 */
export function trainedWeights(words: readonly string[], { weights, head, uses }: Candidates): string[] {
  const names = Object.keys(weights);
  const found = new Set<string>();
  for (const word of words) {
    const chosen = names.filter(named(word, { weights, head, uses }));
    // A fresh head is none of the model's weights.
    if (chosen.length === 0 && !(word === "head" && head.size === 0))
      throw badOption(`no weight of the model answers to ${show(word)}; it has ${listed(names)}`);
    for (const name of chosen) found.add(name);
  }
  return names.filter((name) => found.has(name));
}

function named(word: string, { weights, head, uses }: Candidates): (name: string) => boolean {
  const pattern = /^\/(.+)\/(i?)$/.exec(word);
  if (pattern) {
    const [, text = "", flags] = pattern;
    try {
      const expression = new RegExp(text, flags);
      return (name) => expression.test(name) || uses.get(name)?.nodes.some((node) => expression.test(node)) === true;
    } catch (cause) {
      throw badOption(`${show(word)} is no pattern (${(cause as Error).message})`);
    }
  }
  if (!isWord(word)) {
    const near = suggest(word, trainedWords);
    throw badOption(
      `what moves was given as ${show(word)}; ${trainedWords.join(", ")}, lora:R or a /pattern/ of names was expected` +
        (near === undefined ? "" : `; did you mean ${near}?`),
    );
  }
  if (word === "all") return () => true;
  if (word === "head") return (name) => head.has(name);
  // What is added to every channel has one number for each; a table of positions has more.
  const isRow = (name: string) => weights[name]!.filter((size) => size > 1).length <= 1;
  return (name) => uses.get(name)?.role === word && isRow(name);
}

const listed = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

const badOption = (message: string): InnerloopError =>
  new InnerloopError("bad-option", `${message}.`, { exitStatus: 2 });
