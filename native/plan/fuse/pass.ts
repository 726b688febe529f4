// What passes are, and how they go through the tree of steps.
import type { Step, Store, Turns } from "../steps.ts";
import type { NumberOf } from "./code.ts";
import { Level } from "./level.ts";

export interface Pass {
  readonly name: string;
  /** What it is good for. */
  readonly why: string;
  /** Changes the steps of one place. */
  readonly apply: (level: Level, numberOf: NumberOf) => void;
}

/** What a pass went by: the steps, those around them, and which of what they write is used there. */
interface State {
  readonly version: number;
  readonly around: number;
  readonly kept: string;
}

const keptOf = ({ written }: Level, kept: (store: Store) => boolean): string =>
  written.map((store) => Number(kept(store))).join("");

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

  /** Takes a pass. Gives whether it has changed anything. */
  take(pass: Pass): boolean {
    const before = this.#root.version;
    this.#through(this.#root, pass);
    return this.#root.version !== before;
  }

  #through(level: Level, pass: Pass): void {
    for (let at = 0; at < level.length; at++) {
      const step = level.at(at);
      if (step?.kind !== "turns") continue;
      const body = this.#levelOf(step);
      this.#through(body, pass);
      if (body.steps !== step.body) level.put(at, { ...step, body: body.steps });
    }
    const [all, here] = [this.#root.uses, level.uses];
    const kept = (store: Store) => this.#outputs.has(store) || (all.get(store) ?? 0) > (here.get(store) ?? 0);
    const settled = this.#settled.get(level) ?? new Map<Pass, State>();
    this.#settled.set(level, settled);
    const before = settled.get(pass);
    const { version } = level;
    const around = this.#root.version;
    if (before?.version === version && (before.around === around || before.kept === keptOf(level, kept))) return;
    level.keep(kept);
    pass.apply(level, this.#numberOf);
    if (level.version === version) settled.set(pass, { version, around, kept: keptOf(level, kept) });
  }

  #levelOf({ turn, body }: Turns): Level {
    const known = this.#levels.get(turn);
    if (known?.steps === body) return known;
    const made = new Level(body);
    this.#levels.set(turn, made);
    return made;
  }
}
