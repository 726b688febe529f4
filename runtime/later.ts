// What an application needs later than its start, in one module that is loaded when it is: small models, rare errors,
// personal files, their encryption, evaluation, raw input. Bundlers make a file of its own of it.
export { openModelOf } from "./compact.ts";
export { seal, unseal } from "./encryption.ts";
export { chooseSteps, evaluate, leaveOneOut } from "./evaluation.ts";
export { withPictures } from "./given.ts";
export { prepareInput, readExample } from "./input.ts";
export { diverged, noSource, otherTask } from "./rarely.ts";
export { decodeState, encodeState } from "./state.ts";
