// The command `peers`: every workload beside every peer that is here, results compared first, then all in turns.
import { execFileSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { median, pairsOf, summarize, takeTurns } from "../contender.ts";
import { writeWorkloadBundle } from "../ours/bundle.ts";
import type { OurEngine } from "../ours/engines.ts";
import type { Result } from "../ours/result.ts";
import { machine, type Outcome, tell, threadsInWords } from "../outcome.ts";
import { differenceOf, equalWithin } from "../report.ts";
import { peersNamed, type Side, startOurs } from "../sides/list.ts";
import type { SideProcess, Task } from "../sides/process.ts";
import { makeReady, type Ready } from "../sides/ready.ts";
import { type Workload, workloadNamed } from "../workloads.ts";
import {
  comparisonsOf,
  goalsTable,
  type Memory,
  memoryOf,
  type PeerRow,
  type PeerTimes,
  peersTable,
} from "./report.ts";

export interface PeersOptions {
  readonly workloads: readonly string[];
  readonly threads: readonly number[];
  /** What ours computes on, a side each. */
  readonly engines: readonly OurEngine[];
  readonly peers: readonly string[];
  /** Rounds of turns; as many as fit in some seconds unless given. */
  readonly runs?: number;
  readonly memory: boolean;
  /** How long a peer may take until it is ready, in seconds. */
  readonly limit: number;
  /** Few filters and tasks. */
  readonly small: boolean;
  /** Networks of PyTorch, for the row of models from files; none: without it. */
  readonly networks: readonly string[];
  readonly json: boolean;
}

/** The version of each peer, or why it is not here; asked once. */
class Presence {
  readonly #known = new Map<string, { version?: string; reason?: string }>();

  async of(side: Side): Promise<{ version?: string; reason?: string }> {
    const known = this.#known.get(side.name);
    if (known) return known;
    const child = side.start(1);
    const found: { version?: string; reason?: string } = await child.version().then(
      (version) => ({ version }),
      (cause: Error) => ({ reason: `${cause.message}; to have it: ${side.install}` }),
    );
    child.close();
    if (found.reason) tell(`${side.name}: ${found.reason}`);
    this.#known.set(side.name, found);
    return found;
  }
}

/** A meta workload's losses of ours are one, the mean over the tasks. */
const comparable = (mine: Result, theirs: Result): Result =>
  mine.losses.length === 1 && theirs.losses.length > 1
    ? { ...theirs, losses: [theirs.losses.reduce((sum, loss) => sum + loss, 0) / theirs.losses.length] }
    : theirs;

async function measure(
  workload: Workload,
  threads: number,
  presence: Presence,
  { engines, peers, runs, limit, memory: wanted }: PeersOptions,
): Promise<PeerRow[]> {
  const task: Task = { case: workload.case, threads };
  const open: Ready[] = [];
  const ready = async (start: () => SideProcess, asked: Task): Promise<Ready> => {
    const side = await makeReady(start, workload, asked, limit);
    open.push(side);
    return side;
  };
  try {
    const ours: { engine: OurEngine; side: Ready }[] = [];
    for (const engine of engines)
      ours.push({ engine, side: await ready(() => startOurs(workload.fresh), { ...task, engine }) });
    const found: { times: PeerTimes; ready?: Ready }[] = [];
    for (const side of peersNamed(peers)) {
      const known = { peer: side.name, group: side.group };
      const { version, reason } = await presence.of(side);
      if (version === undefined) {
        found.push({ times: { ...known, state: "missing", reason: reason ?? "no answer" } });
        continue;
      }
      tell(`  ${side.name}`);
      try {
        const peer = await ready(() => side.start(threads), task);
        const { variant, variants, seconds } = peer.prepared;
        const said = { variant, ...(variants ? { variants } : {}), ...(seconds === undefined ? {} : { seconds }) };
        found.push({ times: { ...known, version, ...said, state: "timed" }, ready: peer });
      } catch (cause) {
        found.push({ times: { ...known, version, state: "missing", reason: (cause as Error).message } });
      }
    }
    // Double precision is the reference where a peer has it; else our own result on the first engine is.
    const mine = ours[0]!.side.prepared.result;
    const double = found.flatMap(({ ready: peer }) => peer?.prepared.float64 ?? [])[0];
    const reference = double ? comparable(mine, double) : mine;
    const compared = found.map((each) => {
      if (!each.ready) return each;
      const difference = differenceOf(comparable(reference, each.ready.prepared.result), reference);
      const state = difference <= equalWithin ? ("timed" as const) : ("unequal" as const);
      return { ...each, times: { ...each.times, difference, state } };
    });
    const racing = compared.filter(({ times }) => times.state === "timed");
    const sides = [...ours.map(({ side }) => side), ...racing.flatMap(({ ready: peer }) => peer ?? [])];
    const rounds = await takeTurns(
      sides.map(({ contender }) => contender),
      runs,
    );
    const rows: PeerRow[] = [];
    for (const [at, { engine, side }] of ours.entries()) {
      const difference = differenceOf(side.prepared.result, reference);
      const against = (other: number) =>
        difference <= equalWithin ? { summary: summarize(pairsOf(rounds, at, other)) } : {};
      const times = compared.map((each): PeerTimes => {
        const other = racing.indexOf(each);
        return other < 0 ? each.times : { ...each.times, ...against(ours.length + other) };
      });
      rows.push({
        workload: workload.name,
        title: workload.title,
        threads,
        ours: {
          engine,
          way: side.prepared.variant,
          milliseconds: median(rounds.flatMap((round) => round[at] ?? [])),
          difference,
          ...(at > 0 ? { stock: summarize(pairsOf(rounds, at, 0)) } : {}),
        },
        peers: times,
        comparisons: comparisonsOf(times, workload.goals, threads),
        ...(wanted ? { memory: await memory({ ...task, engine }, times) } : {}),
      });
    }
    return rows;
  } finally {
    for (const { close } of open) close();
  }
}

/** The most memory that a process of ours and one of PyTorch eager holds. */
async function memory(task: Task, rows: readonly PeerTimes[]): Promise<Memory> {
  const { kind } = task.case;
  const folder = kind === "adapt" || kind === "evaluate" ? await writeWorkloadBundle(task.case) : undefined;
  const asked = async (child: SideProcess, of: Task, more: { variant?: string; folder?: string }) => {
    try {
      return await child.memory(of, more);
    } finally {
      child.close();
    }
  };
  try {
    const ours = await asked(startOurs(), task, folder === undefined ? {} : { folder });
    const eager = rows.find(({ peer }) => peer === "eager");
    const [side] = peersNamed(["eager"]);
    if (eager?.variant === undefined || !side) return memoryOf(ours, undefined);
    // Where the operating system does not tell, the table has a gap.
    const { engine: _, ...theirTask } = task;
    const theirs = await asked(side.start(task.threads), theirTask, { variant: eager.variant }).catch(() => undefined);
    return memoryOf(ours, theirs);
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true });
  }
}

/** Times every workload beside every peer that is here; ours alone where none is. */
export async function peers(options: PeersOptions): Promise<Outcome> {
  const { workloads, threads, small, networks, json } = options;
  const chosen = workloads.map((name) => workloadNamed(name, small));
  peersNamed(options.peers);
  const presence = new Presence();
  const rows: PeerRow[] = [];
  for (const workload of chosen)
    for (const count of threads) {
      tell(`${workload.name}, ${threadsInWords(count)}`);
      rows.push(...(await measure(workload, count, presence, options)));
    }
  const files = importedRows(networks, threads, options.engines, json);
  const unequal = rows.flatMap(({ workload, threads: count, peers: each, ours }) => [
    ...(ours.difference <= equalWithin ? [] : [`${workload}, ${count}, ours on ${ours.engine}`]),
    ...each.flatMap(({ state, peer }) => (state === "unequal" ? [`${workload}, ${count}, ${peer}`] : [])),
  ]);
  const status = unequal.length > 0 ? 1 : 0;
  if (json) return { text: JSON.stringify({ machine: machine(), small, rows, imported: files }, null, 2), status };
  const versions = new Map(rows.flatMap(({ peers: each }) => each.map(({ peer, version }) => [peer, version])));
  const text = [
    goalsTable(rows),
    "",
    peersTable(rows),
    "",
    ...(networks.length > 0 ? [String(files), ""] : []),
    ...unequal.map(
      (which) => `${which}: the results are apart by more than ${equalWithin}; what is not equal is not timed.`,
    ),
    `${machine().processor}, ${machine().cores} cores, Node ${machine().node}; ${[...versions].flatMap(([peer, version]) => (version ? [`${peer} ${version}`] : [])).join(", ") || "no peer"}`,
  ].join("\n");
  return { text, status };
}

/** The row of models from files: what `npm run bench -- imported` says, or why there is none. */
function importedRows(
  networks: readonly string[],
  threads: readonly number[],
  engines: readonly OurEngine[],
  json: boolean,
): unknown {
  if (networks.length === 0) return undefined;
  tell(`networks of PyTorch: ${networks.join(", ")}`);
  const program = fileURLToPath(new URL("../main.js", import.meta.url));
  const chosen = ["--networks", networks.join(), "--threads", threads.join(), "--engines", engines.join()];
  const args = ["imported", ...chosen, ...(json ? ["--json"] : [])];
  try {
    const text = execFileSync(process.execPath, [program, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return json ? JSON.parse(text) : text.trimEnd();
  } catch (cause) {
    const last = String((cause as { stderr?: string }).stderr ?? (cause as Error).message)
      .trim()
      .split("\n")
      .at(-1);
    const words = `networks of PyTorch: ${last}`;
    return json ? { missing: words } : words;
  }
}
