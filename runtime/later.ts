// What an application needs later than its first answer, in one module that is loaded when it is: personal files, their
// encryption, evaluation, raw input. Bundlers make a file of its own of it.
export { seal, unseal } from "./encryption.ts";
export { chooseSteps, evaluate, leaveOneOut } from "./evaluation.ts";
export { withPictures } from "./given.ts";
export { prepareInput, readExample } from "./input.ts";
export { decodeState, encodeState } from "./state.ts";
