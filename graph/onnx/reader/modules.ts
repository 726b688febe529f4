// Which module of the model that was exported a node comes from, where its exporter says so: PyTorch's newer one in metadata, its
// older one in the names of nodes.
import type { onnx } from "@innerloop/schemas/onnx";

type NodeProto = onnx.NodeProto.$Properties;

/** The module that a node was made for, "encoder.layers.0.norm1"; undefined where nothing says so. */
export type ModuleOf = (node: NodeProto) => string | undefined;

/** What PyTorch's newer exporter says: a list of scopes as Python writes it, the last of which is the operator's. */
function ofMetadata({ metadataProps }: NodeProto): string | undefined {
  const scopes = metadataProps?.find(({ key }) => key === "pkg.torch.onnx.name_scopes")?.value;
  if (!scopes) return undefined;
  return [...scopes.matchAll(/'([^']*)'/g)].at(-2)?.[1];
}

/** What its older one says: "/encoder/layers.0/norm1/LayerNormalization". */
function ofName({ name }: NodeProto): string | undefined {
  if (!name?.startsWith("/")) return undefined;
  return name.split("/").slice(1, -1).join(".");
}

/** The modules of a graph's nodes. A module that is called again is called by the older exporter "norm1_1", which is "norm1". */
export function modulesOf(nodes: readonly NodeProto[]): { readonly ofMetadata: ModuleOf; readonly ofName: ModuleOf } {
  const known = new Set(nodes.map(ofName));
  return {
    ofMetadata,
    ofName(node) {
      const named = ofName(node);
      const first = named?.replace(/_\d+(?=\.|$)/g, "");
      return first !== undefined && known.has(first) ? first : named;
    },
  };
}
