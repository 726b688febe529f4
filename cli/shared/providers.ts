// The execution providers that `--provider` takes; `auto` tries the first three.

export const providers = ["auto", "cuda", "webgpu", "cpu", "dml", "coreml"] as const;
