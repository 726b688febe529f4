#!/usr/bin/env node
// Nothing is loaded before the version is known, and nothing here is newer than what an old Node parses.
var version = process.versions.node.split(".");
if (version[0] < 20 || (version[0] === "20" && version[1] < 19)) {
  console.error(`innerloop needs Node 20.19, 22.12 or newer; this is Node ${version.join(".")}.`);
  process.exitCode = 1;
} else {
  void import("../dist/main.js");
}
