// What is made once for what is alike.

/** What an owner has by names, each made when it is first asked for, and gone with its owner. */
export class Once<Owner extends object, Made> {
  readonly #all = new WeakMap<Owner, Map<string, Made>>();

  of(owner: Owner, name: string, make: () => Made): Made {
    const own = this.#all.get(owner) ?? new Map<string, Made>();
    this.#all.set(owner, own);
    if (!own.has(name)) own.set(name, make());
    return own.get(name) as Made;
  }
}
