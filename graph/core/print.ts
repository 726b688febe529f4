// A graph as text, for people and for tests.
import { constantOf, inputName, isInput } from "./build.ts";
import { type Attribute, isBody, isSubgraph, type Node, type Value } from "./value.ts";
import { topological } from "./walk.ts";

/** One line a node, in the order of computation: `%3 = MatMul(%1, %2) : float32[5, 40]  # dense1`. */
export function print(outputs: readonly Value[]): string {
  const names = new Map<Value, string>();
  const lines: string[] = [];
  let next = 0;
  const name = (value: Value): string => names.get(value) ?? "?";
  for (const node of topological(outputs)) {
    for (const output of node.outputs)
      names.set(output, isInput(output) ? inputName(output) : (shortConstant(output) ?? `%${next++}`));
    if (node.outputs.some((output) => isInput(output) || shortConstant(output) !== undefined)) continue;
    lines.push(line(node, name));
  }
  lines.push(`return ${outputs.map(name).join(", ")}`);
  return `${lines.join("\n")}\n`;
}

function shortConstant(value: Value): string | undefined {
  const array = constantOf(value);
  return array && array.data.length === 1 && array.shape.length === 0 ? String(array.data[0]) : undefined;
}

function line(node: Node, name: (value: Value) => string): string {
  const attributes = Object.entries(node.attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${showAttribute(value, name)}`);
  const inputs = node.inputs.map((value) => (value ? name(value) : "_"));
  const args = [...inputs, ...attributes].join(", ");
  const types = node.outputs.map(String).join(", ");
  const where = node.scope ? `  # ${node.scope}` : "";
  return `${node.outputs.map(name).join(", ")} = ${node.operator.name}(${args}) : ${types}${where}`;
}

function showAttribute(attribute: Attribute, name: (value: Value) => string): string {
  if (isBody(attribute))
    return `{(${attribute.parameters.map(name).join(", ")}) → (${attribute.results.map(name).join(", ")})}`;
  if (isSubgraph(attribute)) return `{ ${print(attribute.gives).trimEnd().replaceAll("\n", "; ")} }`;
  if (Array.isArray(attribute)) return `[${attribute.join(", ")}]`;
  if (typeof attribute === "object" && "data" in attribute) {
    const some = [...attribute.data.subarray(0, 6)].map((x) => Number(x.toPrecision(6))).join(", ");
    return `[${some}${attribute.data.length > 6 ? `, … ${attribute.data.length}` : ""}]`;
  }
  return String(attribute);
}
