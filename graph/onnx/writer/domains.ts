// Names of operators, and the domains that they are of.
import type { Node } from "../../core/value.ts";

/** An operator's name as files have it, with its domain where that is not ONNX's own. */
export function nameIn(name: string): { readonly opType: string; readonly domain?: string } {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? { opType: name } : { opType: name.slice(dot + 1), domain: name.slice(0, dot) };
}

/** The domains of nodes that are not ONNX's own. */
export const foreign = (nodes: readonly Node[]): string[] => [
  ...new Set(nodes.flatMap(({ operator: { writtenAs, name } }) => nameIn(writtenAs ?? name).domain ?? [])),
];
