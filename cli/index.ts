// The door of the command for other programs: the command itself and the files of examples that people have. What `export`
// and `eval` do is in @innerloop/measure; it is named here as well.
export {
  type BundleEvaluation,
  type EvaluationOptions,
  evaluateBundle,
  exportRun,
  type FinishedRun,
} from "@innerloop/measure";
export { innerloop } from "./call/command-line.ts";
export { readInputs, readSupport } from "./inputs/example-files.ts";
export type { FileExample } from "./inputs/number-tables.ts";
