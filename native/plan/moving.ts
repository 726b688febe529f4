// Slices of turns that are read and written where they lie: what a turn would move is in another place in each turn instead. Such turns are written out
// one after another as words, which takes no plan of its own for each.
import { withAccesses } from "./accesses.ts";
import { type Access, accessesOf, type Move, type Step, type Store } from "./steps.ts";

/** An access that is elsewhere in each turn. */
export interface Moving extends Access {
  readonly moves: readonly Moves[];
}

interface Moves {
  /** That of the turns which it moves with. */
  readonly turn: Store;
  /** How far, in numbers a turn. */
  readonly by: number;
}

const still: readonly Moves[] = [];

export const movesOf = (access: Access): readonly Moves[] => (access as Partial<Moving>).moves ?? still;

/** Turns that are written out, and the steps that they then have. */
const [mostTurns, mostSteps] = [64, 2 ** 13];

/** Where the numbers of a store lie instead. */
interface Place extends Moves {
  readonly store: Store;
  readonly offset: number;
}

/**
 * Steps without moves of slices that can be read, or written, in their place.
 *
 * @param kept stores that have their numbers before the steps or are read after them
 */
export function moving(steps: readonly Step[], kept: ReadonlySet<Store>): Step[] {
  const places = new Map<Store, Place>();
  const dropped = new Set<Step>();
  const all = usesIn(steps);
  const look = (list: readonly Step[]): void => {
    for (const step of list) {
      if (step.kind !== "turns") continue;
      look(step.body);
      if (step.count > mostTurns || step.count * countOf(step.body) > mostSteps) continue;
      const here = usesIn(step.body);
      const within = (store: Store): boolean =>
        store.depth > 0 && !kept.has(store) && !places.has(store) && here.get(store)!.count === all.get(store)!.count;
      for (const move of step.body) {
        if (move.kind !== "move" || move.turn !== step.turn) continue;
        const place = placeOf(move, here, step.turn);
        if (!place || !within(place.inside) || places.has(place.store)) continue;
        places.set(place.inside, place);
        dropped.add(move);
      }
    }
  };
  look(steps);
  return dropped.size > 0 ? placed(steps, places, dropped) : [...steps];
}

/** How steps use a store. */
interface Uses {
  /** How many steps do. */
  count: number;
  readonly first: Step;
  readonly begins: "read" | "write";
  writes: number;
  /** In the order of the steps. */
  lastWrite: number;
  firstAt: number;
}

/** In the order of steps, those of turns in them too. */
function usesIn(steps: readonly Step[]): Map<Store, Uses> {
  const found = new Map<Store, Uses>();
  let at = 0;
  const visit = (step: Step): void => {
    if (step.kind === "turns") {
      for (const inner of step.body) visit(inner);
      return;
    }
    const { reads, writes } = accessesOf(step);
    const seen = new Set<Store>();
    const meet = (store: Store, begins: Uses["begins"]): Uses => {
      const known = found.get(store) ?? { count: 0, first: step, begins, writes: 0, lastWrite: -1, firstAt: at };
      if (!seen.has(store)) known.count++;
      seen.add(store);
      found.set(store, known);
      return known;
    };
    for (const { store } of reads) meet(store, "read");
    for (const { store } of writes) {
      const uses = meet(store, "write");
      uses.writes++;
      uses.lastWrite = at;
    }
    at++;
  };
  for (const step of steps) visit(step);
  return found;
}

/** The place of a slice that a turn reads, or writes, among those of all turns; nothing where it has to be moved. */
function placeOf(
  move: Move,
  here: ReadonlyMap<Store, Uses>,
  turn: Store,
): (Place & { readonly inside: Store }) | undefined {
  const { size, from, fromStep, to, toStep } = move;
  if ((fromStep === 0) === (toStep === 0)) return undefined;
  const [inside, outside] = toStep === 0 ? [to, from] : [from, to];
  if (inside.offset !== 0 || inside.store.size !== size) return undefined;
  const [uses, others] = [here.get(inside.store)!, here.get(outside.store)!];
  const reads = () => uses.first === move && uses.writes === 1 && others.writes === 0;
  const writes = () => uses.begins === "write" && others.count === 1 && uses.lastWrite < others.firstAt;
  if (!(toStep === 0 ? reads() : writes())) return undefined;
  return { inside: inside.store, store: outside.store, offset: outside.offset, turn, by: fromStep + toStep };
}

function countOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + (step.kind === "turns" ? step.count * countOf(step.body) : 1), 0);
}

/** Steps whose accesses are in their places. */
function placed(steps: readonly Step[], places: ReadonlyMap<Store, Place>, dropped: ReadonlySet<Step>): Step[] {
  const to = <A extends Access>(access: A): A => {
    let [{ store, offset }, moves]: [Access, readonly Moves[]] = [access, movesOf(access)];
    for (let place = places.get(store); place; place = places.get(store)) {
      moves = [...moves, place];
      offset += place.offset;
      store = place.store;
    }
    return store === access.store ? access : { ...access, store, offset, moves };
  };
  return steps.flatMap((step): Step[] => {
    if (step.kind === "turns") return [{ ...step, body: placed(step.body, places, dropped) }];
    return dropped.has(step) ? [] : [withAccesses(step, to)];
  });
}
