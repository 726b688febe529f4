// Chains in the form that the other passes compare: the fewest axes, known numbers in the code, nothing that changes nothing.
import { simplified } from "./code.ts";
import type { Pass } from "./pass.ts";
import { joined } from "./places.ts";

export const identities: Pass = {
  name: "identities",
  why: "derivatives multiply by 1 and add 0, and a number in the code needs no read",
  apply(level, numberOf) {
    for (let at = 0; at < level.length; at++) {
      const chain = level.chain(at);
      if (!chain) continue;
      const simple = joined(simplified(chain, numberOf));
      if (simple !== chain) level.put(at, simple);
    }
  },
};
