// Personal files: those of an earlier release, encrypted ones, and what damaged, foreign and wrongly opened ones get.
import { webcrypto } from "node:crypto";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Learner, type Personal } from "@innerloop/runtime";
import { decodeSafetensors, encodeSafetensors } from "@innerloop/schemas";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";
import { noise, support } from "./oracle.ts";

const CPU = { provider: "cpu" } as const;
const key = Uint8Array.from({ length: 32 }, (_, index) => 7 * index);

let learner: Learner;
let mine: Personal;
let line: Learner<"regression">;
beforeAll(async () => {
  learner = await Learner.load(writeBundle("linear"), CPU);
  line = await Learner.load(writeBundle("line"), { ...CPU, task: "regression" });
  mine = await learner.adapt(support(1, ["a", "b", "a"]));
});
afterAll(() => Promise.all([learner.dispose(), line.dispose()]));

describe("a personal file", () => {
  it("holds the examples, so that life goes on after it was restored", async () => {
    const again = await learner.restore(await mine.toBytes());
    expect(again.examples).toEqual(mine.examples);
    await again.add("c", noise(5, 4));
    await again.remove("c");
    expect(again.state).toEqual(mine.state);
    expect(again.supportLoss).toEqual(mine.supportLoss);
    expect(await again.undo()).toBe(true);
    const { tensors, metadata } = decodeSafetensors(await mine.toBytes(), "it");
    expect(Object.keys(tensors).sort()).toEqual(["adapted/head/bias", "adapted/head/weight", "support/x"]);
    expect(tensors["support/x"]!.shape).toEqual([3, 2, 2, 1]);
    expect(metadata).toMatchObject({
      format: "innerloop-personal",
      version: "2",
      bundle_name: "linear",
      settings: '{"steps":5}',
    });
  });

  it("holds the points of a line", async () => {
    const column = (...data: number[]) => ({ data, shape: [data.length, 1] });
    const fit = await line.adapt({ x: column(0, 1), y: column(1, 3) }, { steps: 9, rate: 0.5 });
    const again = await line.restore(await fit.toBytes());
    await again.add({ x: column(2), y: column(0) });
    await again.remove("#3");
    expect(again.state).toEqual(fit.state);
  });

  it("of version 1 is restored, without the examples that it does not hold", async () => {
    const { tensors, metadata } = decodeSafetensors(await mine.toBytes(), "it");
    const { format, bundle, bundle_name, labels, columns, support_loss } = metadata as Record<string, string>;
    const described = { format, version: "1", bundle, bundle_name, labels, columns, support_loss } as Record<
      string,
      string
    >;
    const parameters = { "head/weight": tensors["adapted/head/weight"]!, "head/bias": tensors["adapted/head/bias"]! };
    const again = await learner.restore(encodeSafetensors(parameters, described));
    expect(again.state).toEqual(mine.state);
    expect(again.labels).toEqual(["a", "b"]);
    expect(await again.predict(noise(3, 4))).toEqual(await mine.predict(noise(3, 4)));
    expect((await refusal(again.add("a", noise(3, 4)))).code).toBe("examples-not-kept");
    expect((await learner.restore(await again.toBytes())).state).toEqual(mine.state);
  });

  it("that is damaged is refused, whatever is wrong with it", async () => {
    const { tensors, metadata } = decodeSafetensors(await mine.toBytes(), "it");
    const changes: [Record<string, unknown>, Record<string, string>][] = [
      [{ "support/x": undefined }, {}],
      [{ "support/x": { dtype: "float32", shape: [2, 2, 2, 1], data: new Float32Array(8) } }, {}],
      [{ "adapted/head/bias": undefined }, {}],
      [{ "adapted/head/bias": { dtype: "float32", shape: [2], data: new Float32Array(2) } }, {}],
      [{}, { examples: "[" }],
      [{}, { examples: '[["#1"],["#2","b"],["#3","a"]]' }],
      [{}, { next: "one" }],
      [{}, { settings: "null" }],
      [{}, { columns: "[0]" }],
      [{}, { labels: "[1, 2]" }],
      [{}, { support_loss: '["low"]' }],
      [{}, { format: "other" }],
    ];
    for (const [parts, words] of changes) {
      const kept = Object.fromEntries(Object.entries({ ...tensors, ...parts }).filter(([, it]) => it !== undefined));
      const error = await refusal(
        learner.restore(encodeSafetensors(kept as typeof tensors, { ...metadata, ...words })),
      );
      expect(error.code).toBe("personal-invalid");
      expect(error.message).toMatch(/^the given bytes: .*; give a file that personal\.save\(\) wrote for this bundle$/);
    }
    const { labels, examples, ...empty } = metadata;
    expect((await refusal(learner.restore(encodeSafetensors({}, empty)))).message).toMatch(
      /holds neither examples nor/,
    );
  });
});

describe.skipIf(process.platform === "win32")("who may read a file", () => {
  const modeOf = (file: string) => statSync(file).mode & 0o777;

  it("is its owner alone when it is new, and whoever could read it before when it is not", async () => {
    const learner: Learner = await Learner.load(writeBundle("linear"), { provider: "cpu" });
    const mine = learner.start();
    await mine.add("a", noise(1, 4));
    const file = join(temporaryFolder(), "mine.safetensors");
    await mine.save(file);
    expect(modeOf(file)).toBe(0o600);
    for (const mode of [0o644, 0o640, 0o400]) {
      chmodSync(file, mode);
      await mine.save(file, { key: new Uint8Array(32) });
      expect(modeOf(file)).toBe(mode);
    }
    await learner.dispose();
  });
});

describe("an encrypted file", () => {
  it("differs every time, gives the same back, and shows nothing", async () => {
    const [one, two] = [await mine.toBytes({ key }), await mine.toBytes({ key })];
    expect(one).not.toEqual(two);
    // Beside the header nothing is alike: not the nonces, and no byte more than chance has it.
    const alike = one.slice(25).filter((byte, index) => byte === two[25 + index]).length;
    expect(alike).toBeLessThan(one.length / 20);
    for (const bytes of [one, two, Buffer.from(one)]) {
      const again = await learner.restore(bytes, { key });
      expect(again.state).toEqual(mine.state);
      expect(await again.toBytes()).toEqual(await mine.toBytes());
    }
    const text = Buffer.from(one).toString("latin1");
    expect(text.startsWith("innerloop-sealed")).toBe(true);
    expect(text).not.toContain("linear");
    const file = join(temporaryFolder(), "mine.sealed");
    await mine.save(file, { key });
    expect((await learner.restore(file, { key })).state).toEqual(mine.state);
    expect((await refusal(learner.restore(file))).message).toContain(`${file}: it is encrypted`);
  });

  it("takes a CryptoKey, which need not be extractable", async () => {
    const { subtle } = webcrypto;
    const made = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
    expect((await learner.restore(await mine.toBytes({ key: made }), { key })).state).toEqual(mine.state);
    expect((await learner.restore(await mine.toBytes({ key }), { key: made })).state).toEqual(mine.state);
    const sealing = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
    const bytes = await mine.toBytes({ key: sealing });
    expect((await refusal(learner.restore(bytes, { key: sealing }))).code).toBe("bad-option");
    const other = (await subtle.generateKey({ name: "AES-CBC", length: 256 }, false, ["encrypt"])) as never;
    for (const wrong of [new Uint8Array(16), other, "secret", {}, 3, null]) {
      const error = await refusal(mine.toBytes({ key: wrong as never }));
      expect(error).toMatchObject({ code: "bad-option", exitStatus: 2 });
      expect(error.message).toMatch(/32 random bytes, or a CryptoKey/);
    }
  });

  it("is what another program reads with the format's description alone", async () => {
    const bytes = await mine.toBytes({ key });
    const made = await webcrypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    const plain = await webcrypto.subtle.decrypt(
      { name: "AES-GCM", iv: bytes.slice(25, 37), additionalData: bytes.slice(0, 25), tagLength: 128 },
      made,
      bytes.slice(37),
    );
    expect(new Uint8Array(plain)).toEqual(await mine.toBytes());
    expect(bytes[16]).toBe(1);
    expect(new DataView(bytes.buffer).getBigUint64(17, true)).toBe(BigInt(bytes.length - 25));
  });

  it("refuses another key, none, one where none is needed, and bytes that are altered, cut short or newer", async () => {
    const bytes = await mine.toBytes({ key });
    const wrong = await refusal(learner.restore(bytes, { key: key.map((byte) => byte ^ 1) }));
    expect(wrong.code).toBe("wrong-key");
    expect(wrong.message).toMatch(
      /cannot be decrypted: the key is another than it was saved with, or the file was altered/,
    );
    expect((await refusal(learner.restore(bytes))).code).toBe("key-missing");
    expect((await refusal(learner.restore(await mine.toBytes(), { key }))).code).toBe("not-encrypted");
    for (const at of [20, 30, 60, bytes.length - 1]) {
      const altered = bytes.slice();
      altered[at]! ^= 1;
      expect((await refusal(learner.restore(altered, { key }))).code).toBe(
        at === 20 ? "personal-invalid" : "wrong-key",
      );
    }
    for (const length of [16, 17, 24, 36, 60, bytes.length - 1]) {
      const error = await refusal(learner.restore(bytes.subarray(0, length), { key }));
      expect(error.code).toBe("personal-invalid");
      expect(error.message).toMatch(/cut short/);
    }
    expect((await refusal(learner.restore(bytes.subarray(0, 10), { key }))).code).toBe("not-encrypted");
    const newer = bytes.slice();
    newer[16] = 2;
    expect((await refusal(learner.restore(newer, { key }))).code).toBe("newer-version");
    const stranger = await Learner.load(writeBundle("prototypes"), CPU);
    expect((await refusal(stranger.restore(bytes, { key }))).code).toBe("other-bundle");
    await stranger.dispose();
  });

  it("needs WebCrypto, and nothing is written without it", async () => {
    const file = join(temporaryFolder(), "mine.sealed");
    writeFileSync(file, "earlier");
    vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes });
    try {
      const error = await refusal(mine.save(file, { key }));
      expect(error.code).toBe("encryption-unavailable");
      expect(error.message).toMatch(/serve the page over https or from localhost/);
      vi.stubGlobal("crypto", undefined);
      expect((await refusal(mine.save(file, { key }))).code).toBe("encryption-unavailable");
    } finally {
      vi.unstubAllGlobals();
    }
    expect(readFileSync(file, "utf8")).toBe("earlier");
  });
});
