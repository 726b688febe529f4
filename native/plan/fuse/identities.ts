// Chains in the form that the other passes compare: the fewest axes, known numbers in the code, nothing that changes nothing.
import { isSimple, noted, simplified } from "./code.ts";
import type { Pass } from "./pass.ts";
import { joined } from "./places.ts";

export const identities: Pass = {
  name: "identities",
  why: "derivatives multiply by 1 and add 0, and a number in the code needs no read",
  apply(level, numberOf) {
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      if (!chain || isSimple(chain, numberOf)) continue;
      const made = noted(joined(simplified(chain, numberOf)), numberOf);
      if (made !== chain) level.put(at, made);
    }
  },
};
