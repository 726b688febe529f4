// What a graph is, as text that is the same in every process: by it, what was made of a graph once is found again.
import { isInput } from "./build.ts";
import { type Attribute, isBody, isSubgraph, type Value } from "./value.ts";
import { topological } from "./walk.ts";

/**
 * Says a graph line by line: operators, attributes with all of their numbers, and which line each reads. Graphs that say the
 * same compute the same; where nodes were made, and under which scope, is left out.
 * @param add takes a piece of the text
 */
export function fingerprint(outputs: readonly Value[], add: (text: string) => void): void {
  say(outputs, add, new Map());
}

function say(outputs: readonly Value[], add: (text: string) => void, names: Map<Value, string>): void {
  const nameOf = (value: Value | undefined): string => (value === undefined ? "_" : (names.get(value) ?? "?"));
  const sayAttribute = (attribute: Attribute): void => {
    if (typeof attribute !== "object") add(Object.is(attribute, -0) ? "-0" : `${typeof attribute}:${attribute}`);
    else if (isBody(attribute)) add(`{${attribute.parameters.map(nameOf)}:${attribute.results.map(nameOf)}}`);
    else if (isSubgraph(attribute)) {
      const { takes, gives } = attribute;
      add(`{${takes}:`);
      say(gives, add, new Map(takes.map((value, i) => [value, `t${i}`])));
      add("}");
    } else if ("data" in attribute) {
      add(`${attribute.dtype}[${attribute.shape}]`);
      add([...attribute.data].map((x) => (Object.is(x, -0) ? "-0" : x)).join());
    } else add(`[${attribute}]`);
  };
  let line = 0;
  for (const { operator, inputs, attributes, outputs: made } of topological(outputs, new Set(names.keys()))) {
    add(`${operator.name}(${inputs.map(nameOf)})`);
    for (const key of Object.keys(attributes).sort()) {
      add(`|${key}=`);
      sayAttribute(attributes[key]);
    }
    add(made.some(isInput) || inputs.length === 0 ? `:${made}\n` : "\n");
    for (const output of made) names.set(output, `${line}.${output.index}`);
    line++;
  }
  add(`return ${outputs.map(nameOf)}\n`);
}
