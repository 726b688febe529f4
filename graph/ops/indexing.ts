// Looking up by index, and putting in by index.
import { spelling } from "../core/operator.ts";

export { OneHot, Range } from "./internal/counting.ts";
export { Gather } from "./internal/gathering.ts";
export { GatherElements, GatherND, ScatterElements, ScatterND } from "./internal/scattering.ts";

spelling("TensorScatter", "movement", 24, "Range, Add, ScatterND", "new entries put into a cache of an attention");
