// `innerloop demo` without a browser: what it serves, what it writes, and what it refuses.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { defaultBundle, pageFiles, waysFor } from "@innerloop/demo";
import { type Manifest, type Preprocessing, preprocessedShape, validateManifest } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop, program } from "../support/innerloop.ts";

const manifest: Manifest = JSON.parse(readFileSync(join(defaultBundle, "manifest.json"), "utf8"));
const cwd = temporaryFolder();

/** What a server answers; the path goes out as it is written, dots and all. */
const ask = (url: URL, path: string): Promise<{ status: number; headers: Record<string, unknown>; bytes: number }> =>
  new Promise((resolve, reject) => {
    get({ host: url.hostname, port: url.port, path }, (response) => {
      let bytes = 0;
      response.on("data", (chunk) => {
        bytes += chunk.length;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, bytes }));
    }).on("error", reject);
  });

function serve(...args: string[]): { child: ChildProcess; url: Promise<URL>; status: Promise<number | null> } {
  const child = spawn(process.execPath, [program, "demo", ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  return {
    child,
    url: new Promise((resolve) => child.stdout!.once("data", (chunk) => resolve(new URL(String(chunk).trim())))),
    status: new Promise((resolve) => child.once("exit", resolve)),
  };
}

describe("innerloop demo", () => {
  it("serves the page and the bundle, isolated, with the right types, and nothing else; Ctrl-C ends it", async () => {
    const { child, url, status } = serve("--port", "0");
    const at = await url;
    const page = await ask(at, "/");
    expect(page).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      },
    });
    const types = {
      "/bundle/manifest.json": "application/json; charset=utf-8",
      "/bundle/predict.onnx": "application/octet-stream",
      "/ort/ort-wasm-simd-threaded.mjs": "text/javascript; charset=utf-8",
      "/ort/ort-wasm-simd-threaded.wasm": "application/wasm",
    };
    for (const [path, type] of Object.entries(types)) {
      const { status, headers, bytes } = await ask(at, path);
      expect([path, status, headers["content-type"]]).toEqual([path, 200, type]);
      expect(headers["content-length"]).toBe(String(bytes));
    }
    for (const path of [
      "/nothing",
      "/../package.json",
      "/bundle/../../package.json",
      "/%2e%2e/package.json",
      "/%ff",
      "/bundle",
    ])
      expect([path, (await ask(at, path)).status]).toEqual([path, 404]);
    child.kill("SIGINT");
    expect(await status).toBe(0);
  });

  it.skipIf(!existsSync("/proc/self/fd"))("closes what a download opened that broke off", async () => {
    const { child, url, status } = serve("--port", "0");
    const at = await url;
    const handles = () => readdirSync(`/proc/${child.pid}/fd`).length;
    await ask(at, "/");
    const before = handles();
    const breakOff = () =>
      new Promise<void>((resolve) => {
        const request = get(
          { host: at.hostname, port: at.port, path: "/ort/ort-wasm-simd-threaded.wasm" },
          (response) => response.once("data", () => request.destroy()),
        );
        request.on("close", () => resolve());
        request.on("error", () => undefined);
      });
    for (let i = 0; i < 6; i++) await Promise.all(Array.from({ length: 10 }, breakOff));
    for (let i = 0; handles() > before + 2 && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(handles()).toBeLessThanOrEqual(before + 2);
    expect((await ask(at, "/ort/ort-wasm-simd-threaded.wasm")).status).toBe(200);
    child.kill("SIGINT");
    expect(await status).toBe(0);
  });

  it.skipIf(process.platform === "win32")(
    "reads no file that cannot be the bundle's, and inspect neither",
    async () => {
      const large = join(cwd, "large");
      cpSync(defaultBundle, large, { recursive: true });
      truncateSync(join(large, "adapt.onnx"), 2 ** 42);
      expect((await innerloop(["demo", "large"], { cwd })).stderr).toMatch(
        /adapt\.onnx is altered; the manifest knows another/,
      );
      expect((await innerloop(["inspect", "large"], { cwd })).stdout).toMatch(/adapt\.onnx.*altered/);
      const pipe = join(cwd, "pipe");
      mkdirSync(pipe);
      execFileSync("mkfifo", [join(pipe, "manifest.json")]);
      for (const command of ["demo", "inspect"]) {
        const { status, stderr } = await innerloop([command, "pipe"], { cwd });
        expect([status, stderr]).toEqual([
          1,
          expect.stringContaining("it is a folder, a pipe or a device, not a file"),
        ]);
      }
    },
  );

  it("says that a port is taken", async () => {
    const first = serve("--port", "0");
    const { port } = await first.url;
    const taken = await innerloop(["demo", "--port", port], { cwd });
    expect(taken.status).toBe(2);
    expect(taken.stderr).toMatch(/port \d+ \(it is taken\); give another --port/);
    first.child.kill("SIGINT");
    await first.status;
  });

  it("writes a page that works from any folder, and replaces its own only", async () => {
    const site = join(cwd, "site");
    const { status, stdout } = await innerloop(["demo", "--build", site], { cwd });
    expect([status, stdout]).toEqual([0, expect.stringContaining("the page")]);
    const html = readFileSync(join(site, "index.html"), "utf8");
    const addresses = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) {
      expect(address).toMatch(/^\.\//);
      expect(existsSync(join(site, address)), address).toBe(true);
    }
    for (const name of ["manifest.json", "predict.onnx", "adapt.onnx"])
      expect(readFileSync(join(site, "bundle", name))).toEqual(readFileSync(join(defaultBundle, name)));
    expect(readdirSync(join(site, "ort")).sort()).toEqual([
      "ort-wasm-simd-threaded.asyncify.mjs",
      "ort-wasm-simd-threaded.asyncify.wasm",
      "ort-wasm-simd-threaded.mjs",
      "ort-wasm-simd-threaded.wasm",
    ]);

    writeFileSync(join(site, "assets", "mine.txt"), "mine");
    expect((await innerloop(["demo", "--build", site], { cwd })).status).toBe(0);
    expect(existsSync(join(site, "assets", "mine.txt"))).toBe(true);

    const foreign = join(cwd, "foreign");
    mkdirSync(foreign);
    writeFileSync(join(foreign, "thesis.txt"), "years");
    const refused = await innerloop(["demo", "--build", foreign], { cwd });
    expect([refused.status, readdirSync(foreign)]).toEqual([2, ["thesis.txt"]]);
    expect(refused.stderr).toContain("holds other files (thesis.txt)");
  });

  it("refuses what is no bundle, or an altered one, before it serves anything", async () => {
    const none = await innerloop(["demo", "nowhere"], { cwd });
    expect([none.status, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toContain(
      "nowhere does not exist; a bundle, the folder that innerloop export writes, was expected",
    );

    const altered = join(cwd, "altered");
    cpSync(defaultBundle, altered, { recursive: true });
    writeFileSync(join(altered, "adapt.onnx"), "short");
    const result = await innerloop(["demo", altered], { cwd });
    expect([result.status, result.stdout]).toEqual([1, ""]);
    expect(result.stderr).toContain("adapt.onnx is altered");

    const regression = join(cwd, "regression");
    cpSync(defaultBundle, regression, { recursive: true });
    const { preprocessing: _, ...input } = manifest.input;
    writeFileSync(
      join(regression, "manifest.json"),
      JSON.stringify({ ...manifest, task: "regression", input, output: { ways: null, size: 1 } }),
    );
    const other = await innerloop(["demo", regression], { cwd });
    expect([other.status, other.stdout]).toEqual([2, ""]);
    expect(other.stderr).toContain("is for regression");
  });
});

describe("a bundle to record for", () => {
  it("is the one that comes with the page", () => {
    expect(waysFor(validateManifest(manifest, "manifest.json"))).toEqual(["draw", "camera"]);
  });

  const window = { kind: "window", length: 100, channels: 3, rate: 50, mean: 0, std: 1 } as const;
  const sound = {
    kind: "sound",
    rate: 16_000,
    length: 16_000,
    frame: 512,
    hop: 320,
    bands: 40,
    lowest: 60,
    highest: 7600,
    floor: 1e-4,
    mean: 0,
    std: 1,
  } as const;
  const picture = { kind: "image", width: 32, height: 32, channels: 3, invert: false, mean: 0, std: 1 } as const;
  const of = (preprocessing: Preprocessing): Manifest => ({
    ...manifest,
    input: { dtype: "float32", shape: preprocessedShape(preprocessing), preprocessing },
  });

  it("says by what it was trained on how something is recorded for it", () => {
    expect(waysFor(of(window))).toEqual(["gesture"]);
    expect(waysFor(of({ ...window, channels: 6 }))).toEqual(["gesture"]);
    expect(waysFor(of(sound))).toEqual(["sound"]);
    expect(waysFor(of({ ...window, channels: 1, rate: 8000, length: 8000 }))).toEqual(["sound"]);
    expect(waysFor(of(picture))).toEqual(["camera", "draw"]);
  });

  it("is listed for the page with each way to record, the best one of a single bundle first", async () => {
    const listed = async (...manifests: Manifest[]): Promise<{ way: string; at: string; ink: boolean }[]> => {
      const files = await pageFiles(manifests.map((manifest) => ({ folder: defaultBundle, manifest })));
      const file = files.get("bundles.json");
      return JSON.parse(file && "text" in file ? file.text : "").map(
        ({ way, at, ink }: { way: string; at: string; ink: boolean }) => ({ way, at, ink }),
      );
    };
    expect(await listed(of(picture))).toEqual([
      { way: "camera", at: "bundle/", ink: false },
      { way: "draw", at: "bundle/", ink: false },
    ]);
    expect(await listed(manifest, of(sound), of(window), of(picture))).toEqual([
      { way: "draw", at: "bundle/", ink: true },
      { way: "gesture", at: "bundle-3/", ink: false },
      { way: "sound", at: "bundle-2/", ink: false },
      { way: "camera", at: "bundle/", ink: true },
    ]);
  });

  it.each<[string, Partial<Manifest>]>([
    ["takes windows of 9 channels", of({ ...window, channels: 9 })],
    ["takes 60 seconds at a time", of({ ...window, length: 3000 })],
    [
      "does not take pictures, motions or sounds",
      of({ kind: "row", columns: [{ kind: "number", name: "x", mean: 0, std: 1 }] }),
    ],
    ["does not take pictures", { input: { shape: [64], dtype: "float32" } }],
    ["of its examples", { input: { ...manifest.input, shape: [14, 14, 1] } }],
    ["knows the labels a, b and no others", { labels: ["a", "b"] }],
    ["tells 1 class apart", { output: { ways: 1 } }],
  ])("is not one that %s", (words, changes) => {
    expect(() => waysFor({ ...manifest, ...changes })).toThrow(words);
  });
});
