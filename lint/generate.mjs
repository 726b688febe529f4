// Writes the rules of biome.json that follow from who may import whom: npm run rules, after the table in rooms.mjs changed.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { around, doors, rooms } from "./rooms.mjs";

const folders = `{${rooms.map(({ folder }) => folder).join(",")}}`;

/** Nothing of this project but some doors. */
const onlyDoors = (who, allowed) => ({
  group: ["innerloop", "innerloop/**", "@innerloop/**", ...allowed.map((door) => `!${door}`)],
  message: `${who} ${allowed.length > 0 ? `may import ${allowed.join(", ")}` : "imports no other room"}: the table is in docs/architecture.md.`,
});

/** No room by a path from so many folders up. */
const noPaths = (steps) => ({
  group: steps.map((up) => `${up}${folders}/**`),
  message: "A room is imported by its package name, not by a path.",
});

const restricted = (patterns) => ({ noRestrictedImports: { level: "error", options: { patterns } } });

/** The `overrides` of biome.json: one for each room, and two for what is around them, by how deep a file lies. */
export const overrides = [
  ...rooms.map(({ folder, imports, never }) => ({
    includes: [`${folder}/**`],
    linter: {
      rules: {
        style: restricted([
          onlyDoors(`${folder}/`, imports),
          noPaths(["../", "../../", "../../../"]),
          ...(never ? [{ group: never.packages, message: never.because }] : []),
        ]),
        correctness: { noUndeclaredDependencies: "error" },
      },
    },
  })),
  ...[
    ["*", ["../"]],
    ["*/**", ["../../", "../../../"]],
  ].map(([files, steps]) => ({
    includes: around.map((folder) => `${folder}/${files}`),
    linter: {
      rules: { style: restricted([onlyDoors("What is around the rooms", doors), noPaths(steps)]) },
    },
  })),
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = fileURLToPath(new URL("../biome.json", import.meta.url));
  const text = JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), overrides });
  const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
  const format = ["format", "--stdin-file-path=biome.json"];
  writeFileSync(file, execFileSync(process.execPath, [biome, ...format], { input: text, encoding: "utf8" }));
}
