// A model as a function from named values to named values: what a file is when it is read, and what transforms make of it.
import { InnerloopError, show, suggest } from "@innerloop/schemas";
import { isFloat } from "../core/operator.ts";
import type { Value } from "../core/value.ts";
import { onnxTarget } from "../lowering/onnx.ts";
import type { OnnxModel } from "../onnx/read.ts";
import { writeOnnx } from "../onnx/write.ts";

/** What `readOnnx` gives; transforms take one and give one, so that they can be put one after another. */
export type Model = Pick<OnnxModel, "inputs" | "outputs" | "initializers" | "elements" | "opset" | "tensors" | "apply">;

/** Values by name. */
export type Named = Readonly<Record<string, Value>>;

/** A table without a prototype: a name is there only where somebody gave it. */
export const table = <T>(entries: Iterable<readonly [string, T]>): Record<string, T> =>
  Object.assign(Object.create(null), Object.fromEntries(entries));

/** What a transform makes of a model. */
interface Transformed extends Pick<Model, "inputs" | "initializers" | "elements" | "opset" | "tensors"> {
  /** The outputs, of a value for each input. */
  build(values: Named): Named;
  /** What else is asked for by name. */
  inside(values: Named, names: readonly string[]): Named;
}

/** A model that computes its outputs out of those of another. */
export function transformed({ build, inside, ...known }: Transformed): Model {
  const { inputs, tensors } = known;
  const outputs = build(inputs);
  return {
    ...known,
    outputs,
    apply(values, names = Object.keys(outputs)) {
      const stranger = Object.keys(values).find((name) => (inputs[name] ?? tensors[name]) === undefined);
      if (stranger !== undefined) throw unknown(stranger, "input", inputs);
      const given = table([...Object.entries(inputs), ...Object.entries(values)]);
      const built = build(given);
      const others = names.filter((name) => built[name] === undefined);
      const found = others.length > 0 ? inside(given, others) : {};
      return table(names.map((name) => [name, built[name] ?? valueNamed(found, name, "output")]));
    },
  };
}

/** The values of a table that a model takes. */
export const taken = ({ inputs, tensors }: Model, values: Named): Named =>
  table(Object.entries(values).filter(([name]) => (inputs[name] ?? tensors[name]) !== undefined));

/** The value of a name. @throws InnerloopError `unknown-name` (status 2), which says what names there are */
export function valueNamed(values: Named, name: string, what: string): Value {
  const value = values[name];
  if (value) return value;
  throw unknown(name, what, values);
}

/** The most names that a message lists. */
const mostListed = 12;

/** A value of a model in a message: `x, float32[batch, 3]`. */
const described = (name: string, value: Value): string => `${name}, ${value}`;

/** Names in a message, with their types. */
export function listed(values: Named): string {
  const names = Object.entries(values).map(([name, value]) => described(name, value));
  const more = names.length - mostListed;
  return `${names.slice(0, mostListed).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

/** The error for a name that is not there. */
export function unknown(name: string, what: string, values: Named): InnerloopError {
  const near = suggest(name, Object.keys(values));
  const there = Object.keys(values).length > 0 ? `there is ${listed(values)}` : "there is none";
  return new InnerloopError(
    "unknown-name",
    `the model has no ${what} ${show(name)}${near === undefined ? "" : ` (did you mean ${near}?)`}; ${there}.`,
    { exitStatus: 2 },
  );
}

/** Those of a model's values that have derivatives. */
export const floatsOf = (values: Named): Named =>
  table(Object.entries(values).filter(([, { dtype }]) => isFloat(dtype)));

export interface WriteModelOptions {
  readonly opset?: number;
  /** The weights that a caller may give other numbers for; none unless given. The others are constants of the file. */
  readonly overridable?: readonly string[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly producer?: { readonly name: string; readonly version: string };
}

/**
 * The bytes of a model as plain ONNX. Its weights are initializers, so that a session takes the other inputs alone.
 * @throws InnerloopError as `writeOnnx`
 */
export function writeModel(model: Model, { overridable = [], ...options }: WriteModelOptions = {}): Uint8Array {
  const { inputs, outputs, initializers, elements } = model;
  const open = new Set(overridable);
  // Models from elsewhere have channels first, where a convolution is quickest as it is; in float64 nothing runs one.
  const isDouble = [...Object.values(inputs), ...Object.values(outputs)].some(({ dtype }) => dtype === "float64");
  const { opset } = options;
  return writeOnnx(outputs, {
    ...options,
    target: onnxTarget({ ...(opset === undefined ? {} : { opset }), convolution: isDouble ? "columns" : "native" }),
    initializers,
    elements,
    inputs: Object.entries(inputs).flatMap(([name, value]) => (initializers[name] ? [] : [value])),
    fixed: new Set(Object.keys(initializers).filter((name) => !open.has(name))),
  });
}
