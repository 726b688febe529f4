// How fast engines train here.
export { measuredTraining, measureEngine } from "./measure.ts";
export { rateOf } from "./rate.ts";
