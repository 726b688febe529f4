// `innerloop merge`: what an adaptation learned, put into the model for good, as one plain ONNX file.
import { defineCommand, needed } from "../call/command.ts";
import { asWrongCall, bundleArgument, bundleAt, paramsAt } from "../inputs/places.ts";
import { tryOut } from "../inputs/try-out.ts";
import { kilobytes, print, printJson, resultStyle, tiny } from "../terminal/output.ts";

export const command = defineCommand({
  name: "merge",
  summary: "put what adapt learned into the model, as one plain .onnx file",
  arguments: [bundleArgument],
  options: {
    params: { type: "text", what: "file that adapt wrote", completes: "paths" },
    out: { type: "text", what: "the .onnx file that is written", completes: "paths" },
    json: { type: "switch", what: "the result as JSON on stdout" },
  },
  notes: async () => [
    "The file takes examples as the bundle does and gives logits, of the classes in the order of its metadata innerloop.labels. Factors of LoRA are added to the weights that they stand beside. It is run beside the bundle before it is written.",
  ],
  examples: [["merge bundle --params mine.safetensors --out mine.onnx", "for any host of ONNX Runtime, on its own"]],
  async run(options, args) {
    const [given] = args as [string];
    const params = needed(options.params, "merge", "params", "the file that adapt wrote, as mine.safetensors");
    const out = needed(options.out, "merge", "out", "the .onnx file to write, as mine.onnx");
    await tryOut(out);
    const [bundle, path] = [await bundleAt(given), await paramsAt(params)];
    const { mergeAdapted } = await import("@innerloop/export");
    const { replaceFile } = await import("@innerloop/runtime/files");
    const { bytes, labels, merged, largestDifference } = await mergeAdapted(bundle, path).catch((cause: unknown) => {
      throw asWrongCall(cause);
    });
    await replaceFile(out, bytes);
    if (options.json) {
      printJson({ out, bytes: bytes.length, labels, merged, largestDifference });
      return;
    }
    const classes = labels.length > 0 ? ` of ${labels.length} classes (${labels.join(", ")})` : "";
    print(`${resultStyle("bold", out)}: ${kilobytes(bytes.length)}, logits${classes}`);
    if (merged > 0) print(`  factors were added to ${merged} weights`);
    print(`  the same answers as the bundle; largest difference ${tiny(largestDifference)}`);
  },
});
