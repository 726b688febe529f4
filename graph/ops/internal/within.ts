// The slope of what is held between two bounds.
import { apply1, applying, composite } from "../../core/operator.ts";
import type { One, Operator, Value } from "../../core/value.ts";
import { Mul, Positive, Sub } from "../arithmetic.ts";

const within: Operator<{ readonly low: number; readonly high: number }, One, One> = composite({
  name: "Within",
  family: "elementwise",
  summary: "1 where a number lies between two bounds and is neither, else 0",
  build: ([x], { low, high }) => Mul(Positive(Sub(x, low)), Positive(Sub(high, x))),
});

/** 1 between two bounds, else 0. */
export const Within = applying(
  within,
  (x: Value, low: number, high: number): Value => apply1(within, [x], { low, high }),
);
