// Every bundle lies where it is said to.
import { readFileSync } from "node:fs";
import { starterBundle, starterBundles } from "@innerloop/bundles";

const manifests = starterBundles.map(({ name }) =>
  JSON.parse(readFileSync(`${starterBundle(name)}/manifest.json`, "utf8")),
);
if (manifests.length > 0 && manifests.every(({ format }) => format === "innerloop-bundle")) console.log("used");
