// How fast engines train here.
export { measuredTraining, measureEngine, measureInChild } from "./measure.ts";
export { rateOf } from "./rate.ts";
