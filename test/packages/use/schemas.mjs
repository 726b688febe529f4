// Every door of @innerloop/schemas, in a project that has nothing else.
import { readFileSync } from "node:fs";
import { encodeSafetensors, InnerloopError } from "@innerloop/schemas";
import { checkManifest } from "@innerloop/schemas/bundle";
import { decodeModel, encodeModel } from "@innerloop/schemas/onnx";

const bundle = process.argv[2];
checkManifest(JSON.parse(readFileSync(`${bundle}/manifest.json`, "utf8")), "manifest.json");
const model = decodeModel(readFileSync(`${bundle}/adapt.onnx`), "adapt.onnx");
const again = decodeModel(encodeModel(model), "again");
encodeSafetensors(new Map(), {});
try {
  decodeModel(new Uint8Array(3), "three");
} catch (error) {
  if (again.graph.node.length > 0 && error instanceof InnerloopError) console.log("used");
}
