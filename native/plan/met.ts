// What steps that go together read and write, for whoever takes others out from between them.
import { storesOf } from "./fuse/level.ts";
import type { Step, Store } from "./steps.ts";

export class Met {
  readonly #reads = new Set<Store>();
  readonly #writes = new Set<Store>();

  meet(step: Step): void {
    const { reads, writes } = storesOf(step);
    for (let i = 0; i < reads.length; i++) this.#reads.add(reads[i]!);
    for (let i = 0; i < writes.length; i++) this.#writes.add(writes[i]!);
  }

  writes(store: Store): boolean {
    return this.#writes.has(store);
  }

  /** Whether a step has to stay after them. */
  keeps(step: Step): boolean {
    const { reads, writes } = storesOf(step);
    return (
      reads.some((store) => this.#writes.has(store)) ||
      writes.some((store) => this.#writes.has(store) || this.#reads.has(store))
    );
  }
}
