// The passes between a graph and an engine, in the order in which they go; a file each.
import type { Pass } from "../pass.ts";
import { blocks } from "./blocks.ts";
import { counts } from "./counts.ts";
import { forms } from "./forms.ts";
import { gramsPass } from "./grams.ts";
import { hoisted } from "./hoisted.ts";
import { norms } from "./norms.ts";
import { numbers } from "./numbers.ts";
import { places } from "./places.ts";
import { portionsPass } from "./portions.ts";
import { products } from "./products.ts";
import { repeats } from "./repeats.ts";
import { reshapes } from "./reshapes.ts";
import { rows } from "./rows.ts";
import { simplification } from "./simplification.ts";
import { strides } from "./strides.ts";
import { sums } from "./sums.ts";
import { togetherPass } from "./together.ts";
import { turnedWeights } from "./turned.ts";
import { twins } from "./twins.ts";

/** What is done before derivatives are taken, by whoever builds a graph. */
export const earlyPasses = [togetherPass, gramsPass, portionsPass] as const;

export const passes: readonly Pass[] = [
  rows,
  twins,
  counts,
  repeats,
  simplification,
  sums,
  forms,
  repeats,
  hoisted,
  simplification,
  places,
  norms,
  products,
  turnedWeights,
  strides,
  blocks,
  numbers,
  simplification,
  reshapes,
];
