// The runtime in a page, on WebGPU.
import { describeRuntime } from "./runtime-suite.ts";

describeRuntime("webgpu", false);
