// Makes what npm packs of what the compiler wrote: modules that keep their names and leave comments to the declarations, of
// which only those stay that a door leads to; and the CommonJS door, one file for tools that know no ES modules. Its classes are its own: take either door.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync, transformSync } from "esbuild";

const dist = fileURLToPath(new URL("dist", import.meta.url));
const commonjs = join(dist, "cjs");
rmSync(commonjs, { recursive: true, force: true });

for (const name of readdirSync(dist, { recursive: true }).filter((it) => it.endsWith(".js"))) {
  const file = join(dist, name);
  const options = { target: "es2022", legalComments: "none", minifyWhitespace: true, minifySyntax: true };
  writeFileSync(file, transformSync(readFileSync(file, "utf8"), options).code);
}

const { exports } = JSON.parse(readFileSync(join(dist, "..", "package.json"), "utf8"));
const declarations = new Set();
function keep(file) {
  if (declarations.has(file)) return;
  declarations.add(file);
  for (const [, path] of readFileSync(file, "utf8").matchAll(/\b(?:from |import\()"(\.[^"]+)"/g))
    keep(join(dirname(file), path.replace(/\.[jt]s$/, ".d.ts")));
}
for (const { types } of Object.values(exports)) keep(join(dist, "..", types));
for (const name of readdirSync(dist, { recursive: true }).filter((it) => it.endsWith(".d.ts")))
  if (!declarations.has(join(dist, name))) rmSync(join(dist, name));

buildSync({
  entryPoints: [join(dist, "index.js")],
  outfile: join(commonjs, "index.js"),
  bundle: true,
  minify: true,
  format: "cjs",
  platform: "node",
  target: "es2022",
  external: ["onnxruntime-*", "sharp"],
  define: { "import.meta.url": "undefined" },
  // Test runners that cannot import from CommonJS can require.
  supported: { "dynamic-import": false },
});

// The types are those of the modules. Names that are values, too, are said again, since a type is all that can be imported.
mkdirSync(commonjs, { recursive: true });
writeFileSync(join(commonjs, "package.json"), '{ "type": "commonjs" }\n');
const from = '"../index.js" with { "resolution-mode": "import" }';
writeFileSync(
  join(commonjs, "index.d.ts"),
  `import type * as modules from ${from};
export type * from ${from};
export declare const InnerloopError: typeof modules.InnerloopError;
export type InnerloopError = modules.InnerloopError;
export declare const Learner: typeof modules.Learner;
export type Learner<T extends modules.Task = "classification"> = modules.Learner<T>;
export declare const Personal: typeof modules.Personal;
export type Personal<T extends modules.Task = "classification"> = modules.Personal<T>;
export declare const listProviders: typeof modules.listProviders;
`,
);
