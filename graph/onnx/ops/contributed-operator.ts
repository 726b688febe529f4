// How an operator of ONNX Runtime's own domain is listed and read.
import { InnerloopError } from "@innerloop/schemas";
import { spelling } from "../../core/operator.ts";
import type { Family, Value } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import type { OnnxAttributes, ValuesOf } from "../attributes.ts";
import { onnxOperator, type ReadOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";

/** An entry of that domain, or of another. */
export function operator<const A extends OnnxAttributes>(
  name: string,
  [family, as, summary]: readonly [family: Family, as: string, summary: string],
  attributes: A,
  read: (c: Call, attributes: ValuesOf<A>) => Value | readonly Value[],
  domain = "com.microsoft.",
): Record<string, ReadOperator> {
  spelling(`${domain}${name}`, family, 1, as, summary);
  return { [`${domain}${name}`]: onnxOperator({ attributes, read }) };
}

export const added = (y: Value, bias: Value | undefined): Value => (bias ? op.Add(y, bias) : y);

/** Refuses what a node has that is not read, and says what to do about it. @throws InnerloopError `unsupported-attribute` */
export function without(isThere: boolean, what: string, instead: string): void {
  if (isThere) throw new InnerloopError("unsupported-attribute", `has ${what}, which is not read: ${instead}.`);
}
