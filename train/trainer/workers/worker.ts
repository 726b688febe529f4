// One thread of a pool: opens programs on engines of its own, and runs tasks on them one after another.
import { workerData } from "node:worker_threads";
import { answerRequests } from "@innerloop/runtime/threads";
import type { Program, Programs } from "../../engines/engine.ts";
import { openProgramsOf } from "../../engines/programs.ts";
import { only, type Tensors } from "../state.ts";
import { drop } from "./dropped.ts";
import { InPlace, own, shared } from "./in-place.ts";
import type { Answer, Job, Request } from "./messages.ts";

const { engine } = workerData as { engine: string };
/** By the threads of a run. */
const engines = new Map<number, Promise<Programs>>();
const programs = new Map<string, Program>();
const sums = new InPlace(shared);
/** The parameters as all threads see them, and as programs take them. */
let everyones: Tensors = {};
const parameters = new InPlace(own);

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
  if (request.changed) parameters.write(everyones);
  try {
    if (!request.sum) return await inTurn(request.jobs);
    for (const [i, job] of request.jobs.entries()) {
      const result = await run(job);
      if (i === 0) sums.write(result);
      else sums.add(result);
      drop(result);
    }
    return request.jobs.length > 0 ? [sums.tensors] : [];
  } finally {
    drop(...request.jobs.map(({ feeds }) => feeds));
  }
}

async function run({ program: name, feeds }: Job): Promise<Tensors> {
  const program = programs.get(name)!;
  return program.run(only(program, { ...parameters.tensors, ...feeds }) as Tensors);
}

async function inTurn(jobs: readonly Job[]): Promise<Tensors[]> {
  const results: Tensors[] = [];
  for (const job of jobs) results.push(await run(job));
  return results;
}

answerRequests(answer);
