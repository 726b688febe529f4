// One thread of a pool: opens programs on engines of its own, and runs tasks on them one after another.
import { workerData } from "node:worker_threads";
import { answerRequests } from "@innerloop/runtime/threads";
import type { Program, Programs } from "../../engines/engine.ts";
import { openProgramsOf } from "../../engines/programs.ts";
import { only, type Tensors } from "../state.ts";
import { drop } from "./dropped.ts";
import { InPlace, own, shared } from "./in-place.ts";
import type { Answer, Job, Placed, Request } from "./messages.ts";

const { engine } = workerData as { engine: string };
/** By the threads of a run. */
const engines = new Map<number, Promise<Programs>>();
const programs = new Map<string, Program>();
const sums = new InPlace(shared);
/** The parameters as all threads see them, and as programs take them that take no memory of all. */
let everyones: Tensors = {};
let stale = true;
const parameters = new InPlace(own);
/** What jobs of sums are fed, as all threads see it, and one of them as such programs take it. */
const placed: Tensors[] = [];
const fed = new InPlace(own);

function engineOf(threads: number): Promise<Programs> {
  const opened = engines.get(threads) ?? openProgramsOf(engine, { threads, frugal: true });
  engines.set(threads, opened);
  return opened;
}

async function answer(request: Request): Promise<Answer> {
  if (request.kind === "program") {
    programs.set(request.name, await (await engineOf(request.threads)).load(request.program));
    return [];
  }
  if (request.kind === "forget") {
    await programs.get(request.name)?.dispose();
    programs.delete(request.name);
    return [];
  }
  everyones = request.parameters ?? everyones;
  stale ||= request.changed;
  if (request.kind === "sum") return summed(request.jobs);
  try {
    return await inTurn(request.jobs);
  } finally {
    drop(...request.jobs.map(({ feeds }) => feeds));
  }
}

async function summed(jobs: readonly Placed[]): Promise<Answer> {
  // Of all before any fails: they are not told again.
  for (const [i, { feeds }] of jobs.entries()) if (feeds) placed[i] = feeds;
  const { add: adding } = await engineOf(1);
  for (const [i, { program: name }] of jobs.entries()) {
    const program = programs.get(name)!;
    const taken = feedsOf(program, program.takesShared ? placed[i]! : fed.write(placed[i]!));
    const add = (result: Tensors) => (i === 0 ? sums.write(result) : sums.add(result, adding));
    if (i > 0 && (await program.look?.(taken, add))) continue;
    // What the first gives may be written where the sums were before, at once.
    const result = await program.run(taken, i === 0 ? sums.tensors : undefined);
    add(result);
    drop(result);
  }
  return jobs.length > 0 ? [sums.tensors] : [];
}

const feedsOf = (program: Program, feeds: Tensors): Tensors =>
  only(program, { ...parametersOf(program), ...feeds }) as Tensors;

function parametersOf({ takesShared }: Program): Tensors {
  if (takesShared) return everyones;
  if (stale) parameters.write(everyones);
  stale = false;
  return parameters.tensors;
}

async function inTurn(jobs: readonly Job[]): Promise<Tensors[]> {
  const results: Tensors[] = [];
  for (const { program: name, feeds } of jobs) {
    const program = programs.get(name)!;
    results.push(await program.run(feedsOf(program, feeds)));
  }
  return results;
}

answerRequests(answer);
// While the caller makes the first program, which is also told what is wrong here.
engineOf(1).catch(() => {});
