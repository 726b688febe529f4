// A model computed by kernels of our own where this machine can build them; else the reason is said.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildKernels, kernelsFile } from "@innerloop/native";

const folder = mkdtempSync(join(tmpdir(), "native-"));
const built = await buildKernels({ folder }).catch(({ code }) => code);
rmSync(folder, { recursive: true });
if (typeof kernelsFile() === "string" && (typeof built === "object" || built === "compiler-missing"))
  console.log("used");
