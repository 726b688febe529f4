// Nothing is ever sent anywhere: a whole life with every way to the network cut.
import { createSocket, Socket as UdpSocket } from "node:dgram";
import dns from "node:dns";
import http from "node:http";
import https from "node:https";
import { connect, Socket } from "node:net";
import { join } from "node:path";
import { Learner } from "@innerloop/runtime";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { writeBundle } from "./fixture.ts";
import { noise, support } from "./oracle.ts";

const attempts: string[] = [];
function cut(name: string): never {
  attempts.push(name);
  throw new Error(`the network is cut: ${name}`);
}

beforeEach(() => {
  attempts.length = 0;
  vi.stubGlobal("fetch", () => cut("fetch"));
  vi.stubGlobal(
    "WebSocket",
    class {
      constructor() {
        cut("WebSocket");
      }
    },
  );
  vi.spyOn(Socket.prototype, "connect").mockImplementation(() => cut("a socket"));
  vi.spyOn(UdpSocket.prototype, "send").mockImplementation(() => cut("a datagram"));
  vi.spyOn(UdpSocket.prototype, "connect").mockImplementation(() => cut("a datagram socket"));
  vi.spyOn(dns, "lookup").mockImplementation((() => cut("a name")) as never);
  vi.spyOn(dns.promises, "lookup").mockImplementation((() => cut("a name")) as never);
  for (const module of [http, https]) {
    vi.spyOn(module, "request").mockImplementation(() => cut("a request"));
    vi.spyOn(module, "get").mockImplementation(() => cut("a request"));
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("the network is cut", () => {
  expect(() => connect(80, "127.0.0.1")).toThrow("the network is cut: a socket");
  expect(() => http.get("http://127.0.0.1/")).toThrow("the network is cut");
  const socket = createSocket("udp4");
  expect(() => socket.send("x", 53, "127.0.0.1")).toThrow("the network is cut");
  socket.close();
  expect(() => dns.lookup("localhost", () => undefined)).toThrow("the network is cut");
  expect(attempts).toHaveLength(4);
});

it("a life from loading to disposing asks the network for nothing", async () => {
  const key = new Uint8Array(32).fill(9);
  const file = join(temporaryFolder(), "mine.safetensors");
  for (const name of ["linear", "prototypes"] as const) {
    const size = name === "linear" ? 4 : 2;
    const learner = await Learner.load(writeBundle(name));
    const mine = learner.start();
    await mine.add("a", [noise(1, size), noise(2, size)], { onProgress: () => undefined });
    await mine.add("b", [noise(3, size), noise(4, size)], { check: true, signal: new AbortController().signal });
    await mine.add("c", noise(5, size));
    await mine.relabel("#5", "a");
    await mine.remove("#5");
    await mine.undo();
    await mine.predict(noise(6, size));
    await mine.evaluate([{ label: "a", data: noise(7, size) }]);
    await mine.save(file);
    await (await learner.restore(file)).save(file, { key });
    await (await learner.restore(file, { key })).predict(noise(8, size));
    if (name === "linear") await (await learner.adapt(support(9, ["a", "b"]))).predict(noise(9, 4));
    await expect(mine.remove("nobody")).rejects.toMatchObject({ code: "bad-input" });
    await learner.dispose();
    await expect(mine.predict(noise(6, size))).rejects.toMatchObject({ code: "disposed" });
  }
  expect(attempts).toEqual([]);
});
