// The names in a file: each stands for one thing, and says where in the model it comes from.

/** Gives out names. */
export class UniqueNames {
  readonly #taken = new Set<string>();
  /** The number that was given last for a name. */
  readonly #last = new Map<string, number>();

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
    if (!this.#taken.has(wanted)) return this.take(wanted);
    let n = this.#last.get(wanted) ?? 1;
    do n++;
    while (this.#taken.has(`${wanted}_${n}`));
    this.#last.set(wanted, n);
    return this.take(`${wanted}_${n}`);
  }
}
