// The gradients of convolutions, channels first, in the forms that are likely the quickest on ONNX Runtime's processor: by kernel,
// stride, groups and sizes.
import { constantOf, inputName, isInput } from "../core/build.ts";
import type { Node, Value } from "../core/value.ts";
import { dependencies, inOrder } from "../core/walk.ts";
import { ConvInputGradient, ConvWeightGradient } from "../ops/internal/channels-first.ts";
import type { Choose, Form } from "./forms.ts";
import { inputGradientForms } from "./input-gradients.ts";
import { type Lowering, lowering } from "./lower.ts";
import { weightGradientForms } from "./weight-gradients.ts";

/** Tells what a file has for good, or computes of nothing else: a runtime works it out once. */
export type IsFixed = (value: Value) => boolean;

/** By the names of the inputs whose numbers a file has for good. What was found of a node holds for all that are made of it. */
export function fixedBy(names: ReadonlySet<string>): IsFixed {
  const known = new Map<Node, boolean>();
  return (value) => {
    for (const node of inOrder([value], ({ node }) => known.has(node), dependencies)) {
      const [y] = node.outputs;
      const given = constantOf(y) !== undefined || (isInput(y) && names.has(inputName(y)));
      known.set(node, node.inputs.length === 0 ? given : dependencies(node).every((on) => known.get(on.node)));
    }
    return known.get(value.node) === true;
  };
}

/**
 * How the convolutions of models that were read are computed beside those that are kept as they were.
 * @param hasPoints whether products at points are exact enough, and quick on the target
 */
export function channelsFirst(isFixed: IsFixed, choose: Choose, hasPoints: boolean): readonly Lowering[] {
  const made = (forms: () => readonly Form[], { dtype }: Value): readonly Value[] | undefined => {
    const form = dtype === "float32" ? choose(forms()) : undefined;
    return form && [form.make()];
  };
  return [
    lowering(ConvInputGradient, ([g, w], window) =>
      made(() => inputGradientForms(g, w, window, isFixed(w), hasPoints), g),
    ),
    lowering(ConvWeightGradient, ([x, g], window) => made(() => weightGradientForms(x, g, window, hasPoints), x)),
  ];
}
