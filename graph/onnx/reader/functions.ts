// Functions of a model: operators that it defines itself by nodes, in domains of its own. A call becomes these nodes, with the
// attributes of the call in them.
import { InnerloopError, show } from "@innerloop/schemas";
import type { onnx } from "@innerloop/schemas/onnx";
import type { AttributeProto } from "../attributes.ts";

type FunctionProto = onnx.FunctionProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;
type GraphProto = onnx.GraphProto.$Properties;

/** Whether a domain is ONNX's own, `ai.onnx`, which files may leave out. */
export const isStandard = (domain: string | null | undefined): boolean => !domain || domain === "ai.onnx";

interface Named {
  readonly domain?: string | null;
  readonly overload?: string | null;
}
const keyOf = ({ domain, overload }: Named, name: string | null | undefined): string =>
  JSON.stringify([isStandard(domain) ? "" : domain, name ?? "", overload ?? ""]);

/** The functions that a model defines. */
export class Functions {
  readonly #functions = new Map<string, FunctionProto>();

  /** @throws InnerloopError where two have one name, or one calls itself */
  constructor(model: onnx.ModelProto.$Properties, source: string) {
    for (const defined of model.functions ?? []) {
      const key = keyOf(defined, defined.name);
      if (this.#functions.has(key))
        throw new InnerloopError(
          "bad-model",
          `${source}: the function ${show(defined.name)} is there twice; give each its own name.`,
        );
      this.#functions.set(key, defined);
    }
    this.#refuseCycles(source);
  }

  /** The function that a node calls; undefined where it is an operator. */
  of(node: NodeProto): FunctionProto | undefined {
    return this.#functions.size === 0 ? undefined : this.#functions.get(keyOf(node, node.opType));
  }

  /** Every function that these graphs call, and those call. */
  called(nodes: readonly NodeProto[]): FunctionProto[] {
    const found = new Set<FunctionProto>();
    const left = [...nodes];
    for (let node = left.pop(); node; node = left.pop()) {
      const called = this.of(node);
      if (!called || found.has(called)) continue;
      found.add(called);
      left.push(...nodesWithin(called.node ?? []));
    }
    return [...found];
  }

  #refuseCycles(source: string): void {
    const done = new Set<FunctionProto>();
    const open = new Set<FunctionProto>();
    for (const first of this.#functions.values()) {
      // Depth first without recursion: a chain of functions may be as long as the file.
      const stack: FunctionProto[] = [first];
      for (let at = stack.at(-1); at; at = stack.at(-1)) {
        if (done.has(at) || open.has(at)) {
          open.delete(at);
          done.add(at);
          stack.pop();
          continue;
        }
        open.add(at);
        for (const node of nodesWithin(at.node ?? [])) {
          const called = this.of(node);
          if (!called || done.has(called)) continue;
          if (open.has(called))
            throw new InnerloopError(
              "bad-model",
              `${source}: the function ${show(called.name)} calls itself, so it has no end.`,
            );
          stack.push(called);
        }
      }
    }
  }
}

/** Nodes, and those in their bodies. */
export function nodesWithin(nodes: readonly NodeProto[]): NodeProto[] {
  const found: NodeProto[] = [];
  const left: (readonly NodeProto[])[] = [nodes];
  for (let list = left.pop(); list; list = left.pop())
    for (const node of list) {
      found.push(node);
      for (const graph of graphsOf(node)) left.push(graph.node ?? []);
    }
  return found;
}

/** The graphs that a node has as attributes. */
export const graphsOf = ({ attribute }: NodeProto): GraphProto[] =>
  (attribute ?? []).flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);

/**
 * The nodes of a function for one call: attributes that refer to the function's are those of the call, or what holds where it has none.
 * @param absent the inputs that the call leaves out
 */
export function instantiate(defined: FunctionProto, call: NodeProto, absent: ReadonlySet<string>): NodeProto[] {
  const given = new Map<string, AttributeProto>();
  for (const attribute of [...(defined.attributeProto ?? []), ...(call.attribute ?? [])])
    given.set(attribute.name ?? "", attribute);
  const graph = (g: GraphProto): GraphProto => ({ ...g, node: (g.node ?? []).map(node) });
  const attribute = (original: AttributeProto): AttributeProto[] => {
    if (original.refAttrName) {
      const value = given.get(original.refAttrName);
      return value ? [{ ...value, name: original.name ?? "" }] : [];
    }
    const { g, graphs } = original;
    if (!g && !graphs?.length) return [original];
    return [{ ...original, ...(g && { g: graph(g) }), ...(graphs?.length && { graphs: graphs.map(graph) }) }];
  };
  const node = (original: NodeProto): NodeProto => ({
    ...original,
    input: (original.input ?? []).map((name) => (absent.has(name) ? "" : name)),
    attribute: (original.attribute ?? []).flatMap(attribute),
  });
  return (defined.node ?? []).map(node);
}
