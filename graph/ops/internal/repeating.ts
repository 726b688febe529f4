// What bodies that are repeated have in common, for those who treat them alike.
import type { Attributes, Operator, Subgraph, Value } from "../../core/value.ts";

/** A repeated body as others see it. */
interface Repeating {
  readonly takes: readonly Value[];
  /** How many of these are the turn's own; the others are captured. */
  readonly own: number;
  readonly gives: readonly Value[];
  /** What a turn hands on, and what is kept of it. */
  readonly states: readonly Value[];
  readonly collected: readonly Value[];
  /** Whatever else tells it from others. */
  readonly key: string;
  /** The attributes of a node that keeps other values of the same body. */
  readonly collecting: (values: readonly Value[]) => Attributes;
}

/** Says how many results of a body are handed on, those after them being kept, and how many values it takes that are its own. */
type Counts = (attributes: Attributes) => { readonly handedOn: number; readonly own: number };

const known = new Map<string, Counts>();

/** Tells of an operator whose body is repeated. */
export function repeats(name: string, counts: Counts): void {
  known.set(name, counts);
}

/** The repeated body of a node. */
export function repeatingParts({ name }: Pick<Operator, "name">, attributes: Attributes): Repeating | undefined {
  const counts = known.get(name)?.(attributes);
  const { body, ...others } = attributes;
  if (!counts || !isGraph(body)) return undefined;
  const { handedOn, own } = counts;
  const { takes, gives } = body;
  return {
    ...{ takes, own, gives },
    states: gives.slice(0, handedOn),
    collected: gives.slice(handedOn),
    key: JSON.stringify(others),
    collecting: (values) => ({ ...attributes, body: { takes, gives: [...gives.slice(0, handedOn), ...values] } }),
  };
}

const isGraph = (attribute: Attributes[string]): attribute is Subgraph =>
  typeof attribute === "object" && "gives" in attribute;
