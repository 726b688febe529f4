// A thread that answers for a bundle: it opens a learner of its own and takes one question after another.
import { workerData } from "node:worker_threads";
import { Learner } from "@innerloop/runtime";
import { answerRequests } from "@innerloop/runtime/threads";
import type { Tensor, TypedArray } from "@innerloop/schemas";
import { Answerer, type Question } from "./episode-answers.ts";

const { bundle, native } = workerData as { readonly bundle: string; readonly native: boolean };
let opened: Promise<Answerer> | undefined;

const open = async (): Promise<Answerer> => {
  const kernels = native ? { kernels: (await import("@innerloop/native")).native } : {};
  return new Answerer(await Learner.load(bundle, { provider: "cpu", threads: 1, ...kernels }), bundle, kernels);
};

/** What this thread alone sees, since ONNX Runtime takes no arrays over memory that threads share. */
const own = new Map<string, TypedArray>();

function taken(name: string, { dtype, shape, data }: Tensor): Tensor {
  let mine = own.get(name);
  if (mine?.constructor === data.constructor && mine.length === data.length)
    (mine as Float32Array).set(data as Float32Array);
  else mine = data.slice();
  own.set(name, mine);
  return { dtype, shape, data: mine };
}

answerRequests(async ({ support, query, outsiders, ...rest }: Question) => {
  opened ??= open();
  const answerer = await opened;
  return answerer.answer({
    support: { x: taken("x", support.x), y: taken("y", support.y) },
    query: taken("query", query),
    ...(outsiders ? { outsiders: taken("outsiders", outsiders) } : {}),
    ...rest,
  });
});
