// The names in a file: each stands for one thing, and says where in the model it comes from.

/** Gives out names. */
export class UniqueNames {
  readonly #taken = new Set<string>();

  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Takes a name as it is. */
  take(name: string): string {
    this.#taken.add(name);
    return name;
  }

  /** Takes a name, numbered where there is one like it. */
  unique(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}_${n}`;
    return this.take(name);
  }
}
