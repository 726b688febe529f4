// The runtime in a page, on WebAssembly; on WebGPU, which most machines have in software alone, in runtime.slow.test.ts.
import { describeRuntime } from "./runtime-suite.ts";

describeRuntime("wasm", true);
