// Variants of adapt.onnx in a bundle: the one for the provider that a learner runs on is taken, and no other; the portable one
// runs where there is none, and where the provider refuses it.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type BundleSource, Learner, type ProviderName } from "@innerloop/runtime";
import { openDevice } from "@innerloop/runtime/session";
import { decodeModel, encodeModel } from "@innerloop/schemas/onnx";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { refusal } from "../support/refusal.ts";
import { LINEAR, model, node, value, writeBundle } from "./fixture.ts";

const SUPPORT = [
  { label: "a", data: [1, 2, 3, 4] },
  { label: "b", data: [-1, 1, 0, 2] },
];

const filesOf = (folder: string): Record<string, Uint8Array> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));

/** The adapt.onnx of `linear`, told apart by an inner rate that is half of the portable one's. */
function slower(): Uint8Array {
  const decoded = decodeModel(new Uint8Array(readFileSync(join(writeBundle("linear"), "adapt.onnx"))), "adapt.onnx");
  const rate = decoded.graph!.initializer!.find(({ name }) => name === "inner_rate")!;
  rate.rawData = new Uint8Array(Float32Array.of(LINEAR.rate / 2).buffer);
  return encodeModel(decoded);
}

/** A whole model that no provider takes. */
const refused = model({ inputs: [value("x", [1])], outputs: [value("y", [1])], nodes: [node("NoSuch", ["x"], ["y"])] });

const entry = (bytes: Uint8Array) => ({
  sha256: createHash("sha256").update(bytes).digest("hex"),
  bytes: bytes.length,
});

/** A new `linear` with these files besides, or in place of its own. */
function bundleWith(more: Readonly<Record<string, Uint8Array>>): string {
  const entries = Object.fromEntries(Object.entries(more).map(([name, bytes]) => [name, entry(bytes)]));
  const folder = writeBundle("linear", ({ files }) => Object.assign(files, entries));
  for (const [name, bytes] of Object.entries(more)) writeFileSync(join(folder, name), bytes);
  return folder;
}

/** The losses of five steps, which tell the models apart, and how the provider speaks of itself then. */
async function adapted(source: BundleSource, provider: ProviderName = "cpu") {
  const learner = await Learner.load(source, { provider });
  try {
    const { supportLoss } = await learner.adapt(SUPPORT);
    return { losses: supportLoss, reason: learner.provider.reason };
  } finally {
    await learner.dispose();
  }
}

const refusedBundle = (source: BundleSource) => refusal(adapted(source));

const portable = await adapted(writeBundle("linear"));
const variant = await adapted(bundleWith({ "adapt.onnx": slower() }));

describe("a variant", () => {
  it("is told apart here", () => expect(variant.losses.at(-1)! - portable.losses.at(-1)!).toBeGreaterThan(0.05));

  it("for the provider in use is taken, from a folder and from memory", async () => {
    const folder = bundleWith({ "adapt.cpu.onnx": slower() });
    expect(await adapted(folder)).toEqual(variant);
    expect(await adapted({ files: filesOf(folder) })).toEqual(variant);
  });

  it("for another provider is not", async () => {
    expect(await adapted(bundleWith({ "adapt.cuda.onnx": slower(), "adapt.wasm.onnx": slower() }))).toEqual(portable);
  });

  it("that is not among the files in memory, or not in the manifest, leaves the portable one", async () => {
    const { "adapt.cpu.onnx": own, ...others } = filesOf(bundleWith({ "adapt.cpu.onnx": slower() }));
    expect(await adapted({ files: others })).toEqual(portable);
    expect(await adapted({ files: { ...filesOf(writeBundle("linear")), "adapt.cpu.onnx": own! } })).toEqual(portable);
  });

  it("does not change which bundle it is", async () => {
    const [first, second] = await Promise.all(
      [writeBundle("linear"), bundleWith({ "adapt.cpu.onnx": slower() })].map((it) =>
        Learner.load(it, { provider: "cpu" }),
      ),
    );
    const bytes = await (await second!.adapt(SUPPORT)).toBytes();
    const restored = await first!.restore(bytes);
    expect(restored.labels).toEqual(["a", "b"]);
    await Promise.all([first!.dispose(), second!.dispose()]);
  });

  it("that the provider refuses gives way to the portable one, which is said", async () => {
    const folder = bundleWith({ "adapt.cpu.onnx": refused });
    for (const source of [folder, { files: filesOf(folder) }]) {
      const { losses, reason } = await adapted(source);
      expect(losses).toEqual(portable.losses);
      expect(reason).toBe(`${portable.reason}, but it refuses its own adapt.onnx`);
    }
    const both = await refusedBundle(bundleWith({ "adapt.cpu.onnx": refused, "adapt.onnx": refused }));
    expect(both.code).toBe("model-refused");
  });

  it("that is altered or missing makes a folder no whole bundle, whether it is the one in use or not", async () => {
    for (const name of ["adapt.cpu.onnx", "adapt.cuda.onnx"]) {
      const folder = bundleWith({ [name]: slower() });
      writeFileSync(join(folder, name), slower().fill(0, 100, 110));
      const altered = await refusedBundle(folder);
      expect(altered.code).toBe("bundle-altered");
      expect(altered.message).toContain(`${name}: its sha256 is`);
      rmSync(join(folder, name));
      const missing = await refusedBundle(folder);
      expect(missing.code).toBe("bundle-missing");
      expect(missing.message).toContain(`this folder has no ${name}`);
    }
    const folder = bundleWith({ "adapt.cpu.onnx": slower() });
    rmSync(join(folder, "adapt.onnx"));
    expect((await refusedBundle(folder)).message).toContain("this folder has no adapt.onnx");
  });

  it("needs a hash in the manifest", async () => {
    const folder = writeBundle("linear", ({ files }) => Object.assign(files, { "adapt.cpu.onnx": { bytes: 3 } }));
    const error = await refusedBundle(folder);
    expect(error.code).toBe("manifest-invalid");
    expect(error.message).toContain("files.adapt.cpu.onnx.sha256 is missing");
  });

  it("is looked for in the bundle's folder alone", async () => {
    const outside = { "../elsewhere.onnx": entry(slower()) };
    const error = await refusedBundle(writeBundle("linear", ({ files }) => Object.assign(files, outside)));
    expect(error.code).toBe("manifest-invalid");
    expect(error.message).toContain('"../elsewhere.onnx", and a plain name was expected');
  });
});

describe("over HTTP", () => {
  let server: Server;
  let files: Readonly<Record<string, Uint8Array>> = {};
  let fetched: string[] = [];
  let origin = "";
  beforeAll(async () => {
    server = createServer(({ url = "" }, response) => {
      fetched.push(url.slice(1));
      response.writeHead(files[url.slice(1)] ? 200 : 404).end(files[url.slice(1)]);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it.each([
    ["the variant in use", { "adapt.cpu.onnx": slower(), "adapt.cuda.onnx": slower() }, ["adapt.cpu.onnx"], variant],
    ["the portable one", { "adapt.cuda.onnx": slower() }, ["adapt.onnx"], portable],
    [
      "a refused variant, and then the portable one",
      { "adapt.cpu.onnx": refused },
      ["adapt.cpu.onnx", "adapt.onnx"],
      { losses: portable.losses },
    ],
  ])("fetches %s and nothing else", async (_, more, expected, result) => {
    [files, fetched] = [filesOf(bundleWith(more)), []];
    expect(await adapted(origin)).toMatchObject(result);
    expect(fetched.sort()).toEqual([...expected, "manifest.json", "predict.onnx"].sort());
  });
});

// In software counts: VK_ICD_FILENAMES may name a Vulkan driver such as SwiftShader's.
const absent = await openDevice({ provider: "webgpu" }).then(
  (device) => void device.dispose(),
  (cause: Error) => cause.message,
);
describeUnless(absent, "on WebGPU", () => {
  const near = (a: readonly number[], b: readonly number[]) => Math.max(...a.map((loss, i) => Math.abs(loss - b[i]!)));

  it("takes its own, and none of the processor's", async () => {
    const own = await adapted(bundleWith({ "adapt.webgpu.onnx": slower(), "adapt.cpu.onnx": refused }), "webgpu");
    expect(near(own.losses, variant.losses)).toBeLessThan(1e-5);
    const other = await adapted(bundleWith({ "adapt.cpu.onnx": slower() }), "webgpu");
    expect(near(other.losses, portable.losses)).toBeLessThan(1e-5);
    const fallen = await adapted(bundleWith({ "adapt.webgpu.onnx": refused }), "webgpu");
    expect(near(fallen.losses, portable.losses)).toBeLessThan(1e-5);
    expect(fallen.reason).toContain("it refuses its own adapt.onnx");
  });
});
