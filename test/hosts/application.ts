// An application that has installed the runtime: the rooms as npm packs them, unpacked beside ONNX Runtime.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/folders.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Makes its folder, gone when the test file is done. */
export function makeApplication(): string {
  const place = temporaryFolder("application");
  const modules = join(place, "node_modules");
  const rooms = join(place, "rooms");
  mkdirSync(join(modules, "@innerloop"), { recursive: true });
  mkdirSync(rooms);
  symlinkSync(join(root, "node_modules"), join(rooms, "node_modules"));
  for (const name of ["schemas", "runtime"]) {
    const copy = join(rooms, name);
    cpSync(join(root, name), copy, { recursive: true, filter: (path) => !path.includes("node_modules") });
    execFileSync("npm", ["pack", "--silent", "--pack-destination", place], { cwd: copy, stdio: "pipe" });
    const tarball = readdirSync(place).find((file) => file.startsWith(`innerloop-${name}-`))!;
    mkdirSync(join(modules, "@innerloop", name));
    const into = join(modules, "@innerloop", name);
    execFileSync("tar", ["xzf", join(place, tarball), "-C", into, "--strip-components=1"]);
  }
  for (const name of ["onnxruntime-node", "onnxruntime-common", "sharp", "vitest"]) {
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(place, "package.json"), '{ "name": "application", "private": true }');
  return place;
}

/** Lines that use all of what a Learner does; `say` is called with what it answers. */
export const life = `
  const learner = await Learner.load(bundle, { signal: new AbortController().signal });
  const [a, b] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(-1, 1, 0, 2)];
  const mine = await learner.adapt([{ label: "a", data: a }, { label: "b", data: b }]);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const sealed = await learner.restore(await mine.toBytes({ key }), { key });
  await mine.save(file);
  const saved = await learner.restore(readFileSync(file));
  const added = await saved.add("c", [[4, 3, 2, 1]], { check: true });
  const { accuracy } = await mine.evaluate([{ label: "a", data: a }]);
  const { logits } = await mine.predict(b);
  const names = ["manifest.json", "adapt.onnx", "predict.onnx"];
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(bundle + "/" + name)]));
  const inMemory = await Learner.load({ files });
  const picture = await inMemory.example({ data: new Uint8ClampedArray(16).fill(255), width: 2, height: 2 });
  const refused = await mine.predict([1]).catch(({ code }) => code);
  say(JSON.stringify({
    labels: [await mine.predict(a), await sealed.predict(a), await (await learner.restore(file)).predict(b)].map(({ label }) => label),
    added, accuracy, logits, refused,
    picture: Array.from(picture),
    own: [Object.values(mine.state)[0].data, picture].map((data) => data instanceof Float32Array),
  }));
  await inMemory.dispose();
  await learner.dispose();
`;
