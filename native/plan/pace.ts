// How many threads the runs of a program have: as many as they may, or one where that is quicker, as where another program has the other core, or what cores say to each
// other goes a long way. Both are tried from time to time, since that changes while a process runs.

/** Runs of one number of threads before the other is tried: the first ones, and those after it was not quicker, twice as many each time. */
const [fewest, most] = [8, 128];
/** Runs of a trial: the first one finds what it reads in the caches of another core. */
const trial = 2;
/** The other number is taken if it takes so much of the time; a run that takes so much longer than usual says that something has changed. */
const [quicker, slower] = [0.9, 1.25];
/** After so many such runs it is tried at once. */
const enough = 3;
/** Milliseconds of a run that is too short to be shared, or so long that to try costs more than it may save. */
const [shortest, longest] = [0.1, 100];

export class Pace {
  /** Whether runs have one thread. */
  #alone = false;
  /** Milliseconds that one takes. */
  #usual: number | undefined;
  #runs = 0;
  #slow = 0;
  #patience = fewest;
  /** Runs that are left of a trial. */
  #trying = 0;
  #settled = false;

  /** Whether it asks no more how long runs take. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Of the next run. @param most how many it may have */
  threads(most: number): number {
    const tries = this.#trying > 0;
    return this.#alone === tries ? most : 1;
  }

  /** @param milliseconds of the run that was asked for last */
  took(milliseconds: number): void {
    this.#runs++;
    if (this.#trying > 0) this.#tried(milliseconds);
    else if (this.#usual === undefined) {
      // The first run of all reads everything for the first time.
      if (this.#runs > 1) this.#usual = milliseconds;
    } else this.#went(milliseconds, this.#usual);
  }

  #tried(milliseconds: number): void {
    if (--this.#trying > 0) return;
    const pays = milliseconds < quicker * this.#usual!;
    if (pays) {
      this.#alone = !this.#alone;
      this.#usual = milliseconds;
    }
    this.#patience = pays ? fewest : Math.min(2 * this.#patience, most);
    this.#runs = 0;
  }

  #went(milliseconds: number, usual: number): void {
    this.#slow = milliseconds > slower * usual ? this.#slow + 1 : 0;
    const changed = this.#slow >= enough;
    this.#usual = changed ? milliseconds : usual + (Math.min(milliseconds, slower * usual) - usual) / 4;
    if (!changed && this.#runs < this.#patience) return;
    this.#slow = 0;
    this.#settled = this.#usual < shortest || this.#usual > longest;
    this.#trying = this.#settled ? 0 : trial;
  }
}
