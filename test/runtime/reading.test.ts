// How far files are read: sizes are compared before, pipes and devices refused, endless transfers cut, and a signal ends the wait.
import { execFileSync } from "node:child_process";
import { openSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createSocket } from "node:net";
import { join } from "node:path";
import { type InnerloopError, Learner } from "@innerloop/runtime";
import { openSession } from "@innerloop/runtime/session";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";

const CPU = { provider: "cpu" } as const;
const unix = process.platform !== "win32";

/** Runs a call and says how many bytes the process grew by meanwhile. */
async function growth(call: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers;
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 1);
  await call();
  clearInterval(watch);
  return Math.max(most, process.memoryUsage().arrayBuffers) - before;
}

/** Makes a file larger without filling a disk. */
function enlarge(path: string, bytes = 3 * 2 ** 30): string {
  truncateSync(path, bytes);
  return path;
}

function fifo(path: string): string {
  rmSync(path, { force: true });
  execFileSync("mkfifo", [path]);
  return path;
}

function device(path: string): string {
  rmSync(path, { force: true });
  symlinkSync("/dev/zero", path);
  return path;
}

describe("a file of a bundle", () => {
  it.each(["adapt.onnx", "predict.onnx"])("that is larger than the manifest says is not read: %s", async (file) => {
    const folder = writeBundle("linear");
    enlarge(join(folder, file));
    let error: InnerloopError | undefined;
    expect(await growth(async () => (error = await refusal(Learner.load(folder, CPU))))).toBeLessThan(2 ** 24);
    expect(error!.code).toBe("bundle-altered");
    expect(error!.message).toMatch(/onnx: it has 3221225472 bytes, and the bundle's \w+\.onnx may have \d+; copy the/);
  });

  it("that is the manifest has a bound, too", async () => {
    const folder = writeBundle("linear");
    enlarge(join(folder, "manifest.json"));
    expect(await growth(() => refusal(Learner.load(folder, CPU)))).toBeLessThan(2 ** 24);
    const error = await refusal(Learner.load(folder, CPU));
    expect([error.code, error.message]).toEqual([
      "bundle-altered",
      expect.stringMatching(
        /manifest\.json: it has 3221225472 bytes, and the bundle's manifest\.json may have 16777216/,
      ),
    ]);
  });

  it.skipIf(!unix).each([
    ["a pipe that nobody writes to", fifo],
    ["a device without end", device],
  ])("that is %s is refused at once", async (_, replace) => {
    for (const file of ["manifest.json", "adapt.onnx"]) {
      const folder = writeBundle("linear");
      replace(join(folder, file));
      const error = await refusal(Learner.load(folder, CPU));
      expect([error.code, error.message]).toEqual([
        "file-unreadable",
        expect.stringMatching(/cannot be read \(it is a pipe or a device, not a file\)/),
      ]);
    }
  });

  it.skipIf(!unix)("that is a socket or a folder is refused", async () => {
    const folder = writeBundle("linear");
    const server = createSocket();
    rmSync(join(folder, "adapt.onnx"));
    await new Promise<void>((resolve) => server.listen(join(folder, "adapt.onnx"), resolve));
    expect((await refusal(Learner.load(folder, CPU))).code).toBe("file-unreadable");
    await new Promise((resolve) => server.close(resolve));
    expect((await refusal(openSession(folder))).message).toMatch(/cannot be read \(it is a folder, not a file\)/);
  });

  it("may be promised by the manifest, but not beyond the limit", async () => {
    const folder = writeBundle("linear", ({ files }) => {
      files["adapt.onnx"].bytes = 2 ** 40;
    });
    enlarge(join(folder, "adapt.onnx"), 2 ** 30 + 1);
    expect(await growth(() => refusal(Learner.load(folder, CPU)))).toBeLessThan(2 ** 24);
    const error = await refusal(Learner.load(folder, CPU));
    expect([error.code, error.message]).toEqual([
      "file-too-large",
      expect.stringMatching(
        /linear: it has 1099511\d+ bytes, and a bundle may have 1073741824; give another, or a higher limit$/,
      ),
    ]);
    const whole = writeBundle("linear");
    const { files } = JSON.parse(readFileSync(join(whole, "manifest.json"), "utf8"));
    const bytes = files["adapt.onnx"].bytes + files["predict.onnx"].bytes;
    await (await Learner.load(whole, { ...CPU, limit: bytes })).dispose();
    expect((await refusal(Learner.load(whole, { ...CPU, limit: bytes - 1 }))).code).toBe("file-too-large");
    for (const limit of [-1, Number.NaN, "a" as never]) {
      expect((await refusal(Learner.load(whole, { ...CPU, limit }))).code).toBe("bad-option");
    }
  });
});

describe("over HTTP", () => {
  const folder = writeBundle("linear");
  let url: string;
  let answer: (response: ServerResponse, name: string) => boolean = () => false;
  let sent = 0;
  let open = 0;
  const server = createServer(({ url: path = "" }, response) => {
    const name = path.split("/").at(-1)!;
    open++;
    response.on("close", () => open--);
    if (!answer(response, name)) response.end(readFileSync(join(folder, name)));
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Sends zeros as long as they are taken. */
  const endless = (response: ServerResponse) => {
    const piece = Buffer.alloc(2 ** 16);
    const more = () => {
      while (!response.destroyed && response.write(piece)) sent += piece.length;
      sent += piece.length;
    };
    response.on("drain", more);
    more();
    return true;
  };
  const closed = async () => {
    for (let i = 0; open > 0 && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(open).toBe(0);
  };

  it.each(["manifest.json", "adapt.onnx", "predict.onnx"])(
    "%s without end is cut where it is too long",
    async (file) => {
      sent = 0;
      answer = (response, name) => name === file && endless(response);
      const error = await refusal(Learner.load(url, CPU));
      expect([error.code, error.message]).toEqual(["bundle-altered", expect.stringContaining("it has more than")]);
      await closed();
      expect(sent).toBeLessThan(2 ** 25);
    },
  );

  it("what is announced as too long is not read", async () => {
    sent = 0;
    answer = (response, name) => {
      if (name !== "adapt.onnx") return false;
      response.writeHead(200, { "content-length": 2 ** 40 });
      return endless(response);
    };
    const error = await refusal(Learner.load(url, CPU));
    expect([error.code, error.message]).toEqual(["bundle-altered", expect.stringContaining("1099511627776 bytes")]);
    await closed();
    expect(sent).toBeLessThan(2 ** 23);
  });

  it("what says that it is not there may go on for ever, and is not read", async () => {
    sent = 0;
    answer = (response) => endless(response.writeHead(404));
    expect((await refusal(Learner.load(url, CPU))).code).toBe("bundle-missing");
    await closed();
    expect(sent).toBeLessThan(2 ** 23);
  });

  it.each([
    ["never answers", () => true],
    ["stops in the middle", (response: ServerResponse) => response.write("{") || true],
  ])("a signal ends the wait for a server that %s", async (_, how) => {
    answer = how;
    const stop = new AbortController();
    const loading = refusal(Learner.load(url, { ...CPU, signal: stop.signal }));
    while (open === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error("enough"));
    const error = await loading;
    expect([error.code, error.cause]).toEqual(["aborted", expect.objectContaining({ message: "enough" })]);
    await closed();
    answer = () => false;
    const before = AbortSignal.abort();
    expect((await refusal(Learner.load(url, { ...CPU, signal: before }))).code).toBe("aborted");
  });

  it("a signal that never comes changes nothing, and keeps nothing", async () => {
    answer = () => false;
    const { signal } = new AbortController();
    let listening = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listening++;
      add(...given);
    };
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listening--;
      remove(...given);
    };
    const learner = await Learner.load(folder, { ...CPU, signal });
    const mine = learner.start();
    await learner.restore(await mine.toBytes(), { signal });
    await learner.dispose();
    expect(listening).toBe(0);
  });
});

describe("a personal model and an image", () => {
  const preprocessing = { kind: "image", width: 2, height: 2, channels: 1, invert: false, mean: 0, std: 1 } as const;
  let learner: Learner;
  beforeAll(async () => {
    learner = await Learner.load(
      writeBundle("linear", (manifest) => Object.assign(manifest.input, { preprocessing })),
      CPU,
    );
  });
  afterAll(() => learner.dispose());

  it("are bounded, by themselves and by a limit", async () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    enlarge(file, 2 ** 30 + 1);
    const [restoring, example] = [() => learner.restore(file), () => learner.example(file)];
    expect(await growth(() => refusal(restoring()))).toBeLessThan(2 ** 24);
    expect((await refusal(restoring())).message).toMatch(
      /it has 1073741825 bytes, and a personal model may have 1073741824/,
    );
    expect(await growth(() => refusal(example()))).toBeLessThan(2 ** 24);
    expect((await refusal(example())).message).toMatch(/it has 1073741825 bytes, and an image may have 268435456/);
    truncateSync(file, 101);
    expect((await refusal(learner.restore(file, { limit: 100 }))).code).toBe("file-too-large");
    expect((await refusal(learner.example(file, { limit: 100 }))).code).toBe("file-too-large");
    expect((await refusal(learner.example(new Blob(["a".repeat(101)]), { limit: 100 }))).code).toBe("file-too-large");
  });

  it.skipIf(!unix)("are no pipe and no device", async () => {
    const pipe = fifo(join(temporaryFolder(), "pipe"));
    for (const place of [pipe, "/dev/zero", "/dev/null"]) {
      expect((await refusal(learner.restore(place))).code).toBe("file-unreadable");
      expect((await refusal(learner.example(place))).code).toBe("file-unreadable");
      expect((await refusal(openSession(place))).code).toBe("file-unreadable");
    }
    // Nothing waits at the pipe: opening it for writing alone finds no reader.
    expect(() => openSync(pipe, 0o4001)).toThrow("ENXIO");
  });

  it("end with their signal, also where they wait for their turn", async () => {
    expect((await refusal(learner.restore("nowhere", { signal: AbortSignal.abort() }))).code).toBe("aborted");
    const waiting = createServer(() => undefined);
    await new Promise<void>((resolve) => waiting.listen(0, "127.0.0.1", resolve));
    const place = `http://127.0.0.1:${(waiting.address() as AddressInfo).port}/`;
    const stop = new AbortController();
    const calls = Array.from({ length: 12 }, () => refusal(learner.example(place, { signal: stop.signal })));
    calls.push(refusal(learner.restore(place, { signal: stop.signal })));
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort();
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(new Array(13).fill("aborted"));
    // The places that they had are free again.
    const picture = await learner.example({ data: new Uint8Array(4), width: 2, height: 2 });
    expect(picture.length).toBe(4);
    expect((await refusal(learner.example("nowhere.png"))).code).toBe("file-missing");
    waiting.closeAllConnections();
    waiting.close();
  });
});
