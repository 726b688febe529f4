// Brings the nodes of older opsets to the newest that is read, one opset after the other, so that every reader knows one version
// of its operator. A file here has the changes of one opset; what it does not name is read as it is.
import { type AttributeProto, float, floats, int, ints, written } from "../attributes.ts";
import { opset9 } from "./9.ts";
import { opset10 } from "./10.ts";
import { opset11 } from "./11.ts";
import { opset13 } from "./13.ts";
import { opset14 } from "./14.ts";
import { opset16 } from "./16.ts";
import { opset18 } from "./18.ts";
import { opset20 } from "./20.ts";
import { opset21 } from "./21.ts";
import type { Additions, NodeProto, Upgrades } from "./upgrade.ts";

const changes: readonly (readonly [opset: number, upgrades: Upgrades])[] = [
  [9, opset9],
  [10, opset10],
  [11, opset11],
  [13, opset13],
  [14, opset14],
  [16, opset16],
  [18, opset18],
  [20, opset20],
  [21, opset21],
];

/** Operators that an opset gave another name. */
const renamed: ReadonlyMap<string, { readonly until: number; readonly to: string }> = new Map([
  ["Scatter", { until: 11, to: "ScatterElements" }],
  ["Upsample", { until: 10, to: "Resize" }],
]);

/** What an operator of an opset is called in the newest. */
export function newestName(opType: string, opset: number): string {
  const later = renamed.get(opType);
  return later && opset < later.until ? later.to : opType;
}

/** Turns a node into nodes of the newest opset: itself, after those that make what it newly reads. */
export type Upgrading = (node: NodeProto) => readonly NodeProto[];

/**
 * @param opset that of the nodes
 * @param unique gives names that no graph of the model has
 */
export function upgrading(opset: number, unique: () => string): Upgrading {
  const due = changes.filter(([since]) => since > opset).map(([, upgrades]) => new Map(Object.entries(upgrades)));
  return (original) => {
    const nodes: NodeProto[] = [];
    const make = (opType: string, input: readonly string[], attribute: AttributeProto[]): string => {
      const name = unique();
      nodes.push({ opType, input: [...input], output: [name], attribute });
      return name;
    };
    const add: Additions = {
      node: (opType, input, attributes = {}) =>
        make(
          opType,
          input,
          Object.entries(attributes).map(([name, value]) => written(name, int(), value)),
        ),
      number: (number) => make("Constant", [], [written("value_float", float(), number)]),
      numbers: (numbers) => make("Constant", [], [written("value_floats", floats(), numbers)]),
      whole: (number) => make("Constant", [], [written("value_int", int(), number)]),
      list: (numbers) => make("Constant", [], [written("value_ints", ints(), numbers)]),
    };
    nodes.push(due.reduce((node, upgrades) => upgrades.get(node.opType ?? "")?.(node, add) ?? node, original));
    return nodes;
  };
}
