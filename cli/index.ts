// The door of the command for other programs: the command itself, the export behind `export`, the evaluation behind
// `eval`, and the files of examples that people have.
export { innerloop } from "./command-line.ts";
export { type Evaluation, type EvaluationOptions, evaluateBundle } from "./evaluation.ts";
export { type FileExample, readInputs, readSupport } from "./example-files.ts";
export { exportRun, type FinishedRun } from "./export-run.ts";
