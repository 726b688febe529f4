// The server example as a user starts it: a process of its own, spoken to over HTTP, restarted in between.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "@innerloop/export";
import { mlp, prototypeLearner } from "@innerloop/train";
import { afterEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../cli/innerloop.ts";
import { randomWeights } from "../export/learners.ts";

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
});
