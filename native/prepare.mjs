// Builds the kernels of this machine where they are not there yet: npm run build and npm run prepare call it. Without a compiler everything
// works on ONNX Runtime, so that nothing fails here.
import { existsSync } from "node:fs";
import { buildKernels, kernelsFile } from "./dist/index.js";

const file = kernelsFile();
if (!existsSync(file))
  await buildKernels().then(
    ({ compiler }) => console.log(`native: kernels, built by ${compiler}, are in ${file}`),
    ({ message }) => console.log(`native: no kernels. ${message.split("\n")[0]}`),
  );
