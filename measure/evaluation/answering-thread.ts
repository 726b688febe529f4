// A thread that answers for a bundle: it opens a learner of its own and takes one question after another.
import { workerData } from "node:worker_threads";
import { Learner } from "@innerloop/runtime";
import { answerRequests } from "@innerloop/runtime/threads";
import { Answerer } from "./episode-answers.ts";
import type { Question } from "./question.ts";

const { bundle, native } = workerData as { readonly bundle: string; readonly native: boolean };
let opened: Promise<Answerer> | undefined;

const open = async (): Promise<Answerer> => {
  const kernels = native ? { kernels: (await import("@innerloop/native")).native } : {};
  return new Answerer(await Learner.load(bundle, { provider: "cpu", threads: 1, ...kernels }), bundle, kernels);
};

answerRequests(async (question: Question) => {
  opened ??= open();
  return (await opened).answer(question);
});
