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
  const apart = inTurn(chain);
  const from = fromIn(apart);
  const made = rewritten(apart, (call, now, into) => compared(call, from, now, into));
  return made.code.length < chain.code.length ? made : undefined;
}

const isTest = ({ name }: Call): boolean => name === "greater" || name === "less";

/** What gave an operand. */
type From = (operand: Operand) => Call | undefined;
/** What an operand is in a chain that is made anew. */
type Now = (operand: Operand) => Operand;

const fromIn =
  ({ reads, code }: Chain): From =>
  (operand) =>
    "number" in operand ? undefined : code[operand.register - reads.length];

/** A chain whose calls are made again, some in another way. */
function rewritten(
  { shape, reads, code, writes }: Chain,
  made: (call: Call, now: Now, into: Code) => Operand | undefined,
): Chain {
  const into = new Code(unknown);
  const registers = reads.map((read) => into.read(read));
  const now: Now = (operand) => ("number" in operand ? operand : registers[operand.register]!);
  for (const call of code) registers.push(made(call, now, into) ?? into.call(call.name, call.operands.map(now)));
  return into.chain(
    shape,
    writes.map(({ register, ...write }) => [write, registers[register]!] as const),
  );
}

/** Two truths that a number is multiplied with together. */
interface Both {
  readonly truths: readonly [Operand, Operand];
  readonly number: Operand;
}

/** The product of two truths and a number takes one truth after the other, first that which more such products of the number have. */
function inTurn(chain: Chain): Chain {
  const from = fromIn(chain);
  const found = new Map(chain.code.map((call) => [call, bothIn(call, from)]));
  const keyOf = (truth: Operand, number: Operand) => JSON.stringify([truth, number]);
  const times = new Map<string, number>();
  for (const both of found.values())
    for (const truth of both?.truths ?? []) {
      const key = keyOf(truth, both!.number);
      times.set(key, (times.get(key) ?? 0) + 1);
    }
  if (times.size === 0) return chain;
  return rewritten(chain, (call, now, into) => {
    const both = found.get(call);
    if (!both) return undefined;
    const { truths, number } = both;
    const [a, b] = truths.map((truth) => times.get(keyOf(truth, number))!) as [number, number];
    const [first, second] = a >= b ? truths : [truths[1], truths[0]];
    return into.call("multiply", [now(second), into.call("multiply", [now(first), now(number)])]);
  });
}

function bothIn({ name, operands }: Call, from: From): Both | undefined {
  if (name !== "multiply") return undefined;
  for (const [i, operand] of operands.entries()) {
    const product = from(operand);
    if (product?.name !== "multiply" || !product.operands.every((each) => isTruth(each, from))) continue;
    return { truths: product.operands as [Operand, Operand], number: operands[1 - i]! };
  }
  return undefined;
}

/** Whether an operand is a comparison, or the opposite of one. */
function isTruth(operand: Operand, from: From): boolean {
  const call = from(operand);
  return call !== undefined && (isTest(call) || (call.name === "not" && isTruth(call.operands[0]!, from)));
}

/** A product with a comparison as one call. */
function compared({ name, operands }: Call, from: From, now: Now, into: Code): Operand | undefined {
  if (name !== "multiply") return undefined;
  for (const [i, operand] of operands.entries()) {
    const call = from(operand);
    const test = call?.name === "not" ? from(call.operands[0]!) : call;
    if (!call || !test || !isTest(test)) continue;
    const [a, b] = test.operands.map(now) as [Operand, Operand];
    const [larger, other] = test.name === "greater" ? [a, b] : [b, a];
    return into.call(test === call ? "ifGreater" : "unlessGreater", [larger, other, now(operands[1 - i]!)]);
  }
  return undefined;
}
