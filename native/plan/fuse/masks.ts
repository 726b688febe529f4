// Numbers where one is larger than another and zeros elsewhere, as derivatives of largest numbers and of what is cut off at zero have them: compared and multiplied in one call.
import type { Call, Chain, Operand } from "../steps.ts";
import { Code, unknown } from "./code.ts";
import type { Pass } from "./pass.ts";

/** Taken behind all that looks for products and truths in chains. */
export const masks: Pass = {
  name: "masks",
  why: "each call goes through the processor's nearest memory once, and truths are half of what derivatives of pools compute",
  last: true,
  apply(level) {
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      const made = chain && masked(chain);
      if (made) level.put(at, made);
    }
  },
};

/** The same in fewer calls; nothing, where there are none. */
function masked(chain: Chain): Chain | undefined {
  if (!chain.code.some(({ name }) => name === "multiply") || !chain.code.some(isTest)) return undefined;
  const made = rewritten(inTurn(chain), compared);
  return made.code.length < chain.code.length ? made : undefined;
}

const isTest = ({ name }: Call): boolean => name === "greater" || name === "less";

/** What gave each register. */
type From = (operand: Operand) => Call | undefined;

/** A chain whose calls are made again, each of them by what gave its operands and by these as they are now. */
function rewritten(
  { shape, reads, code, writes }: Chain,
  made: (call: Call, from: From, now: (operand: Operand) => Operand, into: Code) => Operand | undefined,
): Chain {
  const into = new Code(unknown);
  const registers = reads.map((read) => into.read(read));
  const now = (operand: Operand): Operand => ("number" in operand ? operand : registers[operand.register]!);
  const from: From = (operand) => ("number" in operand ? undefined : code[operand.register - reads.length]);
  for (const call of code) registers.push(made(call, from, now, into) ?? into.call(call.name, call.operands.map(now)));
  return into.chain(
    shape,
    writes.map(({ register, ...write }) => [write, registers[register]!] as const),
  );
}

/** The product of two truths and a number takes one truth after the other, first that which more such products of the number have. */
function inTurn(chain: Chain): Chain {
  const keys = new Map<string, number>();
  const keyOf = (...operands: readonly Operand[]) => operands.map((each) => JSON.stringify(each)).join();
  const both = ({ operands }: Call, from: From) => {
    for (const [i, operand] of operands.entries()) {
      const product = from(operand);
      if (product?.name !== "multiply" || !product.operands.every((each) => isTruth(each, from))) continue;
      return { truths: product.operands as [Operand, Operand], number: operands[1 - i]! };
    }
    return undefined;
  };
  rewritten(chain, (call, from) => {
    const found = call.name === "multiply" ? both(call, from) : undefined;
    for (const truth of found?.truths ?? []) {
      const key = keyOf(truth, found!.number);
      keys.set(key, (keys.get(key) ?? 0) + 1);
    }
    return undefined;
  });
  if (keys.size === 0) return chain;
  return rewritten(chain, (call, from, now, into) => {
    const found = call.name === "multiply" ? both(call, from) : undefined;
    if (!found) return undefined;
    const { truths, number } = found;
    const [a, b] = truths.map((truth) => keys.get(keyOf(truth, number))!) as [number, number];
    const [first, second] = a >= b ? truths : (truths.toReversed() as [Operand, Operand]);
    return into.call("multiply", [now(second), into.call("multiply", [now(first), now(number)])]);
  });
}

/** Whether an operand is a comparison, or the opposite of one. */
function isTruth(operand: Operand, from: From): boolean {
  const call = from(operand);
  return call !== undefined && (isTest(call) || (call.name === "not" && isTruth(call.operands[0]!, from)));
}

/** A product with a comparison as one call. */
function compared({ name, operands }: Call, from: From, now: (operand: Operand) => Operand, into: Code) {
  if (name !== "multiply") return undefined;
  for (const [i, operand] of operands.entries()) {
    const call = from(operand);
    const test = call?.name === "not" ? from(call.operands[0]!) : call;
    if (!call || !test || !isTest(test)) continue;
    const [a, b] = (test.name === "greater" ? test.operands : test.operands.toReversed()).map(now) as [
      Operand,
      Operand,
    ];
    return into.call(test === call ? "ifGreater" : "unlessGreater", [a, b, now(operands[1 - i]!)]);
  }
  return undefined;
}
