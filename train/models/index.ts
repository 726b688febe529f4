// Models: layers, rows of them, and the named ones.
export * from "./layers.ts";
export { applyHead, type Model, type ModelOptions, Sequential, sequential } from "./sequential.ts";
export { buildModel, type Conv4Options, conv4, metamodel, mlp, type Resnet12Options, resnet12 } from "./zoo.ts";
