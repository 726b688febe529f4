// The arithmetic of one node, as it was built: what a target makes of it may take more.
import { constantOf, isInput } from "../core/build.ts";
import type { Dim } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import { sizeOf } from "../core/shapes.ts";
import { isSubgraph, type Node, operandsOf, type Value } from "../core/value.ts";
import { dependencies, inOrder, topological } from "../core/walk.ts";
import { Conv, Convolution } from "../ops/convolution.ts";
import { ConvInputGradient, ConvWeightGradient } from "../ops/internal/channels-first.ts";
import { ConvolutionInputGradient, ConvolutionWeightGradient } from "../ops/internal/convolving.ts";
import { MatMul } from "../ops/linear-algebra.ts";

/** What sizes are taken to be. */
export interface Sizing {
  /** A size as a number, whether it is open or not. */
  known(dim: Dim): number;
  /** How often a graph inside a node is run; undefined where nothing tells. */
  turns(node: Node): number | undefined;
}

/** Additions and multiplications of a node; products that are summed are two operations each. */
export function flopsOf(node: Node, sizing: Sizing): number {
  const { known } = sizing;
  const numbersIn = ({ shape }: Value): number => sizeOf(shape.map(known));
  const { operator, inputs, outputs, attributes } = node;
  const [a, b] = inputs;
  if (constantOf(outputs[0]) || isInput(outputs[0]) || !a) return 0;
  if (operator === MatMul.operator) return 2 * numbersIn(outputs[0]) * known(at(a.shape, -1));
  const perOutput = (w: Value) => numbersIn(w) / Math.max(1, known(at(w.shape, -1)));
  if (b && operator === Convolution.operator) return 2 * numbersIn(outputs[0]) * perOutput(b);
  if (b && operator === ConvolutionInputGradient.operator) return 2 * numbersIn(a) * perOutput(b);
  if (b && operator === ConvolutionWeightGradient.operator) return 2 * numbersIn(b) * perOutput(outputs[0]);
  // Channels first: weights [O, C/groups, ...kernel].
  const perFilter = (w: Value) => numbersIn(w) / Math.max(1, known(at(w.shape, 0)));
  if (b && operator === Conv.operator) return 2 * numbersIn(outputs[0]) * perFilter(b);
  if (b && operator === ConvInputGradient.operator) return 2 * numbersIn(a) * perFilter(b);
  if (b && operator === ConvWeightGradient.operator) return 2 * numbersIn(b) * perFilter(outputs[0]);
  const inside = Object.values(attributes).flatMap((graph) => (isSubgraph(graph) ? topological(graph.gives) : []));
  const turns = inside.length > 0 ? sizing.turns(node) : undefined;
  if (turns !== undefined) return turns * inside.reduce((sum, each) => sum + flopsOf(each, sizing), 0);
  if (b && operator.family === "recurrent") {
    const steps = numbersIn(a) / Math.max(1, known(at(a.shape, -1)));
    return 2 * steps * (numbersIn(b) + (inputs[2] ? numbersIn(inputs[2]) : 0));
  }
  if (operator.writtenAs === undefined || !operator.decompose)
    return operator.family === "movement" ? 0 : Math.max(...[...operandsOf(node), ...outputs].map(numbersIn));
  const given = new Set(operandsOf(node));
  const parts = inOrder(operator.decompose(inputs, attributes), (value) => given.has(value), dependencies);
  return parts.reduce((sum, part) => sum + flopsOf(part, sizing), 0);
}
