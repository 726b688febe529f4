// Which node of the model an instruction is of, for whoever asks where time goes: stores are told their node when they are made, and passes keep stores.
import { codes } from "./encode.ts";
import { accessesOf, type Step, type Store } from "./steps.ts";

/** The names of the nodes that stores are of. */
export type Origins = Map<Store, string>;

type Marked = Step & { readonly origin?: string };

/** The node that a step is of, if it has been marked. */
export const originOf = (step: Step): string => (step as Marked).origin ?? "";

/** Steps that have their node with them, through all that exchanges their accesses. */
export function marked(steps: readonly Step[], origins: Origins | undefined): readonly Step[] {
  if (!origins) return steps;
  return steps.map((step): Marked => {
    if (step.kind === "turns") return { ...step, body: marked(step.body, origins) };
    return { ...step, origin: nodeOf(step, origins) };
  });
}

/** The node of the largest array that a step writes, the last of these; of what it reads, where that was made by a pass. */
function nodeOf(step: Exclude<Step, { kind: "turns" }>, origins: Origins): string {
  const { reads, writes } = accessesOf(step);
  const stores = writes.map(({ store }) => store).reverse();
  const [largest] = stores.toSorted((a, b) => b.size - a.size);
  return (
    [largest!, ...stores, ...reads.map(({ store }) => store)].map((store) => origins.get(store)).find(Boolean) ?? ""
  );
}

/** An instruction by itself, or turns of some. */
export type Instruction =
  | { readonly words: Int32Array; readonly step: Step }
  | {
      readonly count: number;
      /** Where the number of the turn lies. */
      readonly turn: number;
      readonly body: readonly Instruction[];
    };

/** @param steps that of each instruction, in the order of the words, but for turns */
export function instructionsOf(words: Int32Array, steps: readonly Step[]): Instruction[] {
  const left = [...steps].reverse();
  const of = (some: Int32Array): Instruction[] => {
    const found: Instruction[] = [];
    for (let at = 0; at < some.length; at += some[at + 1]!) {
      const own = some.slice(at, at + some[at + 1]!);
      found.push(
        own[0] === codes.turns
          ? { count: own[2]!, turn: own[3]!, body: of(own.subarray(5, 5 + own[4]!)) }
          : { words: own, step: left.pop()! },
      );
    }
    return found;
  };
  return of(words);
}
