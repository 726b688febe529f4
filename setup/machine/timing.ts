// How long forms take beside the usual one, in turns and over again, so that what else happens on the machine meets all of them.
import { type DeviceSession, openDevice } from "@innerloop/runtime/session";
import { sizeOf, type Tensor } from "@innerloop/schemas";

/** All cases are visited so often, at distances, and each time for so many turns or milliseconds. */
const [visits, turns, milliseconds] = [5, 9, 200];

/** A case: its sessions, what they take, and the ratios of all turns. */
interface Timed {
  readonly sessions: readonly DeviceSession[];
  readonly feeds: readonly Record<string, Tensor>[];
  readonly ratios: readonly number[][];
}

/**
 * For each case the time of each of its models divided by that of the first, in the turn that both share: the medians over all turns.
 * @param threads of one run
 */
export async function relativeTimes(
  cases: readonly (() => readonly Uint8Array[])[],
  threads: number,
  onProgress: (share: number) => void = () => undefined,
): Promise<number[][]> {
  const device = await openDevice({ provider: "cpu", threads });
  const opened: Timed[] = [];
  try {
    for (const models of cases) {
      const sessions: DeviceSession[] = [];
      for (const model of models()) sessions.push(await device.open(model));
      opened.push({ sessions, feeds: sessions.map(feedsOf), ratios: sessions.map(() => []) });
    }
    for (let visit = 0; visit < visits; visit++)
      for (const [i, timed] of opened.entries()) {
        await takeTurns(timed);
        onProgress((visit + (i + 1) / opened.length) / visits);
      }
    return opened.map(({ ratios }) => ratios.map(median));
  } finally {
    for (const { sessions } of opened) for (const session of sessions) await session.dispose();
    await device.dispose();
  }
}

async function takeTurns({ sessions, feeds, ratios }: Timed): Promise<void> {
  const once = async (i: number): Promise<number> => {
    const start = performance.now();
    await sessions[i]!.run(feeds[i]!);
    return performance.now() - start;
  };
  // What is cold does not count.
  for (const i of sessions.keys()) await once(i);
  const start = performance.now();
  for (let turn = 0; turn < turns; turn++) {
    if (turn >= 2 && performance.now() - start > milliseconds) return;
    const order = [...sessions.keys()];
    const times: number[] = [];
    // Who begins alternates.
    for (const i of turn % 2 ? order.reverse() : order) times[i] = await once(i);
    for (const i of sessions.keys()) ratios[i]!.push(times[i]! / times[0]!);
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

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
