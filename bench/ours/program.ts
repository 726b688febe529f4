// Our side as a process that is driven as every peer is. For adapting with a bundle that is there it holds the runtime alone, as a device
// does.
import { workloadData } from "../peers/data.ts";
import { serve } from "../peers/serve.ts";

await serve({
  version: () => process.version,
  async prepare(workload, threads) {
    const { prepareOurs } = await import("./index.ts");
    return prepareOurs(workload, threads);
  },
  async light({ case: workload, threads, folder }) {
    if (folder === undefined) {
      const { prepareOurs } = await import("./index.ts");
      return prepareOurs(workload, threads);
    }
    const { openAdapt, openEvaluate } = await import("./adapt.ts");
    return (workload.kind === "adapt" ? openAdapt : openEvaluate)(
      folder,
      threads,
      workloadData(workload, workload.parameters),
    );
  },
});
