// A fresh head that starts from features at the start, found at the first look at the loss, so that no model is run for it before the loop.
import { constant, op, type Parameters, type Remembering, type Value } from "@innerloop/graph";
import { type Frame, framed, frameOf } from "./head.ts";

export interface FirstLook {
  /** How many features there are. */
  readonly width: number;
  /** `[n]`, weights that make classes equal. */
  readonly equal: Value;
  /** Features `[n, width]`. */
  features(given: Parameters): Value;
  /** Where the head starts, by the names of its arrays, from framed features. */
  start(seen: Value): Parameters;
  /** The loss of framed features. */
  loss(seen: Value, given: Parameters): Value;
}

export function atFirstLook({ width, equal, features, start, loss }: FirstLook): Remembering {
  return {
    empty: [op.Expand(constant(0, [1, 1]), [1, width]), constant(0)],
    look(given, [centre, scale], first) {
      const chosen = (fresh: Value, before: Value): Value =>
        typeof first === "boolean" ? (first ? fresh : before) : op.Where(first, fresh, before);
      const rows = features(given);
      const now = frameOf(rows, equal);
      const frame: Frame = { centre: chosen(now.centre, centre!), scale: chosen(now.scale, scale!) };
      const began = Object.entries(first === false ? {} : start(framed(rows, now)));
      const placed = Object.fromEntries(began.map(([name, value]) => [name, chosen(value, given[name]!)]));
      return {
        loss: loss(framed(rows, frame), { ...given, ...placed }),
        memory: [frame.centre, frame.scale],
        placed,
      };
    },
  };
}
