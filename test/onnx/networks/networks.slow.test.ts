// Networks that PyTorch's two exporters write, weights inside and in a file beside, batches fixed and open: the loss, all gradients and
// five steps of gradient descent are those of autograd. It runs where Python has torch and onnx.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readOnnx } from "@innerloop/graph";
import { filesBeside } from "@innerloop/runtime/files";
import { describe, expect, test } from "vitest";
import { describeUnless } from "../../support/absent.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { python, pythonLacks } from "../../support/python.ts";
import { repository } from "../../support/root.ts";
import { checkNetwork, referenceOf } from "./check.ts";

/** Small enough to take steps in float64, by plain loops; of the others loss and gradients are compared there. */
const small = ["lenet", "speech", "lstm-tagger", "gru", "unet", "gpt2", "distilbert", "vit-tiny"];
const large = ["mobilenetv3-small", "efficientnet-b0", "convnext-tiny", "resnet18"];
const exporters = ["torchscript", "dynamo"];
const forms = ["fixed-inside", "fixed-sidecar", "symbolic-inside", "symbolic-sidecar"];

const read = (path: string) => readOnnx(readFileSync(path), path, { files: filesBeside(path) });

describeUnless(
  pythonLacks("torch", "onnx", "onnxscript", "transformers", "safetensors"),
  "a network of PyTorch",
  () => {
    const folder = temporaryFolder("networks");
    const own = (name: string): string => join(folder, name);
    const exportOf = (name: string): void => {
      const script = join(repository, "test/onnx/networks/export.py");
      const { status, stderr } = spawnSync(python, [script, folder, name], { encoding: "utf8" });
      expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    };
    describe.each([...small, ...large])("%s", (name) => {
      test("is exported", () => exportOf(name), 900_000);

      const files = exporters.flatMap((exporter) => forms.map((form) => `${exporter}-${form}.onnx`));
      // As it is before the newer exporter joins weights, GPT-2 is cut by way of a list of arrays, which is not read.
      if (name !== "gpt2") files.push("dynamo-plain.onnx");
      test.each(files)("%s", async (file) => {
        if (referenceOf(own(name)).files[file]?.exporter) return;
        const { loss, gradient, steps, compared, folded } = await checkNetwork(own(name), file, read);
        expect(compared).toBeGreaterThan(1);
        // All parameters, but for what the newer exporter has joined.
        if (!file.startsWith("dynamo-fixed") && !file.startsWith("dynamo-symbolic")) expect(folded).toEqual([]);
        expect([loss, gradient, steps].filter((off) => !(off <= 1e-4))).toEqual([]);
      });

      test.each(exporters)(
        "%s in float64",
        async (exporter) => {
          const turns = small.includes(name) ? 5 : 0;
          const { loss, gradient, steps } = await checkNetwork(own(name), `${exporter}-float64.onnx`, read, turns);
          expect([loss, gradient, steps].filter((off) => !(off <= 1e-9))).toEqual([]);
        },
        900_000,
      );
    });

    test("factors that an exporter rounds are those of the file: its gradients are exact, and the network's own are not", async () => {
      const name = "gpt2-published";
      exportOf(name);
      const { loss: rounded, published = rounded } = referenceOf(own(name));
      expect(Math.abs(rounded - published)).toBeGreaterThan(1e-13);
      const { loss, gradient, compared } = await checkNetwork(own(name), "dynamo-float64.onnx", read, 0);
      expect(compared).toBeGreaterThan(30);
      expect([loss, gradient].filter((off) => !(off <= 1e-9))).toEqual([]);
    });
  },
);
