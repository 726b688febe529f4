// Our side as a process that is driven as every peer is. For a bundle that is there it holds no more than a user does: the runtime alone
// for adapting, as a device, and what measures for an evaluation.
import { workloadData } from "../peers/data.ts";
import { serve } from "../peers/serve.ts";

await serve({
  version: () => process.version,
  async prepare(workload, threads, engine) {
    const { prepareOurs } = await import("./index.ts");
    return prepareOurs(workload, threads, engine);
  },
  async light({ case: workload, threads, engine = "onnxruntime", folder }) {
    if (folder === undefined) {
      const { prepareOurs } = await import("./index.ts");
      return prepareOurs(workload, threads, engine);
    }
    const data = workloadData(workload, workload.parameters);
    if (workload.kind === "adapt") return (await import("./adapt.ts")).openAdapt(folder, threads, data, engine);
    return (await import("./evaluate.ts")).openEvaluate(folder, threads, data, engine, workload);
  },
});
