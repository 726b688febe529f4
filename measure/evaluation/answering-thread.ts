// A thread that answers for a bundle: it opens a learner of its own and takes one question after another.
import { workerData } from "node:worker_threads";
import { Learner } from "@innerloop/runtime";
import { answerRequests } from "@innerloop/runtime/threads";
import type { Tensor } from "@innerloop/schemas";
import { Answerer, type Question } from "./episode-answers.ts";

const { bundle, native } = workerData as { readonly bundle: string; readonly native: boolean };
let opened: Promise<Answerer> | undefined;

const open = async (): Promise<Answerer> => {
  const kernels = native ? { kernels: (await import("@innerloop/native")).native } : {};
  return new Answerer(await Learner.load(bundle, { provider: "cpu", threads: 1, ...kernels }), bundle, kernels);
};

/** In memory of this thread alone: ONNX Runtime takes no arrays over memory that threads share. */
const own = ({ data, ...tensor }: Tensor): Tensor => ({ ...tensor, data: data.slice() });

answerRequests(async ({ support, query, outsiders, ...rest }: Question) => {
  opened ??= open();
  const answerer = await opened;
  return answerer.answer({
    support: { x: own(support.x), y: own(support.y) },
    query: own(query),
    ...(outsiders ? { outsiders: own(outsiders) } : {}),
    ...rest,
  });
});
