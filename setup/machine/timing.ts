// How long forms take, so that what else happens on the machine changes little: it is the processor's time for this process that
// counts, forms take turns and are visited over again, and the least time of each is its time.
import type { Value } from "@innerloop/graph";
import { sizeOf, type Tensor } from "@innerloop/schemas";
import { type Engine, openEngine, type Program, type TunedEngine } from "@innerloop/train";

/** All cases are visited so often, at distances, and each time for so many turns or milliseconds of the processor. */
const [visits, turns, milliseconds] = [6, 7, 120];

/** A form runs for at least so many milliseconds in a turn: what a clock is off by, and what another program leaves of a cache, is little of it. */
const least = 1.5;

type Outputs = Readonly<Record<string, Value>>;

/** Something that is timed: runs once. */
export type Form = () => Promise<unknown>;

/** Where forms run. */
export interface Stand {
  /** Milliseconds that went into this process. */
  readonly clock: () => number;
  /** Makes a graph ready by columns, and in the native form. */
  open(graph: () => Outputs): Promise<readonly Form[]>;
  close(): Promise<void>;
}

/** One form of a case: how often it runs in a turn, and the least that a run of it took. */
interface Timed {
  readonly form: Form;
  readonly times: number;
  readonly least: number;
}

/**
 * For each graph the least time of each of its forms, in milliseconds of the processor.
 * @param stand where they run; closed in the end
 */
export async function leastTimes(
  cases: readonly (() => Outputs)[],
  onProgress: (share: number) => void,
  stand: Stand,
): Promise<number[][]> {
  try {
    const timed: (readonly Timed[])[] = [];
    // Making the forms ready takes about as long as a visit.
    const all = visits + 1;
    for (const [i, graph] of cases.entries()) {
      timed.push(await begin(await stand.open(graph), stand.clock));
      onProgress((i + 1) / cases.length / all);
    }
    for (let visit = 1; visit < all; visit++)
      for (const [i, forms] of timed.entries()) {
        timed[i] = await inTurns(forms, stand.clock);
        onProgress((visit + (i + 1) / timed.length) / all);
      }
    return timed.map((forms) => forms.map((form) => form.least));
  } finally {
    await stand.close();
  }
}

async function begin(forms: readonly Form[], clock: () => number): Promise<Timed[]> {
  const timed: Timed[] = [];
  for (const form of forms) {
    // What is cold does not count.
    await form();
    const start = clock();
    await form();
    const once = Math.max(0.001, clock() - start);
    timed.push({ form, times: Math.ceil(least / once), least: Number.POSITIVE_INFINITY });
  }
  return timed;
}

async function inTurns(forms: readonly Timed[], clock: () => number): Promise<Timed[]> {
  const found = [...forms];
  const order = [...forms.keys()];
  // Others have had the caches in between.
  for (const { form } of forms) await form();
  const start = clock();
  for (let turn = 0; turn < turns && (turn < 2 || clock() - start < milliseconds); turn++)
    // Who begins alternates.
    for (const i of turn % 2 ? [...order].reverse() : order) {
      const { form, times, least } = found[i]!;
      const before = clock();
      for (let time = 0; time < times; time++) await form();
      found[i] = { form, times, least: Math.min(least, (clock() - before) / times) };
    }
  return found;
}

/** An engine on one thread of the processor, where it lets that be chosen. */
export function openStand(name: TunedEngine): Stand {
  const forms = ["columns", "native"] as const;
  const opened = Promise.all(forms.map((convolution) => openEngine(name, { convolution, threads: 1 })));
  const programs: Program[] = [];
  const engines = async (): Promise<Engine[]> => (await opened).map(({ engine }) => engine);
  return {
    clock() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    async open(graph) {
      const outputs = graph();
      const ready: Form[] = [];
      for (const engine of await engines()) {
        const program = await engine.compile({ outputs });
        programs.push(program);
        const feeds = Object.fromEntries(
          program.inputs.map(({ name, shape }) => [name, engine.upload(numbersOf(shape.map(Number)))]),
        );
        ready.push(async () => {
          for (const result of Object.values(await program.runOnDevice(feeds))) result.dispose();
        });
      }
      return ready;
    },
    async close() {
      for (const program of programs) await program.dispose();
      for (const engine of await engines()) await engine.dispose();
    },
  };
}

/** Numbers that are no trouble for any kernel. */
const numbersOf = (shape: readonly number[]): Tensor => ({
  dtype: "float32",
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1) / 4),
});
