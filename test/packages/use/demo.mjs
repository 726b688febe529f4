// All files of the page are there.
import { existsSync, readFileSync } from "node:fs";
import { defaultBundle, pageFiles } from "@innerloop/demo";

const manifest = JSON.parse(readFileSync(`${defaultBundle}/manifest.json`, "utf8"));
const files = await pageFiles([{ folder: defaultBundle, manifest }]);
if (files.has("index.html") && [...files.values()].every((file) => "text" in file || existsSync(file.path)))
  console.log("used");
