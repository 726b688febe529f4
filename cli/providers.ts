// The execution providers that `--provider` takes.

export const providers = ["auto", "cuda", "webgpu", "cpu"] as const;
