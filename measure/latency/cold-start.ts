// The smallest program that uses a bundle, for `innerloop bench`: loads it, adapts, predicts, and says so.
// node cold-start.js BUNDLE PROVIDER
import { Learner } from "@innerloop/runtime";
import { madeUpExamples, madeUpQuery } from "./made-up-examples.ts";

const [, , bundle = "", provider = "auto"] = process.argv;
const learner: Learner = await Learner.load(bundle, { provider: provider as "auto" });
const mine = await learner.adapt(madeUpExamples(learner.manifest));
await mine.predict(madeUpQuery(learner.manifest));
process.stdout.write("ready\n");
await learner.dispose();
