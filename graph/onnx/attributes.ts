// The attributes of ONNX operators: of what type each is, what holds where it is left out, how it is read from a node and
// written into one. An operator's entry lists its own with these.
import { type DType, ELEMENT_TYPES, ELEMENTS, InnerloopError, type NumericName, show } from "@innerloop/schemas";
import { onnx } from "@innerloop/schemas/onnx";
import type { Attribute as GraphAttribute, NumberArray } from "../core/value.ts";
import { dtypeOf, elementOf, isDType, numbersOf, type StoredArray, tensorProto } from "./tensors.ts";

export type AttributeProto = onnx.AttributeProto.$Properties;
type NodeProto = onnx.NodeProto.$Properties;

const { AttributeType } = onnx.AttributeProto;
type TypeName = keyof typeof AttributeType;

/** One attribute of an ONNX operator. */
export interface OnnxAttribute<T> {
  readonly type: TypeName;
  /** What holds where a file leaves it out. */
  readonly fallback?: T | undefined;
  /** The value of what a file has, or of what holds where it has nothing. */
  read(attribute: AttributeProto | undefined, name: string): T;
  /** The same for a file, out of a graph's attribute; undefined where that has nothing of this kind. */
  write(value: GraphAttribute): Omit<AttributeProto, "name" | "type"> | undefined;
}

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute<unknown>>>;

/** What an operator's reader is given for its attributes. */
export type ValuesOf<A extends OnnxAttributes> = {
  readonly [K in keyof A]: A[K] extends OnnxAttribute<infer T> ? T : never;
};

/**
 * The attributes of a node by their names in an operator's entry.
 * @throws InnerloopError for an attribute of another type; a file need not say the type
 */
export function valuesOf<A extends OnnxAttributes>(attributes: A, node: NodeProto): ValuesOf<A> {
  const values = Object.entries(attributes).map(([name, { type, read }]) => {
    const found = node.attribute?.find((attribute) => attribute.name === name);
    if (found?.type && found.type !== AttributeType[type])
      throw new InnerloopError("bad-model", `has the attribute ${name} of another type than ${type}.`);
    return [name, read(found, name)];
  });
  return Object.fromEntries(values) as ValuesOf<A>;
}

/** Only what is there: for options that are left out rather than undefined. */
export function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as typeof options;
}

/** A number; without a fallback it may be absent. */
export function float(fallback: number): OnnxAttribute<number>;
export function float(): OnnxAttribute<number | undefined>;
export function float(fallback?: number): OnnxAttribute<number | undefined> {
  return {
    type: "FLOAT",
    fallback,
    read: (found) => (found ? meant(found.f ?? 0) : fallback),
    write: (value) => (typeof value === "number" ? { f: value } : undefined),
  };
}

/**
 * What an author wrote for a number that a file has in float32: 0.00001, 0.1, 1/6. In float32 it is the same, and a network of
 * float64 is that which was exported.
 */
function meant(stored: number): number {
  for (let digits = 1; digits <= 6; digits++) {
    const decimal = Number(stored.toPrecision(digits));
    if (Math.fround(decimal) === stored) return decimal;
  }
  const part = 1 / Math.round(1 / stored);
  return Math.fround(part) === stored ? part : stored;
}

/** A whole number; without a fallback it may be absent. */
export function int(fallback: number): OnnxAttribute<number>;
export function int(): OnnxAttribute<number | undefined>;
export function int(fallback?: number): OnnxAttribute<number | undefined> {
  return { type: "INT", fallback, read: (found) => (found ? Number(found.i ?? 0) : fallback), write: wholeNumber };
}

/** A truth value, which ONNX has as 0 or 1. */
export const flag = (fallback: boolean): OnnxAttribute<boolean> => ({
  type: "INT",
  fallback,
  read: (found) => (found ? Number(found.i ?? 0) !== 0 : fallback),
  write: wholeNumber,
});

function wholeNumber(value: GraphAttribute): AttributeProto | undefined {
  if (typeof value === "boolean") return { i: value ? 1 : 0 };
  return typeof value === "number" ? { i: value } : undefined;
}

/** Whole numbers; absent where a file has none. */
export const ints = (): OnnxAttribute<readonly number[] | undefined> => ({
  type: "INTS",
  read: (found) => found && (found.ints ?? []).map(Number),
  write: (value) => (isNumbers(value) ? { ints: [...value] } : undefined),
});

/** Numbers; absent where a file has none. */
export const floats = (): OnnxAttribute<readonly number[] | undefined> => ({
  type: "FLOATS",
  read: (found) => found && (found.floats ?? []),
  write: (value) => (isNumbers(value) ? { floats: [...value] } : undefined),
});

/** One of a few words, the first unless a file says another. */
export const choice = <const L extends readonly [string, ...string[]]>(...known: L): OnnxAttribute<L[number]> => ({
  type: "STRING",
  fallback: known[0],
  read(found, name) {
    const word = found?.s ? new TextDecoder().decode(found.s) : known[0];
    if (known.includes(word)) return word;
    throw new InnerloopError(
      "unsupported-attribute",
      `has ${name} = ${show(word)}; ${known.join(", ")} are supported.`,
    );
  },
  write: (value) => (typeof value === "string" ? { s: new TextEncoder().encode(value) } : undefined),
});

/** Words; absent where a file has none. */
export const strings = (): OnnxAttribute<readonly string[] | undefined> => ({
  type: "STRINGS",
  read: (found) => found && (found.strings ?? []).map((word) => new TextDecoder().decode(word)),
  write: (value) =>
    Array.isArray(value) ? { strings: value.map((word) => new TextEncoder().encode(String(word))) } : undefined,
});

/** The numbers of a tensor; absent where a file has none. */
export const tensor = (): OnnxAttribute<StoredArray | undefined> => ({
  type: "TENSOR",
  read: (found, name) => (found?.t ? numbersOf(found.t, `the attribute ${name}`) : undefined),
  write: (value) => (isArray(value) ? { t: tensorProto("", value.dtype, value.shape, value.data) } : undefined),
});

/** An element type, as the dtype that holds its numbers. */
export const elementType = (): OnnxAttribute<DType> => ({
  type: "INT",
  read: (found, name) => dtypeOf(Number(found?.i ?? 0), `the attribute ${name}`),
  write: (value) => (isDType(value) ? { i: ELEMENTS[value].onnx } : undefined),
});

/** An element type as files have it, of those whose numbers are read. */
export const anyElementType = (): OnnxAttribute<NumericName> => ({
  type: "INT",
  read: (found, name) => elementOf(Number(found?.i ?? 0), `the attribute ${name}`),
  write: (value) => (isElement(value) ? { i: ELEMENT_TYPES[value].onnx } : undefined),
});

const isElement = (value: GraphAttribute): value is NumericName =>
  typeof value === "string" && Object.hasOwn(ELEMENT_TYPES, value);

/** An element type that a file may leave out. */
export const optionalType = (): OnnxAttribute<DType | undefined> => ({
  ...elementType(),
  read: (found, name) => (found ? dtypeOf(Number(found.i ?? 0), `the attribute ${name}`) : undefined),
});

/** A text. */
export const text = (fallback = ""): OnnxAttribute<string> => ({
  type: "STRING",
  fallback,
  read: (found) => (found?.s ? new TextDecoder().decode(found.s) : fallback),
  write: (value) => (typeof value === "string" ? { s: new TextEncoder().encode(value) } : undefined),
});

const isArray = (value: GraphAttribute): value is NumberArray => typeof value === "object" && "data" in value;

const isNumbers = (value: GraphAttribute): value is readonly number[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === "number");

/**
 * The attribute of a file's node.
 * @throws Error where the graph's attribute is of another kind: an operator's entry says what its nodes do not have
 */
export function written(name: string, attribute: OnnxAttribute<unknown>, value: GraphAttribute): AttributeProto {
  const content = attribute.write(value);
  if (!content) throw new Error(`The attribute ${name} cannot be written as ${attribute.type}: ${show(value)}.`);
  return { name, type: AttributeType[attribute.type], ...content };
}
