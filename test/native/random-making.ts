// What models by chance are made with: values that there are, and nodes that make more of them.
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { type AttributeOf, type NodeOf, numbers } from "./models.ts";

export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int64" | "bool";
  /** Its numbers are those of an input, moved about: rounding cannot make them others, so that they may be compared and counted. */
  readonly exact: boolean;
}

export type Choose = (count: number) => number;
type Attributes = Readonly<Record<string, AttributeOf>>;

/** What adds a node or two, or nothing where there is nothing for it. */
export type Growth = (making: Making) => void;

const sizes = [1, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33];
const largeSizes = [1, 2, 3, 8, 16, 31, 64, 100, 129, 256, 300, 513];

export class Making {
  readonly values: Value[] = [];
  readonly nodes: NodeOf[] = [];
  readonly initializers: Record<string, Tensor> = {};
  readonly feeds: Record<string, Tensor> = {};
  readonly choose: Choose;
  readonly steps: (making: Making) => readonly Growth[];
  /** How many times as many numbers as usual arrays may have. */
  readonly scale: number;
  readonly #prefix: string;
  #count = 0;
  /** In a body nothing more is fed. */
  readonly around: Making | undefined;

  constructor(choose: Choose, steps: (making: Making) => readonly Growth[], prefix = "", around?: Making, scale = 1) {
    this.choose = choose;
    this.steps = steps;
    this.#prefix = prefix;
    this.around = around;
    this.scale = scale;
  }

  get depth(): number {
    return this.around ? this.around.depth + 1 : 0;
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.choose(items.length)]!;
  }

  shape(least = 0): number[] {
    const rank = Math.max(least, this.one([0, 1, 1, 2, 2, 2, 3, 3, 4, 5]));
    const shape = Array.from({ length: rank }, () => this.one(this.scale > 1 ? largeSizes : sizes));
    if (rank > 0 && this.choose(12) === 0) shape[this.choose(rank)] = 0;
    while (sizeOf(shape) > 3000 * this.scale) shape[shape.indexOf(Math.max(...shape))] = 2;
    return shape;
  }

  last(count: number): readonly Value[] {
    const floats = this.values.filter(({ dtype }) => dtype !== "bool");
    return floats.slice(-count);
  }

  grow(size: number): void {
    const goal = this.nodes.length + size;
    for (let tries = 0; this.nodes.length < goal && tries < 20 * size; tries++) this.one(this.steps(this))(this);
  }

  name(): string {
    return `${this.#prefix}v${++this.#count}`;
  }

  add(operator: string, inputs: readonly string[], made: Omit<Value, "name">, attributes: Attributes = {}): Value {
    const value = { ...made, name: this.name() };
    this.nodes.push([operator, inputs, [value.name], attributes]);
    this.values.push(value);
    return value;
  }

  fixed(tensor: Tensor): string {
    const name = `${this.name()}c`;
    this.initializers[name] = tensor;
    return name;
  }

  wholes(given: readonly number[]): string {
    return this.fixed({ dtype: "int64", shape: [given.length], data: BigInt64Array.from(given, BigInt) });
  }

  whole(given: number): string {
    return this.fixed({ dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(given)) });
  }

  number(given: number): string {
    return this.fixed({ dtype: "float32", shape: [], data: Float32Array.of(given) });
  }

  /** Numbers of a shape: of the model or fed. */
  floats(shape: readonly number[]): string {
    const tensor = numbers(shape, 1 + this.choose(10 ** 6));
    if (this.around || this.choose(3) > 0) return this.fixed(tensor);
    const name = `${this.name()}f`;
    this.feeds[name] = tensor;
    return name;
  }

  /** Every value there is, those around a body too. */
  get all(): readonly Value[] {
    return [...(this.around?.all ?? []), ...this.values];
  }

  /** A value that a node may read, the later ones rather. */
  any(fits: (value: Value) => boolean = ({ dtype }) => dtype === "float32"): Value | undefined {
    const all = this.all.filter((each) => sizeOf(each.shape) <= 2000 * this.scale && fits(each));
    if (all.length === 0) return undefined;
    return all[Math.max(this.choose(all.length), this.choose(all.length))]!;
  }

  ranked(least: number, most = 9, full = false): Value | undefined {
    return this.any(
      ({ dtype, shape }) =>
        dtype === "float32" && shape.length >= least && shape.length <= most && (!full || !shape.includes(0)),
    );
  }

  /** An axis, counted from either end. */
  axis(rank: number): { readonly axis: number; readonly told: number } {
    const axis = this.choose(rank);
    return { axis, told: this.choose(2) === 0 ? axis : axis - rank };
  }

  /** A shape that goes with one: axes left out in front, or of one place, and perhaps more axes. */
  beside(shape: readonly number[]): number[] {
    const cut = shape.slice(this.choose(shape.length + 1)).map((size) => (this.choose(3) === 0 ? 1 : size));
    if (this.choose(6) > 0 || cut.length < shape.length || shape.length > 3 || sizeOf(shape) > 500 * this.scale)
      return cut;
    return [this.one([1, 2, 3]), ...cut];
  }

  /** Two values that go together. */
  pair(): readonly [Value, Value] | undefined {
    const a = this.any();
    if (!a) return undefined;
    const b = this.any(({ dtype, shape }) => dtype === "float32" && broadcast(a.shape, shape) !== undefined);
    if (b && this.choose(2) === 0 && sizeOf(broadcast(a.shape, b.shape)!) < 5000 * this.scale) return [a, b];
    const shape = this.beside(a.shape);
    return [a, { name: this.floats(shape), shape, dtype: "float32", exact: true }];
  }

  sizesOf(name: string): readonly number[] {
    return (this.initializers[name] ?? this.feeds[name])!.shape;
  }
}

/** The shape of two together; nothing where they do not go together. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [x, y] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}
