// Bundles from wherever a host finds them: folders, URLs, memory; what is said when a network is in the way; and the host of
// browsers, run here on ONNX Runtime's WebAssembly build.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type BundleSource, Learner } from "@innerloop/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";

const CPU = { provider: "cpu" } as const;
const SUPPORT = [
  { label: "a", data: [1, 2, 3, 4] },
  { label: "b", data: [-1, 1, 0, 2] },
];

async function answer(source: BundleSource): Promise<unknown> {
  const learner = await Learner.load(source, CPU);
  const mine = await learner.adapt(SUPPORT);
  const result = await mine.predict([0.5, 1, 1.5, 2]);
  await learner.dispose();
  return result;
}

const refusedBundle = (source: BundleSource) => refusal(Learner.load(source, CPU));

const POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

const folder = writeBundle("linear");
const files = Object.fromEntries(
  readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]),
);
let server: Server;
let origin: string;
/** What the server does in place of sending a file. */
let instead: Record<string, (response: ServerResponse) => void> = {};

beforeAll(async () => {
  server = createServer(({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    const name = /^\/some\/bundle\/(.+)$/.exec(pathname)?.[1] ?? "";
    const bytes = files[name];
    if (instead[name]) instead[name](response);
    else if (bytes === undefined || searchParams.get("token") === "wrong") response.writeHead(404).end();
    else response.writeHead(200, { "access-control-allow-origin": "*" }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe("a bundle", () => {
  it("is the same from a path, a file URL, a URL with and without a slash or a query, and from memory", async () => {
    const expected = await answer(folder);
    expect(expected).toMatchObject({ label: "a" });
    const url = `${origin}/some/bundle`;
    const text = pathToFileURL(folder).href;
    for (const source of [pathToFileURL(folder), text, url, `${url}/`, new URL(url), `${url}?token=right`, { files }]) {
      expect(await answer(source)).toEqual(expected);
    }
    expect((await refusedBundle(`${url}?token=wrong`)).code).toBe("bundle-missing");
  });

  it("whose file: URL names no file of this machine is told so", async () => {
    expect(await refusedBundle("file://elsewhere/bundle")).toMatchObject({ code: "bad-option", exitStatus: 2 });
    expect(await refusedBundle("file:///bundle%2Fname")).toMatchObject({ code: "bad-option", exitStatus: 2 });
  });

  it("in memory is told what it lacks, and that it was altered", async () => {
    const { "adapt.onnx": adapt, ...rest } = files;
    const missing = await refusedBundle({ files: rest });
    expect(missing.code).toBe("bundle-missing");
    expect(missing.message).toMatch(
      /^the given files: this folder has no adapt\.onnx; a bundle holds manifest\.json, /,
    );
    const altered = await refusedBundle({ files: { ...files, "adapt.onnx": adapt!.slice(0, -1) } });
    expect(altered).toMatchObject({
      code: "bundle-altered",
      message: expect.stringMatching(/^the given adapt\.onnx: it has/),
    });
  });
});

describe("a bundle from a URL that", () => {
  const cases: [string, Record<string, (response: ServerResponse) => void>, string, RegExp][] = [
    [
      "is not there",
      { "manifest.json": (response) => response.writeHead(404).end("<html>") },
      "bundle-missing",
      /bundle\/: this folder has no manifest\.json/,
    ],
    [
      "lacks a file",
      { "predict.onnx": (response) => response.writeHead(404).end() },
      "bundle-missing",
      /this folder has no predict\.onnx/,
    ],
    [
      "may not be read",
      { "adapt.onnx": (response) => response.writeHead(403).end() },
      "file-unreadable",
      /adapt\.onnx: the server answers 403; the bundle's adapt\.onnx was expected; check the address/,
    ],
    [
      "is cut short by the server",
      {
        "adapt.onnx": (response) => {
          const bytes = files["adapt.onnx"]!;
          response.writeHead(200, { "content-length": bytes.length });
          response.write(bytes.subarray(0, 100), () => setTimeout(() => response.destroy(), 50));
        },
      },
      "bundle-altered",
      /adapt\.onnx: it was cut short: the connection ended after 100 of \d+ bytes; load it again/,
    ],
    [
      "is short on the server itself",
      { "adapt.onnx": (response) => response.end(files["adapt.onnx"]!.subarray(0, 100)) },
      "bundle-altered",
      /adapt\.onnx: it has 100 bytes and the manifest says \d+: it was cut short/,
    ],
    [
      "was altered on its way",
      {
        "predict.onnx": (response) => {
          const bytes = files["predict.onnx"]!.slice();
          bytes[200]! ^= 1;
          response.end(bytes);
        },
      },
      "bundle-altered",
      /predict\.onnx: its sha256 is \w{64} and the manifest says \w{64}: it was altered/,
    ],
    [
      "is newer",
      {
        "manifest.json": (response) => {
          const manifest = JSON.parse(new TextDecoder().decode(files["manifest.json"]));
          response.end(JSON.stringify({ ...manifest, version: 2 }));
        },
      },
      "newer-version",
      /manifest\.json: it has version 2 and this release reads version 1; upgrade/,
    ],
    [
      "is a page that answers anything",
      { "manifest.json": (response) => response.end("<!doctype html>") },
      "manifest-invalid",
      /manifest\.json: it is not valid JSON; it is a web page \(HTML\), as servers answer .*; check the address/,
    ],
    [
      "answers a page for a file that it does not know",
      { "adapt.onnx": (response) => response.end('<?xml version="1.0"?>\n<!-- -->\n<HTML lang="en">') },
      "bundle-altered",
      /adapt\.onnx: it is a web page \(HTML\)/,
    ],
    [
      "has the pointer of a large file",
      { "predict.onnx": (response) => response.end(POINTER) },
      "bundle-altered",
      /predict\.onnx: it is a Git LFS pointer, .* fetch it with: git lfs pull/,
    ],
    [
      "answers the error of a storage server",
      { "manifest.json": (response) => response.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>') },
      "manifest-invalid",
      /manifest\.json: it is not valid JSON; it is the error of a storage server/,
    ],
  ];
  it.each(cases)("%s is refused", async (_, replies, code, message) => {
    instead = replies;
    const error = await refusedBundle(`${origin}/some/bundle/`);
    instead = {};
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("cannot be reached says what to check", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const error = await refusedBundle(`http://127.0.0.1:${port}/bundle/`);
    expect(error.code).toBe("bundle-unreachable");
    expect(error.message).toMatch(
      /cannot be fetched \(.*ECONNREFUSED.*\); check the address and the network, and, where it is on another origin than the page, that its server sends Access-Control-Allow-Origin$/,
    );
  });
});

describe("the host of browsers", () => {
  const run = promisify(execFile);
  const script = fileURLToPath(new URL("web-host.mjs", import.meta.url));

  it("gives what Node gives, on WebAssembly, and takes its bundle from a URL alone", async () => {
    const { stdout } = await run(process.execPath, [
      "-C",
      "browser",
      script,
      `${origin}/some/bundle`,
      JSON.stringify(SUPPORT),
    ]);
    const { provider, prediction, listed, saving, reading, cuda } = JSON.parse(stdout);
    const expected = (await answer(folder)) as { probability: number; logits: number[] };
    expect(prediction.label).toBe("a");
    prediction.logits.forEach((logit: number, i: number) => {
      expect(Math.abs(logit - expected.logits[i]!)).toBeLessThan(1e-4);
    });
    expect(provider).toMatchObject({
      name: "wasm",
      rejected: [{ name: "webgpu", reason: expect.stringContaining("ask for it by name") }],
    });
    expect(listed).toEqual([
      { name: "webgpu", available: false, reason: "this browser offers no WebGPU adapter" },
      { name: "wasm", available: true },
    ]);
    expect(saving).toMatch(
      /^write-failed mine\.safetensors: nothing was written: there are no files here; keep the bytes/,
    );
    expect(reading).toMatch(/^bad-option "bundle\/" was given; a bundle's URL was expected; write it in full/);
    expect(cuda).toMatch(/^provider-unavailable .*onnxruntime-web has no cuda provider; .*, or use provider cpu$/);
  });
});

describe("SHA-256 without WebCrypto", () => {
  it("is SHA-256", async () => {
    const place = new URL("../../runtime/dist/hosts/sha256.js", import.meta.url);
    const { sha256 } = (await import(place.href)) as { sha256(bytes: Uint8Array): string };
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 1000, 123_456]) {
      const bytes = new Uint8Array(randomBytes(length));
      expect(sha256(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }
  });
});
