// Numbers by chance as ONNX has them. Their nodes know which draw they are, which files do not say; so they are not kept as they
// were authored, since what two such nodes are made of would be two draws.
import { constantOf } from "../../core/build.ts";
import type { Node } from "../../core/value.ts";
import * as op from "../../ops/index.ts";
import { defined, elementType, float, int, ints, type OnnxAttributes, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import { elementDTypes } from "../tensors.ts";
import type { Form, Writing } from "../writer/form.ts";

const draw = { dtype: int(0), seed: float() };
const uniform = { ...draw, high: float(1), low: float(0) };
const normal = { ...draw, mean: float(0), scale: float(1) };

/** Options of a draw without those that are left out. */
const drawn = <T extends { readonly dtype: number; readonly seed: number | undefined }>({
  dtype,
  seed,
  ...rest
}: T) => ({
  ...rest,
  ...defined({ dtype: elementDTypes.get(dtype), seed }),
});

/** Writes the attributes that a file has, by the names that they have there. */
const writtenWith =
  (attributes: OnnxAttributes, names: Readonly<Record<string, string>> = {}) =>
  (node: Node, to: Writing): Form => ({
    input: to.inputs(),
    attribute: Object.entries(node.attributes).flatMap(([name, value]) => {
      const known = names[name] ?? name;
      const attribute = attributes[known];
      return attribute && value !== undefined ? [written(known, attribute, value)] : [];
    }),
  });

const type = elementType();

export const random = {
  Bernoulli: onnxOperator({
    attributes: draw,
    authored: false,
    read: (c, options) => op.Bernoulli(c.value(0), drawn(options)),
    write: writtenWith({ dtype: type, seed: float() }),
  }),
  Dropout: onnxOperator({
    attributes: { seed: int() },
    authored: false,
    read: (c, { seed }) => {
      const training = c.optional(2);
      const known = training && constantOf(training);
      const [y, mask] = op.dropped(c.value(0), {
        training: known ? known.data[0] === 1 : (training ?? false),
        ...defined({ ratio: c.optional(1), seed }),
      });
      return [y, mask];
    },
    write: (node, to) => {
      const [x = "", ratio = "", training = to.constant({ dtype: "bool", shape: [], data: Float64Array.of(1) })] =
        to.inputs();
      const { seed } = node.attributes;
      return {
        input: [x, ratio, training],
        attribute: seed === undefined ? [] : [written("seed", int(), seed)],
      };
    },
  }),
  Multinomial: onnxOperator({
    attributes: { ...draw, sample_size: int(1) },
    authored: false,
    read: (c, { sample_size: count, ...options }) => op.Multinomial(c.value(0), count, drawn(options)),
    write: writtenWith({ dtype: type, seed: float(), sample_size: int() }, { count: "sample_size" }),
  }),
  RandomNormal: onnxOperator({
    attributes: { ...normal, shape: ints() },
    authored: false,
    read: (_, { shape = [], ...options }) => op.RandomNormal(shape, drawn(options)),
  }),
  RandomNormalLike: onnxOperator({
    attributes: normal,
    authored: false,
    read: (c, options) => op.RandomNormalLike(c.value(0), drawn(options)),
    write: writtenWith({ ...normal, dtype: type }),
  }),
  RandomUniform: onnxOperator({
    attributes: { ...uniform, shape: ints() },
    authored: false,
    read: (_, { shape = [], ...options }) => op.RandomUniform(shape, drawn(options)),
  }),
  RandomUniformLike: onnxOperator({
    attributes: uniform,
    authored: false,
    read: (c, options) => op.RandomUniformLike(c.value(0), drawn(options)),
    write: writtenWith({ ...uniform, dtype: type }),
  }),
};
