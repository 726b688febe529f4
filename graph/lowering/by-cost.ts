// Each convolution in the form that is cheapest on a machine, by a model of it; in the usual form where sizes are open.
import type { Dim } from "../core/dims.ts";
import { at } from "../core/lists.ts";
import type { Shape } from "../core/shapes.ts";
import type { Window } from "../core/windows.ts";
import { Convolution } from "../ops/convolution.ts";
import { ConvolutionInputGradient, convolutionParts } from "../ops/internal/convolving.ts";
import {
  type ConvolutionSizes,
  type Costs,
  convolutionWork,
  inputGradientWork,
  isNative,
  type MeasuredOperator,
} from "./costs.ts";
import { type Lowering, lowering } from "./lower.ts";
import { nativeConvolution } from "./native-convolution.ts";

const isKnown = (dim: Dim | undefined): dim is number => typeof dim === "number";

/** The sizes of a convolution; undefined where some are open, or where tasks have weights of their own, which was not measured. */
function sizesOf(x: Shape, filters: Dim, window: Window): ConvolutionSizes | undefined {
  const { tasks, examples, space, channels } = convolutionParts(x, window);
  const known = tasks.length === 0 && isKnown(examples) && isKnown(filters);
  return known ? { examples, space, channels, filters, window } : undefined;
}

/** Whether a convolution, or its input gradient, is cheaper in the native form; undefined where sizes are open. */
export function nativeByCost(
  costs: Costs,
  operator: MeasuredOperator,
  x: Shape,
  filters: Dim,
  window: Window,
): boolean | undefined {
  const sizes = sizesOf(x, filters, window);
  return (
    sizes && isNative(costs, operator, operator === "convolution" ? convolutionWork(sizes) : inputGradientWork(sizes))
  );
}

/**
 * The lowerings of a machine.
 * @param usual what is done otherwise; of several for one operator the last one counts
 * @param name by which they are left out
 */
export function formsByCost(costs: Costs, usual: readonly Lowering[], name?: string): Lowering[] {
  const otherwise = ({ operator }: Pick<Lowering, "operator">) => usual.findLast((way) => way.operator === operator);
  const [convolution, gradient] = [otherwise(Convolution), otherwise(ConvolutionInputGradient)];
  const forward = lowering(
    Convolution,
    (operands, window, outputs) => {
      const native = nativeByCost(costs, "convolution", operands[0].shape, at(operands[1].shape, -1), window);
      return (native ? nativeConvolution.forward : convolution)?.lower(operands, window, outputs);
    },
    name,
  );
  const inputGradient = lowering(
    ConvolutionInputGradient,
    (operands, attributes, outputs) => {
      const filters = at(operands[0].shape, -1);
      const native = nativeByCost(costs, "convolution-input-gradient", outputs[0].shape, filters, attributes);
      return (native ? nativeConvolution.inputGradient : gradient)?.lower(operands, attributes, outputs);
    },
    name,
  );
  return [forward, inputGradient];
}
