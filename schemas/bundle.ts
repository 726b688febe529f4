// The door `@innerloop/schemas/bundle`: what a device needs to read a bundle and keep a personal file, and no more, so
// that what an application downloads stays small.
export { checkManifest, takesSteps } from "./check.ts";
export { InnerloopError, type InnerloopErrorOptions } from "./errors.ts";
export { guard, guarded } from "./guarded.ts";
export { parseJson } from "./json.ts";
export type * from "./manifest.ts";
export { mistaken } from "./mistaken.ts";
export { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from "./safetensors.ts";
export { type DType, dtypeBy, ELEMENTS, kindOf, sizeOf, type Tensor, type TypedArray } from "./tensor.ts";
export { show } from "./text.ts";
