// The server example as a user starts it: a process of its own, spoken to over HTTP, restarted in between.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildBundle } from "@innerloop/export";
import { Learner } from "@innerloop/runtime";
import { mlp, prototypeLearner } from "@innerloop/train";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { randomWeights } from "../export/learners.ts";
import { temporaryFolder } from "../support/folders.ts";

const script = fileURLToPath(new URL("../../examples/dist/node-server/server.js", import.meta.url));
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(cwd: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [script, "bundle", "users"], {
    cwd,
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  const url = /http:\S+/.exec(String(line))![0];
  const stop = async () => {
    if (child.exitCode !== null) return child.exitCode;
    child.kill("SIGTERM");
    const [status] = await once(child, "close");
    return status;
  };
  stops.push(stop);
  const call = async (method: string, path: string, body?: unknown) => {
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const reply = await fetch(`${url}${path}`, init);
    return { status: reply.status, body: await reply.json() };
  };
  return { call, stop };
}

function folderWithBundle(): string {
  const cwd = temporaryFolder();
  const learner = prototypeLearner(mlp([4], 3, { hidden: [8] }));
  const { manifest, files } = buildBundle(learner, randomWeights(learner));
  mkdirSync(join(cwd, "bundle"));
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(cwd, "bundle", file), bytes);
  writeFileSync(join(cwd, "bundle", "manifest.json"), JSON.stringify(manifest));
  return cwd;
}

const [wave, tap, circle] = [
  [1, 0, 0, 0.5],
  [0, 1, 0.5, 0],
  [-1, -1, 1, 1],
];

describe("examples/node-server", () => {
  it("learns, predicts, goes on after a restart and forgets", async () => {
    const cwd = folderWithBundle();
    const first = await start(cwd);
    expect((await first.call("GET", "/users/ada")).body).toEqual({ labels: [], examples: [], ready: false });
    // Calls that come together all count.
    const taught = await Promise.all(
      Object.entries({ wave, tap, circle }).map(([label, data]) =>
        first.call("POST", "/users/ada/examples", { label, data }),
      ),
    );
    expect(taught.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await first.call("POST", "/users/ada/predict", { data: tap })).body).toMatchObject({ label: "tap" });
    // Another user is another model.
    expect((await first.call("POST", "/users/bob/predict", { data: tap })).body.code).toBe("not-adapted");
    expect(await first.stop()).toBe(0);

    const second = await start(cwd);
    const ada = await second.call("GET", "/users/ada");
    expect([...ada.body.labels].sort()).toEqual(["circle", "tap", "wave"]);
    expect((await second.call("POST", "/users/ada/predict", { data: circle })).body).toMatchObject({ label: "circle" });
    const without = await second.call("DELETE", "/users/ada/examples/circle");
    expect([...without.body.labels].sort()).toEqual(["tap", "wave"]);
    expect((await second.call("DELETE", "/users/ada")).body).toEqual({ forgotten: "ada" });
    expect(existsSync(join(cwd, "users", "ada.safetensors"))).toBe(false);
    expect((await second.call("GET", "/users/ada")).body.labels).toEqual([]);
  });

  it("says what is wrong with a call", async () => {
    const { call } = await start(folderWithBundle());
    const short = await call("POST", "/users/ada/examples", { label: "wave", data: [1, 2] });
    expect([short.status, short.body.code]).toEqual([422, "bad-input"]);
    expect(short.body.message).toContain("this bundle takes 4");
    expect((await call("POST", "/users/ada/examples", { label: "wave" })).status).toBe(400);
    expect((await call("GET", "/users/..%2Fsecret")).status).toBe(400);
    expect((await call("DELETE", "/users/ada/examples/none")).status).toBe(422);
  });

  it("encrypts what it keeps", async () => {
    const cwd = folderWithBundle();
    const KEY = "0123456789abcdef".repeat(4);
    const first = await start(cwd, { KEY });
    await first.call("POST", "/users/ada/examples", { label: "secret-word", data: wave });
    await first.stop();
    const [file = ""] = readdirSync(join(cwd, "users"));
    expect(readFileSync(join(cwd, "users", file)).includes("secret-word")).toBe(false);
    const again = await start(cwd, { KEY });
    expect((await again.call("GET", "/users/ada")).body.labels).toEqual(["secret-word"]);
    await again.stop();
    const other = await start(cwd, { KEY: "f".repeat(64) });
    expect((await other.call("GET", "/users/ada")).body.code).toBe("wrong-key");
  });

  it("does not start with a KEY that is none", () => {
    const cwd = folderWithBundle();
    for (const KEY of ["", "secret", "0".repeat(63), "0".repeat(65), `${"0".repeat(63)}g`]) {
      const env = { ...process.env, PORT: "0", KEY };
      const { status, stderr } = spawnSync(process.execPath, [script, "bundle", "users"], {
        cwd,
        env,
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([
        1,
        `KEY has ${KEY.length} characters; 64 hexadecimal digits were expected, as "openssl rand -hex 32" gives; leave KEY out to keep the files in the clear\n`,
      ]);
    }
  });
});

describe("examples/node-server, call by call", () => {
  interface Reply {
    readonly statusCode: number;
    json(): { id: string; code: string; labels: string[]; examples: { id: string }[] };
  }
  interface Server {
    inject(call: { method: string; url: string; payload?: object }): Promise<Reply>;
    listen(at: { port: number; host: string }): Promise<string>;
    close(): Promise<void>;
  }
  let learner: Learner;
  let folder: string;
  let server: Server;
  const key = new Uint8Array(32).fill(7);
  const open = async (options: { key?: Uint8Array } = {}): Promise<Server> => {
    const { createServer } = await import(pathToFileURL(script).href);
    return createServer(learner, { folder, ...options });
  };
  const post = (user: string, label: string, payload: number[], to = server) =>
    to.inject({ method: "POST", url: `/users/${user}/examples`, payload: { label, data: payload } });
  const forget = (user: string) => server.inject({ method: "DELETE", url: `/users/${user}` });
  const look = (user: string, at = server) => at.inject({ method: "GET", url: `/users/${user}` });

  beforeEach(async () => {
    const cwd = folderWithBundle();
    folder = join(cwd, "users");
    learner = await Learner.load(join(cwd, "bundle"), { provider: "cpu" });
    server = await open();
  });
  afterEach(async () => {
    await server.close();
    await learner.dispose();
  });

  it("a user who is deleted does not come back by what was written before", async () => {
    const names = Array.from({ length: 30 }, (_, i) => `user${i}`);
    await Promise.all(names.map((name) => post(name, "wave", wave!)));
    const calls = names.flatMap((name) => [post(name, "tap", tap!), post(name, "circle", circle!), forget(name)]);
    expect((await Promise.all(calls)).map(({ statusCode }) => statusCode)).toEqual(calls.map(() => 200));
    expect(readdirSync(folder)).toEqual([]);
    for (const name of names) expect((await look(name)).json().labels).toEqual([]);
    // Who comes after that starts anew, and stays.
    await Promise.all([forget("ada"), post("ada", "tap", tap!)]);
    expect((await look("ada")).json().labels).toEqual(["tap"]);
    expect(readdirSync(folder)).toEqual(["ada.safetensors"]);
  });

  it("calls that are wrong or break off hold nobody up", async () => {
    const wrong = { method: "POST", url: "/users/ada/examples" };
    const calls = [server.inject({ ...wrong, payload: {} }), server.inject(wrong), post("ada", "tap", tap!)];
    expect((await Promise.all(calls)).map(({ statusCode }) => statusCode)).toEqual([400, 400, 200]);
    const { port, hostname } = new URL(await server.listen({ port: 0, host: "127.0.0.1" }));
    const socket = connect(Number(port), hostname);
    socket.write(
      "POST /users/ada/examples HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{",
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const later = post("ada", "wave", wave!);
    socket.destroy();
    expect((await later).json().labels).toEqual(["tap", "wave"]);
  });

  it("what is answered is on disk", async () => {
    const check = async (label: string, data: number[]) => {
      const { id } = (await post("ada", label, data)).json();
      const now = await learner.restore(join(folder, "ada.safetensors"));
      expect(now.examples.map((example) => example.id)).toContain(id);
    };
    const examples = Array.from({ length: 8 }, (_, i) => [...[wave, tap, circle][i % 3]!.slice(1), i]);
    await Promise.all(examples.map((data, i) => check(`label ${i % 3}`, data)));
    expect((await look("ada")).json().examples.length).toBe(8);
  });

  it("what cannot be written is not learned", async () => {
    await post("ada", "wave", wave!);
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, "");
    expect((await post("ada", "tap", tap!)).statusCode).toBe(500);
    expect((await server.inject({ method: "DELETE", url: "/users/ada/examples/wave" })).statusCode).toBe(500);
    expect((await look("ada")).json().labels).toEqual(["wave"]);
    rmSync(folder);
    renameSync(`${folder}.away`, folder);
    expect((await post("ada", "tap", tap!)).json().labels).toEqual(["wave", "tap"]);
  });

  it("a sealed file is its user's alone, and one in the clear is not taken for one", async () => {
    const sealed = await open({ key });
    await post("ada", "wave", wave!, sealed);
    copyFileSync(join(folder, "ada.safetensors"), join(folder, "bob.safetensors"));
    expect((await look("bob", sealed)).json().code).toBe("wrong-key");
    expect((await look("ada", sealed)).json().labels).toEqual(["wave"]);
    await post("eve", "tap", tap!);
    expect((await look("eve", sealed)).json().code).toBe("not-encrypted");
    await sealed.close();
    const again = await open({ key });
    expect((await look("ada", again)).json().labels).toEqual(["wave"]);
    await again.close();
  });

  it("every user has a file of their own, on any disk, and inside the folder", async () => {
    await post("Ada", "wave", wave!);
    await post("ada", "tap", tap!);
    const files = readdirSync(folder);
    expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(2);
    expect((await look("Ada")).json().labels).toEqual(["wave"]);
    for (const user of ["..", "a%2F..%2Fb", "%2e%2e%2fada", "a.b", "+ada", "a".repeat(65), "a%00b", "a%5Cb"]) {
      expect([user, (await post(user, "tap", tap!)).statusCode]).toEqual([user, user === ".." ? 404 : 400]);
    }
    expect(readdirSync(folder)).toEqual(files);
  });

  it("keeps the models of a thousand users in memory, and forgets none", async () => {
    await post("first", "wave", wave!);
    for (let i = 0; i < 1100; i++) await look(`guest${i}`);
    expect((await post("first", "tap", tap!)).json().labels).toEqual(["wave", "tap"]);
  });
});
