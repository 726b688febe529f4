// Which engines a test runs on: those that are named in INNERLOOP_ENGINES (`npm run test:engines` names one at a time), or
// else those that every machine has and that take seconds.
import { type EngineReport, engineNames, engines, listEngines } from "@innerloop/train";

const named = process.env.INNERLOOP_ENGINES?.split(",");
const everywhere = engines.filter(({ traits }) => traits.everywhere).map(({ name }) => name);

/** What is known of each engine; those that are not chosen are absent for that reason, so that reports show them. */
export async function chosenEngines(): Promise<EngineReport[]> {
  if (named) return listEngines(named);
  const chosen = await listEngines(everywhere);
  const reason = "npm run test:engines runs it where it is there";
  return engineNames.map((name) => chosen.find((it) => it.name === name) ?? { name, available: false, reason });
}
