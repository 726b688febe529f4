// How long forms take, so that what else happens on the machine changes little: it is the processor's time for this process that
// counts, forms take turns and are visited over again, and the least time of each is its time.
import { type DeviceSession, openDevice } from "@innerloop/runtime/session";
import { sizeOf, type Tensor } from "@innerloop/schemas";

/** All cases are visited so often, at distances, and each time for so many turns or milliseconds of the processor. */
const [visits, turns, milliseconds] = [6, 7, 120];

/** A form runs for at least so many milliseconds in a turn: what a clock is off by, and what another program leaves of a cache, is little of it. */
const least = 1.5;

/** Something that is timed: runs once. */
export type Form = () => Promise<unknown>;

/** Where forms run. */
export interface Stand {
  /** Milliseconds that went into this process. */
  readonly clock: () => number;
  /** Makes the models of a case ready. */
  open(models: () => readonly Uint8Array[]): Promise<readonly Form[]>;
  close(): Promise<void>;
}

/** One form of a case: how often it runs in a turn, and the least that a run of it took. */
interface Timed {
  readonly form: Form;
  readonly times: number;
  readonly least: number;
}

/**
 * For each case the least time of each of its models, in milliseconds of the processor.
 * @param stand where they run; closed in the end
 */
export async function leastTimes(
  cases: readonly (() => readonly Uint8Array[])[],
  onProgress: (share: number) => void,
  stand: Stand,
): Promise<number[][]> {
  try {
    const timed: (readonly Timed[])[] = [];
    // Writing the models takes about as long as a visit.
    const all = visits + 1;
    for (const [i, models] of cases.entries()) {
      timed.push(await begin(await stand.open(models), stand.clock));
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

/** ONNX Runtime on one thread of the processor. */
export function openStand(): Stand {
  const device = openDevice({ provider: "cpu", threads: 1 });
  const sessions: DeviceSession[] = [];
  return {
    clock() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    async open(models) {
      const forms: Form[] = [];
      for (const model of models()) {
        const session = await (await device).open(model);
        sessions.push(session);
        const feeds = feedsOf(session);
        forms.push(() => session.run(feeds));
      }
      return forms;
    },
    async close() {
      for (const session of sessions) await session.dispose();
      await (await device).dispose();
    },
  };
}

/** Numbers that are no trouble for any kernel. */
function feedsOf({ inputTypes }: DeviceSession): Record<string, Tensor> {
  return Object.fromEntries(
    inputTypes.map(({ name, shape }) => {
      const sizes = shape.map(Number);
      const data = Float32Array.from({ length: sizeOf(sizes) }, (_, i) => Math.sin(i + 1) / 4);
      return [name, { dtype: "float32", shape: sizes, data }];
    }),
  );
}
