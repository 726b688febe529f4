// The whole numbers that an element type holds.
import { type DType, InnerloopError } from "@innerloop/schemas";

/** The least and the largest number of an integer type. @throws InnerloopError for another type */
export function integerRange(dtype: DType): { readonly least: number; readonly most: number } {
  const [, unsigned, bits] = /^(u?)int(\d+)$/.exec(dtype) ?? [];
  if (bits === undefined)
    throw new InnerloopError("unsupported-dtype", `An integer type was expected, but got ${dtype}.`, { exitStatus: 2 });
  const all = 2 ** Number(bits);
  return unsigned ? { least: 0, most: all - 1 } : { least: -all / 2, most: all / 2 - 1 };
}
