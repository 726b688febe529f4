// Derivatives of a model as a model: gradients, products with Jacobians and Hessians, whole Jacobians.
import { InnerloopError, show } from "@innerloop/schemas";
import { input } from "../core/build.ts";
import { zip } from "../core/lists.ts";
import { isFloat } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Reshape } from "../ops/movement.ts";
import { ReduceMean, ReduceSum } from "../ops/reduction.ts";
import { cotangents, gradients } from "../transforms/grad.ts";
import { hvp as hessianProduct, type JacobianMode, jacobian as wholeJacobian } from "../transforms/jacobian.ts";
import { jvp as tangentsOf, zerosLike } from "../transforms/jvp.ts";
import { rewrite } from "../transforms/rewrite.ts";
import { floatsOf, listed, type Model, type Named, table, taken, transformed, unknown, valueNamed } from "./model.ts";
import { reachOf, whyNot } from "./reach.ts";

/** What is differentiated by what. Names are those of inputs, weights and outputs, or of what nodes make on the way. */
export interface DerivativeOptions {
  /** What is differentiated; the one output that is float, unless given. */
  readonly of?: string;
  /** By what: inputs, weights, or what nodes make. */
  readonly wrt: readonly string[];
  /** What else the result gives, of outputs and of what nodes make, under its own name. */
  readonly also?: readonly string[];
  /** Zeros where nothing depends on a value, instead of an error. */
  readonly zeros?: boolean;
}

export interface ScalarOptions extends DerivativeOptions {
  /** How one number is made of an output of many. */
  readonly reduce?: "sum" | "mean";
}

export interface JacobianOptions extends DerivativeOptions {
  /** From the output back or from `wrt` on; whatever takes fewer walks, unless given. */
  readonly mode?: JacobianMode;
}

/**
 * The gradient of a scalar: an output `grad/NAME` for each of `wrt`, of its shape.
 * @throws InnerloopError (status 2) for a name that is not there, for what is no scalar, and where no derivative gets to, with the
 *   node that stops it
 */
export const grad = (model: Model, options: ScalarOptions): Model => gradientOf("grad", model, options);

/** The scalar under its own name, and its gradient as `grad` gives it. */
export const valueAndGrad = (model: Model, options: ScalarOptions): Model =>
  gradientOf("value-and-grad", model, options);

function gradientOf(who: string, model: Model, options: ScalarOptions): Model {
  const call = chosen(who, model, options);
  const { of, wrt } = call;
  const to = named(model, "grad", wrt);
  const scalar = (value: Value) => scalarOf(who, of, value, options.reduce);
  return derived(call, {}, (values) => {
    const found = forEach(call, values, to, (output, leaves) => gradients(scalar(output), leaves));
    return table(who === "grad" ? found : [[of, scalar(at(model, values, of))], ...found]);
  });
}

/**
 * The product of a vector with the Jacobian: an input `cotangent/OF` of the output's shape; outputs OF, and `vjp/NAME` for each of
 * `wrt`, of its shape.
 * @throws InnerloopError as `grad`
 */
export function vjp(model: Model, options: DerivativeOptions): Model {
  const call = chosen("vjp", model, options);
  const { of, wrt, value } = call;
  const [seed = ""] = named(model, "cotangent", [of]);
  const to = named(model, "vjp", wrt);
  return derived(call, { [seed]: value }, (values) => {
    const output = at(model, values, of);
    const vector = fitting(seed, values, output);
    const found = forEach(call, values, to, (value, leaves) => cotangents([value], [vector], leaves));
    return table([[of, output], ...found]);
  });
}

/**
 * The product of the Jacobian with vectors: inputs `tangent/NAME` for each of `wrt`, of its shape; outputs OF and `jvp/OF`.
 * @throws InnerloopError as `grad`
 */
export function jvp(model: Model, options: DerivativeOptions): Model {
  const call = chosen("jvp", model, options);
  const { of, wrt } = call;
  const directions = along(call, "tangent");
  const [to = ""] = named(model, "jvp", [of]);
  return derived(call, directions, (values) => {
    const vectors = vectorsOf(call, directions, values);
    const { output, leaves, put } = cutAt(call, values, wrt);
    const found = put([output, ...tangentsOf([output], leaves, vectors)]);
    return table(zip([of, to], found, (name, value) => [name, value] as const));
  });
}

/**
 * The derivative of every number of an output by every number of others: outputs `jacobian/NAME` of the shape `[...OF, ...NAME]`.
 * @throws InnerloopError as `grad`
 */
export function jacobian(model: Model, options: JacobianOptions): Model {
  const call = chosen("jacobian", model, options);
  const to = named(model, "jacobian", call.wrt);
  return derived(call, {}, (values) =>
    table(forEach(call, values, to, (output, leaves) => wholeJacobian(output, leaves, options.mode))),
  );
}

/**
 * The product of the Hessian of a scalar with vectors: inputs `vector/NAME` and outputs `hvp/NAME` for each of `wrt`, of its shape.
 * @throws InnerloopError as `grad`
 */
export function hvp(model: Model, options: ScalarOptions): Model {
  const call = chosen("hvp", model, options);
  const { of, wrt } = call;
  const directions = along(call, "vector");
  const to = named(model, "hvp", wrt);
  return derived(call, directions, (values) => {
    const vectors = vectorsOf(call, directions, values);
    const { output, leaves, put } = cutAt(call, values, wrt);
    const products = hessianProduct(scalarOf("hvp", of, output, options.reduce), leaves, vectors);
    return table(zip(to, put(products), (name, product) => [name, product] as const));
  });
}

/** What a transform was called with, looked at. */
interface Call {
  readonly who: string;
  readonly model: Model;
  readonly of: string;
  readonly wrt: readonly string[];
  readonly zeros: boolean;
  readonly also: readonly string[];
  /** What is differentiated, as the model has it. */
  readonly value: Value;
}

/** Inputs for the directions that the values of a call move along. */
function along({ who, model, wrt }: Call, prefix: string): Named {
  independent(who, model, wrt);
  const known = all(model);
  return table(zip(named(model, prefix, wrt), wrt, (name, of) => [name, valueNamed(known, of, "input")] as const));
}

/** The directions that were given. */
const vectorsOf = ({ model, wrt }: Call, directions: Named, values: Named): Value[] =>
  zip(wrt, Object.keys(directions), (of, name) => fitting(name, values, at(model, values, of)));

/** A model with further inputs, of the types given, that makes its outputs anew. */
function derived({ model, also }: Call, further: Named, build: (values: Named) => Named): Model {
  const { initializers, elements, opset, tensors } = model;
  const isWeight = ([name]: readonly [string, Value]) => initializers[name] !== undefined;
  const own = Object.entries(model.inputs);
  const added = Object.entries(further).map(([name, { shape, dtype }]) => [name, input(name, shape, dtype)] as const);
  return transformed({
    inputs: table([...own.filter((entry) => !isWeight(entry)), ...added, ...own.filter(isWeight)]),
    initializers,
    elements,
    opset,
    tensors,
    build: (values) => {
      const others = table(also.map((name) => [name, at(model, values, name)] as const));
      return table([...Object.entries(others), ...Object.entries(build(values))]);
    },
    inside: (values, names) => model.apply(taken(model, values), names),
  });
}

/** Everything of a model that has a name. */
const all = ({ inputs, outputs, tensors }: Model): Named =>
  table([...Object.entries(tensors), ...Object.entries(outputs), ...Object.entries(inputs)]);

/** What an output, or what is made on the way, is for some inputs. */
function at(model: Model, values: Named, name: string): Value {
  return values[name] ?? valueNamed(model.apply(taken(model, values), [name]), name, "output");
}

/** The names that a call is about, looked at before anything is built. */
function chosen(who: string, model: Model, { of, wrt, zeros = false, also = [] }: DerivativeOptions): Call {
  const outputs = floatsOf(model.outputs);
  const [only, ...others] = Object.keys(outputs);
  if (of === undefined && (only === undefined || others.length > 0))
    throw new InnerloopError(
      "missing-name",
      `${who} needs the name of what is differentiated; the model gives ${listed(model.outputs)}.`,
      { exitStatus: 2 },
    );
  const output = of ?? only ?? "";
  const value = model.outputs[output] ?? model.tensors[output];
  if (!value) throw unknown(output, "output", model.outputs);
  if (!isFloat(value.dtype)) throw noFloat(who, output, value, "of", outputs);
  if (wrt.length === 0)
    throw new InnerloopError(
      "missing-name",
      `${who} needs names to differentiate by; there is ${listed(floatsOf(model.inputs))}.`,
      {
        exitStatus: 2,
      },
    );
  const repeated = wrt.find((name, i) => wrt.indexOf(name) < i);
  if (repeated !== undefined)
    throw new InnerloopError("bad-argument", `${who} was given ${show(repeated)} twice; give each name once.`, {
      exitStatus: 2,
    });
  for (const name of wrt) {
    const value = model.inputs[name] ?? model.tensors[name];
    if (!value) throw unknown(name, "input", floatsOf(model.inputs));
    if (!isFloat(value.dtype)) throw noFloat(who, name, value, "by", floatsOf(model.inputs));
  }
  for (const name of also)
    if (!model.outputs[name] && !model.tensors[name]) throw unknown(name, "output", model.outputs);
  return { who, model, of: output, wrt, zeros, also, value };
}

const noFloat = (who: string, name: string, value: Value, how: "of" | "by", there: Named): InnerloopError =>
  new InnerloopError(
    "not-a-float",
    `${who} ${how} "${name}": it is ${value}, which has no derivatives; floats are ${listed(there)}; ` +
      "or name what a node makes on the way, as the output of an embedding.",
    { exitStatus: 2 },
  );

/** Names of a transform, `grad/x`; where the model has one of them, as it is one already, `grad2/x` and so on. */
function named(model: Model, prefix: string, names: readonly string[]): string[] {
  const known = all(model);
  for (let order = 1; ; order++) {
    const made = names.map((name) => `${prefix}${order === 1 ? "" : order}/${name}`);
    if (made.every((name) => known[name] === undefined)) return made;
  }
}

/** @throws InnerloopError where values that depend on one another would have to move apart. */
function independent(who: string, { inputs }: Model, wrt: readonly string[]): void {
  const inner = wrt.find((name) => inputs[name] === undefined);
  if (inner === undefined || wrt.length === 1) return;
  throw new InnerloopError(
    "bad-argument",
    `${who} by ${wrt.join(", ")}: "${inner}" is made on the way and may depend on the others; give it alone.`,
    { exitStatus: 2 },
  );
}

/** A vector that was given, of the shape of what it is a direction of. */
function fitting(name: string, values: Named, like: Value): Value {
  const value = values[name];
  if (value?.dtype === like.dtype && value.shape.join() === like.shape.join()) return value;
  throw new InnerloopError(
    "shape-mismatch",
    `the input "${name}" has to be ${like}, but is ${value}; give it as well.`,
    {
      exitStatus: 2,
    },
  );
}

/** One number of a value. */
function scalarOf(who: string, name: string, value: Value, reduce?: "sum" | "mean"): Value {
  if (reduce === "sum") return ReduceSum(value, { keepdims: false });
  if (reduce === "mean") return ReduceMean(value, { keepdims: false });
  if (value.rank === 0) return value;
  if (sizeOf(value.shape) === 1) return Reshape(value, []);
  throw new InnerloopError(
    "not-a-scalar",
    `${who} of "${name}": it is ${value}, and one number is needed. Reduce it to its sum or its mean (reduce: sum, mean), name an output ` +
      "that is one number, as a loss, or take the derivatives of all its numbers: vjp, jvp, jacobian.",
    { exitStatus: 2 },
  );
}

/** A model from some values on, which count as independent of one another. */
interface Cut {
  readonly output: Value;
  /** What stands for the values. */
  readonly leaves: readonly Value[];
  /** Puts the values back into what was made of the leaves. */
  put(results: readonly Value[]): Value[];
}

/** @throws InnerloopError `no-derivative` where the output has no derivative by one of the values, unless zeros will do */
function cutAt(call: Call, values: Named, names: readonly string[]): Cut {
  const { who, model, of, zeros } = call;
  const actual = names.map((name) => at(model, values, name));
  const leaves = zip(names, actual, (name, value) =>
    value === model.inputs[name] ? value : input(name, value.shape, value.dtype),
  );
  const given = { ...taken(model, values), ...table(zip(names, leaves, (name, leaf) => [name, leaf] as const)) };
  const inside = (wanted: readonly string[]) => model.apply(given, wanted);
  const output = valueNamed(inside([of]), of, "output");
  const reach = reachOf(output, leaves, {});
  const lost = zeros ? -1 : leaves.findIndex((leaf) => !reach.reaches(leaf));
  const leaf = leaves[lost];
  if (leaf) {
    const why = whyNot(reachOf(output, leaves, inside(Object.keys(model.tensors))), leaf);
    throw new InnerloopError(
      "no-derivative",
      `${who}: "${of}" has no derivative by "${names[lost]}": it ${why}. Leave the name out, or ask for zeros.`,
      { exitStatus: 2 },
    );
  }
  const back = new Map(
    zip(leaves, actual, (leaf, value) => [leaf, value] as const).filter(([leaf, value]) => leaf !== value),
  );
  return { output, leaves, put: (results) => (back.size > 0 ? rewrite(results, () => undefined, back) : [...results]) };
}

/**
 * Something for each of `wrt`. Inputs are independent of one another and go together; what nodes make depends on them, so each
 * of these is cut out on its own, and derivatives by inputs still go through it.
 */
function forEach(
  call: Call,
  values: Named,
  names: readonly string[],
  take: (output: Value, leaves: readonly Value[]) => readonly (Value | undefined)[],
): [name: string, value: Value][] {
  const { model, wrt } = call;
  const inputs = wrt.filter((name) => model.inputs[name] !== undefined);
  const alone = wrt.filter((name) => model.inputs[name] === undefined).map((name) => [name]);
  const found = new Map<string, Value>();
  for (const group of [...(inputs.length > 0 ? [inputs] : []), ...alone]) {
    const { output, leaves, put } = cutAt(call, values, group);
    const results = zip(leaves, take(output, leaves), (leaf, result) => result ?? zerosLike(leaf));
    zip(group, put(results), (name, value) => found.set(name, value));
  }
  return zip(names, wrt, (name, of) => [name, valueNamed(table(found), of, "derivative")]);
}
