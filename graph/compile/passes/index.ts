// The passes between a graph and an engine, in the order in which they go; a file each.
import type { Pass } from "../pass.ts";
import { forms } from "./forms.ts";
import { products } from "./products.ts";
import { repeats } from "./repeats.ts";
import { simplification } from "./simplification.ts";
import { twins } from "./twins.ts";

export const passes: readonly Pass[] = [
  twins,
  simplification,
  forms,
  repeats,
  simplification,
  products,
  simplification,
];
