// Layers in a row, each with a name of its own, seen as one layer: what a model's body and a residual block are.
import { input, type ParameterSpec, type Parameters, type Shape, scope, type Value } from "@innerloop/graph";
import type { Layer, LayerLike } from "./layer.ts";

/**
 * Layers in a row as one layer. Its parameters are those of its layers: `conv1.weight`, `norm1.gain`, `conv2.weight`, ….
 * @param name what the row itself is called inside another; the empty name adds nothing to its layers' names
 */
export function row(layers: readonly LayerLike[], name = ""): Layer {
  const counts = new Map<string, number>();
  const named = layers.map((layer) => {
    const kind = typeof layer === "function" ? layer.name || "layer" : layer.name;
    const n = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, n);
    return { layer, place: `${kind}${n}` };
  });
  return {
    name,
    parameters(shape) {
      const specs: Record<string, ParameterSpec> = {};
      let x: Value = input("x", shape);
      for (const { layer, place } of named) {
        if (typeof layer !== "function")
          for (const [key, spec] of Object.entries(layer.parameters(x.shape))) specs[`${place}.${key}`] = spec;
        x = applied(layer, x);
      }
      return specs;
    },
    apply: (x, given, pass, where) =>
      named.reduce(
        (value, { layer, place }) =>
          scope(place, () =>
            typeof layer === "function"
              ? layer(value)
              : layer.apply(value, own(layer, place, value.shape, given), pass, where ? `${where}.${place}` : place),
          ),
        x,
      ),
    mixesExamples: layers.some((layer) => typeof layer !== "function" && layer.mixesExamples === true),
  };
}

/** What a layer makes of a value, with inputs for its parameters: how layers are traced. */
export function applied(layer: LayerLike, x: Value): Value {
  if (typeof layer === "function") return layer(x);
  const specs = Object.entries(layer.parameters(x.shape));
  return layer.apply(x, Object.fromEntries(specs.map(([key, { shape }]) => [key, input(key, shape)])), {}, "");
}

const own = (layer: Layer, place: string, shape: Shape, given: Parameters): Parameters =>
  Object.fromEntries(Object.keys(layer.parameters(shape)).map((key) => [key, given[`${place}.${key}`]!]));
