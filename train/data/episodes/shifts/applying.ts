// How changes of single examples are carried out: in the units in which they are thought of, pictures from 0 to 1, all else with mean
// 0 and deviation 1.
import type { Preprocessing, Tensor } from "@innerloop/schemas";
import type { Random } from "../../../random.ts";
import type { Shift } from "./family.ts";

/** What 0 and 1 are for a shift, for each of the numbers that repeat: those of a pixel or sample, or all features. */
export interface Scale {
  readonly zero: Float32Array;
  readonly one: Float32Array;
}

/** Pictures know it from their preprocessing; else it is mean and deviation of the task's own examples. */
export function scaleOf(
  inputShape: readonly number[],
  preprocessing: Preprocessing | undefined,
  { data, shape }: Tensor,
): Scale | undefined {
  if (inputShape.length === 3 && preprocessing?.kind !== "sound") {
    if (preprocessing?.kind !== "image" || (preprocessing.mean === 0 && preprocessing.std === 1)) return undefined;
    const { mean, std } = preprocessing;
    return { zero: Float32Array.of(-mean / std), one: Float32Array.of(1 / std) };
  }
  const period = inputShape.length > 1 ? inputShape[1]! : data.length / shape[0]!;
  const [zero, one] = [new Float32Array(period), new Float32Array(period)];
  const count = data.length / period;
  for (let i = 0; i < data.length; i++) zero[i % period]! += Number(data[i]) / count;
  for (let i = 0; i < data.length; i++) one[i % period]! += (Number(data[i]) - zero[i % period]!) ** 2 / count;
  for (let i = 0; i < period; i++) one[i] = Math.sqrt(one[i]!) || 1;
  return { zero, one };
}

export function applied(
  { dtype, shape, data }: Tensor,
  shifts: readonly Shift[],
  scale: Scale | undefined,
  random: Random,
): Tensor {
  const values = (data as Float32Array).slice();
  const size = values.length / shape[0]!;
  let spare = new Float32Array(size);
  const period = scale?.zero.length ?? 1;
  const canBeBlank = shape.length > 2;
  for (let start = 0; start < values.length; start += size) {
    const place = values.subarray(start, start + size);
    let example: Float32Array = place;
    if (scale) for (let i = 0; i < size; i++) place[i] = (place[i]! - scale.zero[i % period]!) / scale.one[i % period]!;
    for (const shift of shifts) {
      shift(example, spare, random);
      // Nobody teaches or asks with what a square covers, or a pen too thin leaves, wholly: it stays as it was.
      if (canBeBlank && isBlank(spare) && !isBlank(example)) continue;
      [example, spare] = [spare, example as Float32Array<ArrayBuffer>];
    }
    if (example !== place) {
      place.set(example);
      spare = example as Float32Array<ArrayBuffer>;
    }
    if (scale) for (let i = 0; i < size; i++) place[i] = scale.zero[i % period]! + scale.one[i % period]! * place[i]!;
  }
  return { dtype, shape, data: values };
}

/** A picture or a window that holds one value throughout; a row of numbers may well do so. */
const isBlank = (example: Float32Array): boolean => example.every((value) => value === example[0]);
