// Chains in the form that the other passes compare: the fewest axes, known numbers in the code, nothing that changes nothing.
import type { Chain, Step } from "../steps.ts";
import { isSimple, type NumberOf, noted, simplified } from "./code.ts";
import type { Pass } from "./pass.ts";
import { joined } from "./places.ts";

export const identities: Pass = {
  name: "identities",
  why: "derivatives multiply by 1 and add 0, and a number in the code needs no read",
  apply(level, numberOf) {
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      const made = chain && plain(chain, numberOf);
      if (made !== chain) level.put(at, made);
    }
  },
};

const plain = (chain: Chain, numberOf: NumberOf): Chain =>
  isSimple(chain, numberOf) ? chain : noted(joined(simplified(chain, numberOf)), numberOf);

/** Steps with all chains in this form, which is sooner done before it is looked who reads and writes what. */
export function plainSteps(steps: readonly Step[], numberOf: NumberOf): Step[] {
  return steps.map((step) => {
    if (step.kind === "turns") return { ...step, body: plainSteps(step.body, numberOf) };
    return step.kind === "chain" ? plain(step, numberOf) : step;
  });
}
