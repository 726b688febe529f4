// What lies between chains and points as chains have it: examples outermost. Where points have them inside, a chain goes by distances that no processor foresees, and
// points are as fast either way.
import { usedBy } from "./fuse/level.ts";
import { enter } from "./lists.ts";
import { type Access, type Chain, type Points, type Step, type Store, sameAccess } from "./steps.ts";

/** Numbers of a store of [positions, examples, channels], which are to be [examples, positions, channels]. */
interface Cube {
  readonly positions: number;
  readonly examples: number;
  readonly channels: number;
}

/** Steps that give the same. @param kept stores that have their numbers before the steps or are read after them */
export function laid(steps: readonly Step[], kept: ReadonlySet<Store>): Step[] {
  const users = new Map<Store, number[]>();
  for (const [at, step] of steps.entries()) for (const store of usedBy(step)) enter(users, store, at);
  const list: (Step | undefined)[] = [...steps];
  for (const [store, places] of users) {
    const own = places.flatMap((at) => list[at] ?? []);
    const cube = kept.has(store) || own.length < places.length ? undefined : cubeOf(store, own);
    const made = cube && own.map((step) => turned(step, store, cube));
    if (!made?.every((step) => step !== undefined)) continue;
    for (const [i, at] of places.entries()) list[at] = made[i];
    const [points, copy] = made;
    const to = made.length === 2 && points!.kind === "points" && copy!.kind === "chain" && copied(copy, store);
    if (!to || users.get(to)![0] !== places[1]) continue;
    list[places[0]!] = { ...points, field: { ...points.field, store: to } };
    list[places[1]!] = undefined;
  }
  return list.filter((step) => step !== undefined);
}

/** What some points and chains have between them; nothing, unless each of the chains has another array whose examples are outermost. */
function cubeOf(store: Store, users: readonly Step[]): Cube | undefined {
  const chains = users.filter((step) => step.kind === "chain");
  const points = users.filter((step) => step.kind === "points");
  if (chains.length === 0 || points.length === 0 || chains.length + points.length < users.length) return undefined;
  const cubes = chains.map((chain) => cubeIn(chain, store));
  const [cube] = cubes;
  const isOne = cubes.every((each) => each?.examples === cube?.examples && each?.channels === cube?.channels);
  return isOne ? cube : undefined;
}

function cubeIn(chain: Chain, store: Store): Cube | undefined {
  if (chain.shape.length !== 3) return undefined;
  const accesses: readonly Access[] = [...chain.reads, ...chain.writes];
  const [own, ...others] = accesses.filter((access) => access.store === store);
  const outer = own!.strides[0]! > own!.strides[1]! ? 0 : 1;
  const [positions, examples, channels] = [chain.shape[outer]!, chain.shape[1 - outer]!, chain.shape[2]!];
  const lies = ({ strides }: Access, ofPosition: number, ofExample: number): boolean =>
    strides[2] === 1 && strides[outer] === ofPosition && strides[1 - outer] === ofExample;
  const isWhole = positions * examples * channels === store.size && positions > 1 && examples > 1;
  if (!isWhole || !lies(own!, examples * channels, channels) || others.some((other) => !sameAccess(other, own!)))
    return undefined;
  return accesses.some((access) => lies(access, channels, positions * channels))
    ? { positions, examples, channels }
    : undefined;
}

/** A step with the examples of a store outermost. */
function turned(step: Step, store: Store, cube: Cube): Step | undefined {
  if (step.kind === "points") return turnedPoints(step, store, cube);
  return step.kind === "chain" ? turnedChain(step, store, cube) : undefined;
}

function turnedChain(chain: Chain, store: Store, { positions, channels }: Cube): Chain {
  const own = [...chain.reads, ...chain.writes].find((access) => access.store === store)!;
  const outer = own.strides[0]! > own.strides[1]! ? 0 : 1;
  const order = [1 - outer, outer, 2];
  const to = <A extends Access>(access: A): A => {
    const strides =
      access.store === store ? [positions * channels, channels, 1] : order.map((axis) => access.strides[axis]!);
    return { ...access, strides };
  };
  return {
    ...chain,
    shape: order.map((axis) => chain.shape[axis]!),
    reads: chain.reads.map(to),
    writes: chain.writes.map(to),
  };
}

/** Points of all examples at once as those of each: channels are examples' channels, or those of some positions beside each other, which are rows then. */
function turnedPoints(step: Points, store: Store, { positions, examples, channels }: Cube): Points | undefined {
  const { field, values, rows, columns, tile, steps, size, odd } = step;
  const wide = examples * channels;
  const beside = step.channels / wide;
  const isPlain = field.store === store && values.store !== store && field.offset === 0 && !odd && step.examples === 1;
  const isRow = tile[0] === 1 && step.points[0] === 1 && step.first[0] === 0;
  if (!isPlain || columns !== 1 || !Number.isInteger(beside) || (beside > 1 && (!isRow || rows > 1))) return undefined;
  const [, row = 0, column = 0] = field.strides.map((stride) => stride / wide);
  if (!Number.isInteger(row) || !Number.isInteger(column)) return undefined;
  const strides = [positions * channels, (beside > 1 ? 1 : row) * channels, column * channels, 1];
  const [ofPoint = 0, , ofRow = 0, ofColumn = 0] = values.strides;
  return {
    ...{ ...step, examples, channels, field: { ...field, strides } },
    ...(beside > 1 && { rows: beside, steps: [1, steps[1]], size: [beside, size[1]] }),
    values: { ...values, strides: [ofPoint, channels, beside > 1 ? wide : ofRow, ofColumn] },
  };
}

/** Where a chain copies a store to as it lies. */
function copied({ reads, code, writes }: Chain, store: Store): Store | undefined {
  const [read, write] = [reads[0], writes[0]];
  const isCopy = code.length === 0 && reads.length === 1 && writes.length === 1 && write!.how === "set";
  const isSame = isCopy && write!.store.size === store.size && write!.offset === 0;
  return isSame && sameAccess({ ...read!, store: write!.store }, write!) ? write!.store : undefined;
}
