// What passes are, and how they go through the tree of steps.
import type { Step, Store, Turns } from "../steps.ts";
import type { NumberOf } from "./code.ts";
import { Level } from "./level.ts";

export interface Pass {
  readonly name: string;
  /** What it is good for. */
  readonly why: string;
  /** It is taken once, after all others. */
  readonly last?: true;
  /** Changes the steps of one place. */
  readonly apply: (level: Level, numberOf: NumberOf) => void;
}

/** What a pass went by: the steps, and which of what they write is used around them. */
interface State {
  readonly version: number;
  readonly kept: readonly Store[];
}

/** Steps that passes are taken over, those of turns before those around them. */
export class Passing {
  readonly #root: Level;
  /** Of the bodies of turns, by where the number of the turn is. */
  readonly #levels = new Map<Store, Level>();
  readonly #outputs: ReadonlySet<Store>;
  readonly #numberOf: NumberOf;
  /** In which state of its steps a pass last left a level as it was. */
  readonly #settled = new Map<Level, Map<Pass, State>>();

  constructor(steps: readonly Step[], outputs: ReadonlySet<Store>, numberOf: NumberOf) {
    this.#root = new Level(steps);
    this.#outputs = outputs;
    this.#numberOf = numberOf;
  }

  get steps(): readonly Step[] {
    return this.#root.steps;
  }

  /** Takes passes one after another. Gives whether they have changed anything. */
  take(passes: readonly Pass[]): boolean {
    const before = this.#root.version;
    this.#through(this.#root, passes, (store) => this.#outputs.has(store));
    return this.#root.version !== before;
  }

  /** @param kept whether what is around the steps uses a store */
  #through(level: Level, passes: readonly Pass[], kept: (store: Store) => boolean): void {
    for (let at = 0; at < level.length; at++) {
      const step = level.at(at);
      if (step?.kind !== "turns") continue;
      const body = this.#levelOf(step);
      this.#through(body, passes, (store) => kept(store) || level.usedBeside(store, at));
      if (body.steps !== step.body) level.put(at, { ...step, body: body.steps });
    }
    const settled = this.#settled.get(level) ?? new Map<Pass, State>();
    this.#settled.set(level, settled);
    // What is around stays as it is meanwhile, and passes write what is used there.
    const around = level.written.filter(kept);
    level.keep(new Set(around));
    for (const pass of passes) {
      const before = settled.get(pass);
      const start = level.version;
      if (before?.version === start && alike(before.kept, around)) continue;
      pass.apply(level, this.#numberOf);
      if (level.version === start) settled.set(pass, { version: start, kept: around });
    }
  }

  #levelOf({ turn, body }: Turns): Level {
    const known = this.#levels.get(turn);
    if (known?.steps === body) return known;
    const made = new Level(body);
    this.#levels.set(turn, made);
    return made;
  }
}

function alike(a: readonly Store[], b: readonly Store[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
