// Eight callers use the same learners at once, as a server's do: they adapt, teach, take back, predict, save and restore, stop
// calls at any time and dispose of learners under each other. What each was told is then asked again, one call after the
// other, of a learner that nobody else uses: every answer has to be the same, to the bit. And nothing may be left: memory, file
// handles and threads of the process are as they were.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { buildBundle } from "@innerloop/export";
import type { Learner as LearnerGraph } from "@innerloop/graph";
import { InnerloopError, Learner, type Personal } from "@innerloop/runtime";
import { sizeOf } from "@innerloop/schemas";
import { anil, maml, mlp, prototypeLearner, random } from "@innerloop/train";

export interface SoakOptions {
  readonly minutes: number;
  readonly callers?: number;
  readonly seed?: number;
  readonly say?: (line: string) => void;
}

/** What the process held after a round, when everything was disposed of. */
export interface Held {
  readonly heap: number;
  readonly outside: number;
  readonly resident: number;
  readonly handles: number;
  readonly threads: number;
}

export interface SoakReport {
  readonly rounds: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly aborted: number;
  readonly disposedUnder: number;
  /** Answers that were compared. */
  readonly compared: number;
  /** What was not as it should be, in words. */
  readonly wrong: readonly string[];
  readonly held: readonly Held[];
}

interface Example {
  readonly id: string;
  readonly label: string;
  readonly data: Float32Array;
}

/** An answer, and all that it depends on. */
interface Told {
  readonly kind: string;
  /** Where the answer comes from: "adapt", "save", … */
  readonly act: string;
  readonly examples: readonly Example[];
  readonly query: Float32Array;
  readonly logits: readonly number[];
}

const WIDTH = 6;
const LABELS = ["wave", "tap", "circle", "knock"];
const kinds: Readonly<Record<string, () => LearnerGraph>> = {
  maml: () => maml(mlp([WIDTH], 5, { hidden: [16] }), { innerRate: 0.05, steps: 3 }),
  anil: () => anil(mlp([WIDTH], 5, { hidden: [16] }), { innerRate: 0.1, steps: 4, head: "zero" }),
  prototypes: () => prototypeLearner(mlp([WIDTH], 5, { hidden: [16] })),
};

/** Numbers of one caller, the same for the same seed. */
type Chance = ReturnType<typeof random>;
const below = (chance: Chance, n: number): number => Math.floor(chance.uniform() * n);

export async function soak({ minutes, callers = 8, seed = 1, say = () => {} }: SoakOptions): Promise<SoakReport> {
  const place = mkdtempSync(join(tmpdir(), "innerloop-soak-"));
  const until = performance.now() + minutes * 60_000;
  const calls: Record<string, number> = {};
  const wrong: string[] = [];
  const held: Held[] = [];
  let [rounds, aborted, disposedUnder, compared] = [0, 0, 0, 0];
  try {
    const folders = Object.fromEntries(Object.entries(kinds).map(([kind, make]) => [kind, write(place, kind, make())]));
    do {
      const shared = new Map<string, Promise<Learner>>();
      const told: Told[] = [];
      const each = Array.from({ length: callers }, (_, caller) =>
        new Caller({ chance: random(seed, rounds, caller), folders, place, caller, shared, told, calls, wrong }).live(),
      );
      for (const done of await Promise.all(each)) {
        aborted += done.aborted;
        disposedUnder += done.disposedUnder;
      }
      await Promise.all([...shared.values()].map(async (learner) => (await learner).dispose()));
      compared += told.length;
      await askAgain(folders, told, wrong);
      rounds++;
      held.push(await whatIsHeld());
      const { heap, outside, resident, handles, threads } = held.at(-1)!;
      const mega = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
      say(
        `round ${rounds}: ${compared} answers, ${wrong.length} wrong, ${aborted} aborted, ${disposedUnder} calls on disposed learners; ` +
          `heap ${mega(heap)} MB, arrays ${mega(outside)} MB, resident ${mega(resident)} MB, ${handles} handles, ${threads} threads`,
      );
    } while (performance.now() < until);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  return { rounds, calls, aborted, disposedUnder, compared, wrong, held };
}

/**
 * What grew from the first third of the rounds to the last, in words. The first rounds are left out: code is compiled and
 * allocators take what they keep.
 */
export function growth(held: readonly Held[]): string[] {
  const later = held.slice(Math.ceil(held.length / 5));
  const third = Math.max(1, Math.floor(later.length / 3));
  const middle = (rounds: readonly Held[], what: keyof Held) => {
    const sorted = rounds.map((round) => round[what]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };
  const most: Readonly<Record<keyof Held, number>> = {
    heap: 3 * 2 ** 20,
    outside: 2 ** 20,
    resident: 32 * 2 ** 20,
    handles: 0,
    threads: 0,
  };
  return (Object.keys(most) as (keyof Held)[]).flatMap((what) => {
    const [before, after] = [middle(later.slice(0, third), what), middle(later.slice(-third), what)];
    return after - before > most[what] ? [`${what} grew from ${before} to ${after}`] : [];
  });
}

interface Shared {
  readonly chance: Chance;
  readonly folders: Readonly<Record<string, string>>;
  readonly place: string;
  readonly caller: number;
  /** The learners of a round, for all callers, until one disposes of them. */
  readonly shared: Map<string, Promise<Learner>>;
  readonly told: Told[];
  readonly calls: Record<string, number>;
  readonly wrong: string[];
}

/** One caller's round: a user's life, beside what it has to be. */
class Caller {
  readonly #it: Shared;
  readonly #kind: string;
  aborted = 0;
  disposedUnder = 0;
  #mine: Personal | undefined;
  #examples: readonly Example[] = [];
  #past: (readonly Example[])[] = [];
  #kept: Uint8Array | undefined;

  constructor(it: Shared) {
    this.#it = it;
    this.#kind = Object.keys(kinds)[below(it.chance, 3)]!;
  }

  async live(): Promise<this> {
    const acts = ["add", "add", "add", "remove", "relabel", "undo", "predict", "predict", "batch", "save", "seal"];
    const rare = ["adapt", "evaluate", "load", "dispose"];
    for (let i = 0; i < 40; i++) {
      const from = this.#it.chance.uniform() < 0.8 ? acts : rare;
      const act = from[below(this.#it.chance, from.length)]!;
      this.#it.calls[act] = (this.#it.calls[act] ?? 0) + 1;
      try {
        await this.#act(act);
      } catch (error) {
        const code = error instanceof InnerloopError ? error.code : "";
        if (code === "disposed") {
          this.disposedUnder++;
          this.#mine = undefined;
        } else if (code === "aborted") this.aborted++;
        else this.#wrong(`${act}: ${(error as Error).stack}`);
      }
      await this.#compareExamples(act);
    }
    return this;
  }

  #wrong(what: string): void {
    this.#it.wrong.push(`caller ${this.#it.caller} (${this.#kind}): ${what}`);
  }

  /** The learner that all share; one that was disposed of is loaded anew by whoever comes first. */
  #learner(): Promise<Learner> {
    const { shared, folders } = this.#it;
    const learner = shared.get(this.#kind) ?? Learner.load(folders[this.#kind]!, { provider: "cpu", threads: 1 });
    shared.set(this.#kind, learner);
    return learner;
  }

  /** Its own model, taken up again from what it kept last, and taught what came since. */
  async #model(): Promise<Personal> {
    if (this.#mine !== undefined) return this.#mine;
    const learner = await this.#learner();
    const mine = this.#kept === undefined ? learner.start() : await learner.restore(this.#kept);
    this.#past = [];
    const known = new Set(mine.examples.map(({ id }) => id));
    if (mine.examples.length !== this.#examples.length || !this.#examples.every(({ id }) => known.has(id))) {
      const anew = learner.start();
      const ids = await anew.add(this.#examples.map(({ label, data }) => ({ label, data })) as never).catch((error) => {
        if (this.#examples.length === 0) return [];
        throw error;
      });
      if (ids.length > 0) this.#past = [[]];
      // Its ids were given to other examples.
      this.#kept = undefined;
      this.#examples = this.#examples.map((example, i) => ({ ...example, id: ids[i]! }));
      this.#mine = anew;
    } else {
      this.#examples = mine.examples.map(({ id, label }) => {
        const { data } = this.#examples.find((example) => example.id === id)!;
        return { id, label, data };
      });
      this.#mine = mine;
    }
    return this.#mine;
  }

  /** A signal that comes now, soon or never. */
  #signal(): { signal?: AbortSignal } {
    const chance = this.#it.chance.uniform();
    if (chance < 0.5) return {};
    const stop = new AbortController();
    if (chance < 0.55) stop.abort();
    else if (chance < 0.85) setTimeout(() => stop.abort(), 4 * this.#it.chance.uniform());
    return { signal: stop.signal };
  }

  #example(): Float32Array {
    return Float32Array.from({ length: WIDTH }, () => this.#it.chance.normal());
  }

  #changed(examples: readonly Example[]): void {
    this.#past = [...this.#past, this.#examples].slice(-16);
    this.#examples = examples;
  }

  async #act(act: string): Promise<void> {
    const { chance, place, caller } = this.#it;
    const label = LABELS[below(chance, LABELS.length)]!;
    if (act === "load") {
      const learner = await Learner.load(this.#it.folders[this.#kind]!, { provider: "cpu", ...this.#signal() });
      return learner.dispose();
    }
    if (act === "dispose") {
      // Its own calls are over; those of the others are not.
      const learner = await this.#learner();
      if (this.#it.shared.get(this.#kind) === undefined) return;
      this.#it.shared.delete(this.#kind);
      await learner.dispose();
      return;
    }
    if (act === "adapt") {
      const [a, b] = [this.#example(), this.#example()];
      const given = [...this.#examples, { id: "", label: "one", data: a }, { id: "", label: "two", data: b }];
      const few = given.slice(-5);
      const other = await (await this.#learner()).adapt(few, { ...this.#signal(), onProgress: () => undefined });
      return this.#predict(act, other, few);
    }
    const mine = await this.#model();
    const one = this.#examples[below(chance, Math.max(1, this.#examples.length))];
    if (act === "add") {
      const data = Array.from({ length: 1 + below(chance, 3) }, () => this.#example());
      const ids = await mine.add(label, data, this.#signal());
      return this.#changed([...this.#examples, ...ids.map((id, i) => ({ id, label, data: data[i]! }))]);
    }
    if (act === "undo") {
      const before = this.#past.at(-1);
      if ((await mine.undo()) !== (before !== undefined)) this.#wrong("undo says otherwise");
      if (before !== undefined) [this.#examples, this.#past] = [before, this.#past.slice(0, -1)];
      return;
    }
    if (act === "save" || act === "seal") {
      const key = act === "seal" ? { key: createHash("sha256").update(String(caller)).digest() } : {};
      const file = join(place, `${caller}.safetensors`);
      await mine.save(file, key);
      this.#kept = await mine.toBytes();
      const again = await (await this.#learner()).restore(file, { ...key, ...this.#signal() });
      if (mine.ready) await this.#predict(act, again, this.#examples);
      return;
    }
    if (one === undefined) return;
    if (act === "remove" && chance.uniform() < 0.7) {
      await mine.remove(one.id, this.#signal());
      return this.#changed(this.#examples.filter((example) => example !== one));
    }
    if (act === "remove") {
      await mine.remove(one.label, this.#signal());
      return this.#changed(this.#examples.filter((example) => example.label !== one.label));
    }
    if (act === "relabel") {
      await mine.relabel(one.id, label, this.#signal());
      return this.#changed(this.#examples.map((example) => (example === one ? { ...one, label } : example)));
    }
    if (!mine.ready) return;
    if (act === "evaluate") {
      const { examples } = await mine.evaluate(this.#examples.map(({ label, data }) => ({ label, data })));
      if (examples !== this.#examples.length) this.#wrong(`evaluate saw ${examples} examples`);
      return;
    }
    // Several at once, while a change that is stopped goes on beside them.
    const stop = new AbortController();
    const change = act === "batch" ? mine.add("wave", this.#example(), { signal: stop.signal }).catch(codeOf) : "";
    stop.abort();
    const answers = Array.from({ length: act === "batch" ? 4 : 1 }, () => this.#predict(act, mine, this.#examples));
    const code = await change;
    await Promise.all(answers);
    if (act === "batch" && code !== "aborted" && code !== "disposed") this.#wrong(`a stopped change gave ${code}`);
  }

  async #predict(act: string, mine: Personal, examples: readonly Example[]): Promise<void> {
    const query = this.#example();
    const { logits } = await mine.predict(query);
    this.#it.told.push({ kind: this.#kind, act, examples, query, logits });
  }

  async #compareExamples(act: string): Promise<void> {
    if (this.#mine === undefined) return;
    const shown = (examples: readonly { id: string; label: string }[]) =>
      examples.map(({ id, label }) => `${id} ${label}`).join(", ");
    const [is, should] = [shown(this.#mine.examples), shown(this.#examples)];
    if (is !== should) this.#wrong(`after ${act} it has ${is} and should have ${should}`);
  }
}

/** Asks everything again, one call after the other, and compares. */
async function askAgain(folders: Shared["folders"], told: readonly Told[], wrong: string[]): Promise<void> {
  for (const kind of Object.keys(kinds)) {
    const learner: Learner = await Learner.load(folders[kind]!, { provider: "cpu", threads: 1 });
    for (const { act, examples, query, logits } of told.filter((it) => it.kind === kind)) {
      const mine = await learner.adapt(examples);
      const answer = (await mine.predict(query)).logits;
      if (answer.length === logits.length && answer.every((logit, i) => logit === logits[i])) continue;
      wrong.push(
        `${kind}, ${act} with ${examples.map(({ id, label }) => id + label).join(" ")}: ${logits.join(", ")} was told and ${answer.join(", ")} is right`,
      );
    }
    await learner.dispose();
  }
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function whatIsHeld(): Promise<Held> {
  // Finalizers of native memory run between turns.
  for (let i = 0; i < 3; i++) {
    collect();
    await sleep(20);
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const linux = process.platform === "linux";
  return {
    heap: heapUsed,
    outside: arrayBuffers,
    resident: rss,
    handles: linux ? readdirSync("/proc/self/fd").length : process.getActiveResourcesInfo().length,
    threads: linux ? Number(/^Threads:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) : 0,
  };
}

function write(place: string, kind: string, learner: LearnerGraph): string {
  const chance = random(7);
  const weights = Object.entries(learner.parameters).map(([name, { shape }]) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => 0.3 * chance.normal());
    return [name, { dtype: "float32" as const, shape, data }];
  });
  const { manifest, files } = buildBundle(learner, Object.fromEntries(weights));
  const folder = mkdtempSync(join(place, `${kind}-`));
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

const codeOf = (error: unknown): string => (error instanceof InnerloopError ? error.code : String(error));
