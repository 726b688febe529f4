// The door of the room: everything but the ONNX code, which has a door of its own so that protobufjs stays optional.
export { InnerloopError, type InnerloopErrorOptions } from "./errors.ts";
export type { DType, Tensor, TypedArray } from "./tensor.ts";
