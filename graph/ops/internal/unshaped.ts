// What a value is behind all reshaping.
import { madeBy, type Value } from "../../core/value.ts";
import { Reshape } from "./broadcasting.ts";

/** A value behind all reshaping to shapes that are known without looking at numbers. */
export function unshaped(value: Value): Value {
  const reshaped = madeBy(value, Reshape);
  return reshaped && reshaped.inputs.length === 1 ? unshaped(reshaped.inputs[0]) : value;
}
