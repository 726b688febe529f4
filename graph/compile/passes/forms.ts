// The pass `forms`: what each operator becomes on the target.
import { lowered } from "../../lowering/lower.ts";
import type { Pass } from "../pass.ts";

export const forms: Pass = {
  name: "forms",
  why: "Operators that the target has stay; others become what the target is quick at, one lowering an operator (graph/lowering), or are taken apart. It is the choice of form: a convolution as columns or as Conv, pooling as taps, a norm as one kernel.",
  everywhere: true,
  needed: true,
  run: (outputs, { target, inside, without }) => lowered(outputs, target, inside, without),
};
