// The door of the command for other programs: the command itself, the export behind `export`, the evaluation behind `eval`.
export { innerloop } from "./command-line.ts";
export { type Evaluation, type EvaluationOptions, evaluateBundle } from "./evaluation.ts";
export { exportRun, type FinishedRun } from "./export-run.ts";
