// Which inputs a graph needs.
import { inputName, isInput } from "./build.ts";
import type { Value } from "./value.ts";
import { topological } from "./walk.ts";

/** The inputs that values need, each once. */
export const inputsOf = (values: readonly Value[]): Value[] =>
  topological(values)
    .flatMap((node) => node.outputs)
    .filter(isInput);

/** Their names. */
export const inputNamesOf = (values: readonly Value[]): Set<string> => new Set(inputsOf(values).map(inputName));
