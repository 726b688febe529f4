// The door of starts: training on from a bundle.
export { readStart, type StartBundle } from "./bundle.ts";
export { firstWeights } from "./first-weights.ts";
export { fromNothing, preprocessingFrom, settingsFrom } from "./settings.ts";
