// What steps mean, in plain loops of 64-bit numbers: what kernels, passes and words are compared with.
import {
  type Access,
  accessesOf,
  type Chain,
  type FunctionName,
  functions,
  type Move,
  type Norm,
  type Product,
  type Rows,
  type RowWise,
  type Scatter,
  type Step,
  type Store,
} from "@innerloop/native/plan";
import { points } from "./reference-points.ts";
import { windows } from "./reference-windows.ts";

/** The numbers of a store. */
export type Numbers = (store: Store) => Float64Array | Float32Array;

/** Numbers of stores that begin as NaN, so that what was never written shows. */
export function stores(
  begun: ReadonlyMap<Store, ArrayLike<number>> = new Map(),
  Kind: typeof Float64Array | typeof Float32Array = Float64Array,
): Numbers {
  const known = new Map<Store, Float64Array | Float32Array>();
  return (store) => {
    let numbers = known.get(store);
    if (!numbers) {
      const begin = begun.get(store);
      numbers = begin ? Kind.from(begin) : new Kind(store.size).fill(Number.NaN);
      known.set(store, numbers);
    }
    return numbers;
  };
}

/** Takes steps. Gives what a run of kernels gives. */
export function runSteps(steps: readonly Step[], numbers: Numbers): number {
  for (const step of steps) {
    const wrong = runStep(step, numbers);
    if (wrong !== 0) return wrong;
  }
  return 0;
}

function runStep(step: Step, numbers: Numbers): number {
  switch (step.kind) {
    case "product":
      return product(step, numbers);
    case "chain":
      return chain(step, numbers);
    case "norm":
      return norm(step, numbers);
    case "rowwise":
      return rowwise(step, numbers);
    case "rows":
      return rows(step, numbers);
    case "scatter":
      return scatter(step, numbers);
    case "move":
      return move(step, numbers);
    case "windows":
      return windows(step, (access) => checked(access, numbers));
    case "points":
      return points(step, (access) => checked(access, numbers));
    case "turns":
      for (let turn = 0; turn < step.count; turn++) {
        numbers(step.turn)[0] = turn;
        const wrong = runSteps(step.body, numbers);
        if (wrong !== 0) return wrong;
      }
      return 0;
  }
}

/** An array that says where it was read or written beyond its end, as no typed array does. */
function checked({ store }: Access, numbers: Numbers) {
  const array = numbers(store);
  const inside = (i: number): number => {
    if (!(Number.isInteger(i) && i >= 0 && i < array.length)) throw new Error(`the place ${i} of ${array.length}`);
    return i;
  };
  return { get: (i: number) => array[inside(i)]!, set: (i: number, x: number) => (array[inside(i)] = x) };
}

/** All places of a shape, outermost first. */
function* places(shape: readonly number[]): Generator<readonly number[]> {
  if (shape.includes(0)) return;
  const place = shape.map(() => 0);
  for (;;) {
    yield place;
    let axis = shape.length - 1;
    while (axis >= 0 && ++place[axis]! === shape[axis]) place[axis--] = 0;
    if (axis < 0) return;
  }
}

const along = ({ offset, strides }: Access, place: readonly number[]): number =>
  place.reduce((at, i, axis) => at + i * (strides[axis] ?? 0), offset);

function product(step: Product, numbers: Numbers): number {
  const { m, n, k, lookup, alpha, beta, added, relu, batch } = step;
  const [left, right, out] = [step.left, step.right, step.out].map((access) => checked(access, numbers));
  const plus = added && checked(added, numbers);
  const looked = (row: number, place: number, base: number): number => {
    const { table, taps, segment } = lookup!;
    const begin = table[row * taps + Math.floor(place / segment)]!;
    return begin < 0 ? 0 : left!.get(base + begin + (place % segment));
  };
  for (const place of places(batch))
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let term = 0; term < k; term++) {
          const base = along(step.left, place);
          const factor =
            lookup === undefined
              ? left!.get(along(step.left, [...place, i, term]))
              : lookup.by === "rows"
                ? looked(i, term, base)
                : looked(term, i, base);
          sum += factor * right!.get(along(step.right, [...place, term, j]));
        }
        const total = alpha * sum + (plus ? beta * plus.get(along(added!, [...place, i, j])) : 0);
        out!.set(along(step.out, [...place, i, j]), relu ? Math.max(0, total) : total);
      }
  return 0;
}

const roundToEven = (x: number): number => {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
};

/** The error function, by its series or, for large numbers, its continued fraction. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 3) {
    let [term, sum] = [size, size];
    for (let n = 1; n < 200; n++) {
      term *= -(size * size) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
}

const compute: Readonly<Record<FunctionName, (a: number, b: number, c: number) => number>> = {
  copy: (a) => a,
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  // Of two numbers only, since they take all that they are given.
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  equal: (a, b) => Number(a === b),
  less: (a, b) => Number(a < b),
  lessOrEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterOrEqual: (a, b) => Number(a >= b),
  where: (a, b, c) => (a !== 0 ? b : c),
  negative: (a) => -a,
  absolute: Math.abs,
  sqrt: Math.sqrt,
  reciprocal: (a) => 1 / a,
  relu: (a) => Math.max(0, a),
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundToEven,
  truncate: Math.trunc,
  sign: Math.sign,
  not: (a) => 1 - a,
  truth: (a) => Number(a !== 0),
  erf,
  sin: Math.sin,
  cos: Math.cos,
  power: (a, b) => a ** b,
  ifGreater: (a, b, c) => Number(a > b) * c,
  unlessGreater: (a, b, c) => (1 - Number(a > b)) * c,
  sumOfRow: () => Number.NaN,
};

/** What a chain has read and computed at each place of a row, all of which its sums need. */
function registersOf({ reads, code }: Chain, places: readonly (readonly number[])[], numbers: Numbers): number[][] {
  const row = places.map((place) => reads.map((read) => checked(read, numbers).get(along(read, place))));
  for (const { name, operands } of code) {
    const given = row.map((registers) =>
      operands.map((operand) => ("number" in operand ? Math.fround(operand.number) : registers[operand.register]!)),
    );
    if (operands.length !== functions[name]) throw new Error(`${name} of ${operands.length}`);
    const sum = given.reduce((all, [a]) => all + a!, 0);
    row.forEach((registers, i) => {
      const [a = 0, b = 0, c = 0] = given[i]!;
      registers.push(name === "sumOfRow" ? sum : compute[name](a, b, c));
    });
  }
  return row;
}

const begins = { set: 0, sum: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY };

function chain(step: Chain, numbers: Numbers): number {
  const { shape, writes } = step;
  for (const write of writes) {
    if (write.how === "set") continue;
    const kept = shape.map((size, axis) => (write.strides[axis] === 0 ? 1 : size));
    for (const place of places(kept)) checked(write, numbers).set(along(write, place), begins[write.how]);
  }
  const to = writes.map((write) => checked(write, numbers));
  const inRows = step.code.some(({ name }) => name === "sumOfRow");
  const lasts = inRows ? Array.from({ length: shape.at(-1)! }, (_, i) => [i]) : [[]];
  for (const begin of places(inRows ? shape.slice(0, -1) : shape)) {
    const row = lasts.map((last) => [...begin, ...last]);
    const registers = registersOf(step, row, numbers);
    for (const [at, place] of row.entries()) put(place, registers[at]!);
  }
  return 0;

  function put(place: readonly number[], registers: readonly number[]): void {
    writes.forEach((write, i) => {
      const [at, x] = [along(write, place), registers[write.register]!];
      const before = write.how === "set" ? 0 : to[i]!.get(at);
      if (write.how === "set") to[i]!.set(at, x);
      else if (write.how === "sum") to[i]!.set(at, before + x);
      else to[i]!.set(at, write.how === "max" ? Math.max(before, x) : Math.min(before, x));
    });
  }
}

function norm(step: Norm, numbers: Numbers): number {
  const { rows, size, epsilon, from, gain, bias, gainRows, out, mean, inverse } = step;
  const at = (access: Access, row: number, i = 0) => access.offset + row * (access.strides[0] ?? 0) + i;
  const [x, to] = [checked(from, numbers), checked(out, numbers)];
  for (let row = 0; row < rows; row++) {
    const numbersOf = Array.from({ length: size }, (_, i) => x.get(at(from, row, i)));
    const middle = numbersOf.reduce((sum, each) => sum + each, 0) / size;
    const variance = numbersOf.reduce((sum, each) => sum + (each - middle) ** 2, 0) / size;
    const scale = 1 / Math.sqrt(variance + epsilon);
    numbersOf.forEach((each, i) => {
      const [g, b] = [gain, bias].map(
        (access) => access && checked(access, numbers).get(at(access, row % gainRows, i)),
      );
      to.set(at(out, row, i), (each - middle) * scale * (g ?? 1) + (b ?? 0));
    });
    if (mean) checked(mean, numbers).set(at(mean, row), middle);
    if (inverse) checked(inverse, numbers).set(at(inverse, row), scale);
  }
  return 0;
}

function rowwise({ what, rows, size, from, out }: RowWise, numbers: Numbers): number {
  const [x, to] = [checked(from, numbers), checked(out, numbers)];
  for (let row = 0; row < rows; row++) {
    const [start, end] = [from, out].map(({ offset, strides }) => offset + row * (strides[0] ?? 0)) as [number, number];
    const numbersOf = Array.from({ length: size }, (_, i) => x.get(start + i));
    const most = Math.max(...numbersOf);
    if (what === "argmax") to.set(end, numbersOf.indexOf(most));
    else {
      const sum = numbersOf.reduce((total, each) => total + Math.exp(each - most), 0);
      numbersOf.forEach((each, i) => {
        to.set(end + i, what === "softmax" ? Math.exp(each - most) / sum : each - most - Math.log(sum));
      });
    }
  }
  return 0;
}

function scatter(step: Scatter, numbers: Numbers): number {
  const { how, count, inner, limit, base, from, indices, table, out, cleared } = step;
  const [x, to, before] = [checked(from, numbers), checked(out, numbers), base && checked(base, numbers)];
  for (let row = cleared ? limit : 0; row < limit; row++)
    for (let j = 0; j < inner; j++)
      to.set(along(out, [row]) + j, base && before ? before.get(along(base, [row]) + j) : 0);
  for (let i = 0; i < count; i++) {
    const given = indices ? checked(indices, numbers).get(along(indices, [i])) : table![i]!;
    const row = given < 0 ? given + limit : given;
    if (!(row >= 0 && row < limit)) return 1;
    for (let j = 0; j < inner; j++) {
      const [at, next] = [along(out, [row]) + j, x.get(along(from, [i]) + j)];
      const last = to.get(at);
      to.set(at, { set: next, sum: last + next, max: Math.max(last, next), min: Math.min(last, next) }[how]);
    }
  }
  return 0;
}

function rows(step: Rows, numbers: Numbers): number {
  const { outer, count, inner, limit, from, indices, table, out } = step;
  const [x, to] = [checked(from, numbers), checked(out, numbers)];
  for (let i = 0; i < count; i++) {
    const given = indices ? checked(indices, numbers).get(along(indices, [i])) : table![i]!;
    const row = given < 0 ? given + limit : given;
    if (!(row >= 0 && row < limit)) return 1;
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < inner; j++) to.set(along(out, [o, i]) + j, x.get(along(from, [o, row]) + j));
  }
  return 0;
}

function move({ size, from, fromStep, to, toStep, turn }: Move, numbers: Numbers): number {
  const now = turn ? numbers(turn)[0]! : 0;
  const [x, y] = [checked(from, numbers), checked(to, numbers)];
  for (let i = 0; i < size; i++) y.set(to.offset + now * toStep + i, x.get(from.offset + now * fromStep + i));
  return 0;
}

/** Every store of steps, those of turns included. */
export function storesOf(steps: readonly Step[]): Set<Store> {
  const found = new Set<Store>();
  for (const step of steps) {
    if (step.kind === "turns") for (const store of [step.turn, ...storesOf(step.body)]) found.add(store);
    else {
      const { reads, writes } = accessesOf(step);
      for (const { store } of [...reads, ...writes]) found.add(store);
      if (step.kind === "move" && step.turn) found.add(step.turn);
    }
  }
  return found;
}
