// Several operators that compute number by number as one walk over their operands: a function of WebAssembly that is written for
// the chain and its sizes, in which what lies between two operators stays in a register.
import {
  advance,
  both,
  type Code,
  compiled,
  divided,
  get,
  larger,
  load,
  loadSplat,
  type Memory,
  minus,
  plus,
  type Routine,
  repeated,
  set,
  smaller,
  splat,
  store,
  storeFirst,
  times,
  vectorOperator,
  word,
  zeros,
} from "@innerloop/runtime/wasm";

/** What a step of a chain computes. */
export type Operation = keyof typeof operations;

/** What a step reads: the result of an earlier step, an operand, or a number. */
export type Read =
  | { readonly kind: "step" | "operand"; readonly index: number }
  | { readonly kind: "number"; readonly value: number };

export interface Chain {
  /** The sizes of the axes that it walks over. */
  readonly sizes: readonly number[];
  /** For each operand and axis whether it has numbers of its own along it, or the same ones. */
  readonly operands: readonly (readonly boolean[])[];
  /** The last one is the result. */
  readonly steps: readonly { readonly operation: Operation; readonly reads: readonly Read[] }[];
}

const one = splat(1);

const operations = {
  same: (a: Code) => a,
  add: plus,
  subtract: minus,
  multiply: times,
  divide: divided,
  smaller,
  larger,
  negative: vectorOperator(0xe1),
  absolute: vectorOperator(0xe0),
  root: vectorOperator(0xe3),
  reciprocal: (a: Code) => divided(one, a),
  relu: (a: Code) => larger(a, zeros),
  positive: (a: Code) => both(vectorOperator(0x44)(a, zeros), one),
} satisfies Readonly<Record<string, (...operands: Code[]) => Code>>;

/** Numbers of a vector. */
const lanes = 4;

/** How far a pointer moves for a step along each axis, in bytes. */
function stepsOf(sizes: readonly number[], moves: readonly boolean[]): number[] {
  const apart = (axis: number) =>
    sizes.slice(axis + 1).reduce((size, n, i) => (moves[axis + 1 + i] ? size * n : size), 4);
  return sizes.map((_, axis) => (moves[axis] ? apart(axis) : 0));
}

/** The function of a chain: it takes the places of the operands and of the result. */
function routineOf({ sizes, operands, steps }: Chain): Routine {
  const takes = [...operands.map((_, i) => `operand${i}`), "result"];
  const words = sizes.map((_, axis) => `left${axis}`);
  const vector = (i: number) => takes.length + words.length + i;
  const held = (operand: number) => vector(operand);
  const made = (step: number) => vector(operands.length + step);
  const result = operands.length;
  const pointers = [...operands, sizes.map(() => true)].map((moves, local) => ({
    local,
    steps: stepsOf(sizes, moves),
  }));
  const inner = sizes.length - 1;
  const [alongInner, stays] = [true, false].map((wanted) =>
    operands.flatMap((moves, i) => (moves[inner] === wanted ? [i] : [])),
  ) as [number[], number[]];

  const read = (from: Read): Code =>
    from.kind === "number" ? splat(from.value) : get(from.kind === "step" ? made(from.index) : held(from.index));
  const computed = steps.flatMap(({ operation, reads }, i) => {
    const compute: (...operands: Code[]) => Code = operations[operation];
    return [...compute(...reads.map(read)), ...set(made(i))];
  });
  const value = get(made(steps.length - 1));
  const numbers = (count: number): Code => [
    ...alongInner.flatMap((i) => [...(count === 1 ? loadSplat : load)(get(i)), ...set(held(i))]),
    ...computed,
    ...(count === 1 ? storeFirst : store)(get(result), value),
    ...[...alongInner, result].flatMap((local) => advance(local, word(4 * count))),
  ];
  const along = (axis: number): Code => {
    const left = takes.length + axis;
    const size = sizes[axis] ?? 1;
    if (axis === inner)
      return [
        ...stays.flatMap((i) => [...loadSplat(get(i)), ...set(held(i))]),
        ...[...word(size), ...set(left)],
        ...(size >= lanes ? repeated(left, lanes, numbers(lanes)) : []),
        ...(size % lanes > 0 ? repeated(left, 1, numbers(1)) : []),
      ];
    const turned = pointers.flatMap(({ local, steps }) => {
      const moved = (steps[axis + 1] ?? 0) * (sizes[axis + 1] ?? 1);
      const more = (steps[axis] ?? 0) - moved;
      return more === 0 ? [] : advance(local, word(more));
    });
    return [...word(size), ...set(left), ...repeated(left, 1, [...along(axis + 1), ...turned])];
  };
  return { locals: { takes, words, vectors: operands.length + steps.length }, code: along(0) };
}

/** The function of a chain: it takes the places of the operands, and of the result. */
export type Walk = (...places: readonly number[]) => void;

/** JSON without its gaps: what chains differ by, numbers among them that JSON does not have. */
const keyOf = (chain: Chain): string =>
  JSON.stringify(chain, (_, value: unknown) =>
    typeof value === "number" && (Object.is(value, -0) || !Number.isFinite(value))
      ? `${Object.is(value, -0) ? "-0" : value}`
      : value,
  );

/** Makes functions of chains over a memory, for equal chains one. */
export function chainsIn(memory: Pick<Memory, "buffer">): (chain: Chain) => Walk {
  const byKey = new Map<string, Walk>();
  const byChain = new WeakMap<Chain, Walk>();
  return (chain) => {
    const known = byChain.get(chain);
    if (known) return known;
    const key = keyOf(chain);
    const walk = byKey.get(key) ?? compiled({ run: routineOf(chain) }, memory).run;
    byKey.set(key, walk);
    byChain.set(chain, walk);
    return walk;
  };
}
