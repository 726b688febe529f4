// A personal model for each user behind HTTP: what a user taught is learned at once, kept on disk, and forgotten on request.
// Run: node examples/dist/node-server/server.js BUNDLE [FOLDER]     (PORT, HOST; KEY: 64 hexadecimal digits, encrypts the files)
import { hkdfSync } from "node:crypto";
import { mkdir, open as openFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InnerloopError, Learner, type Personal } from "@innerloop/runtime";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";

/** Where the users' files are, and the 32 bytes from which each user's key is made, if they are encrypted. */
export interface ServerOptions {
  readonly folder: string;
  readonly key?: Uint8Array;
}

const user = { type: "object", properties: { user: { type: "string", pattern: "^[\\w-]{1,64}$" } } } as const;
const data = { type: "array", items: { type: "number" } } as const;
const taught = {
  type: "object",
  required: ["label", "data"],
  properties: { label: { type: "string", minLength: 1, maxLength: 200 }, data },
} as const;
const asked = { type: "object", required: ["data"], properties: { data } } as const;

type UserParams = { Params: { user: string } };

/** A user whose model is in memory. */
interface User {
  /** Opened once: calls that come together share it. */
  model?: Promise<Personal>;
  /** The end of the change that was asked for last. */
  changed: Promise<unknown>;
  /** Calls that run now. */
  calls: number;
}

/** A place in the row of a user's changes. */
interface Place {
  /** The end of the change before it. */
  readonly before: Promise<unknown>;
  state: "waiting" | "running" | "over";
  end(): void;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Calls of this route change something of their user. */
    changes?: boolean;
  }
}

/** Users that are kept in memory; of more, those that called last. Everybody's model is on disk. */
const KEPT = 1000;

/** The server around a bundle; the learner stays the caller's. */
export function createServer(learner: Learner, { folder, key }: ServerOptions): FastifyInstance {
  const app = fastify({ logger: process.env.LOG === "1", requestTimeout: 30_000 });
  const users = new Map<string, User>();

  // Capitals are written otherwise, since on many disks Ada and ada would be one file.
  const fileOf = (id: string): string =>
    join(folder, `${id.replace(/[A-Z]/g, (letter) => `+${letter.toLowerCase()}`)}.safetensors`);
  // A key of the user's own (HKDF, RFC 5869), so that a file that is put in another's place cannot be opened there.
  const secretOf = (id: string) =>
    key === undefined ? {} : { key: new Uint8Array(hkdfSync("sha256", key, "", `innerloop user ${id}`, 32)) };

  const enter = (id: string): User => {
    const user = users.get(id) ?? { changed: Promise.resolve(), calls: 0 };
    users.delete(id);
    users.set(id, user);
    user.calls++;
    return user;
  };
  const leave = (user: User): void => {
    user.calls--;
    for (const [id, { calls }] of users) {
      if (users.size <= KEPT) break;
      if (calls === 0) users.delete(id);
    }
  };
  const during = async <T>(id: string, call: (user: User) => Promise<T>): Promise<T> => {
    const user = enter(id);
    try {
      return await call(user);
    } finally {
      leave(user);
    }
  };
  const modelOf = (id: string, user: User): Promise<Personal> => {
    user.model ??= open(id).catch((error) => {
      delete user.model;
      throw error;
    });
    return user.model;
  };
  const open = async (id: string): Promise<Personal> => {
    const known = await stat(fileOf(id)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    return known ? learner.restore(fileOf(id), secretOf(id)) : learner.start();
  };

  // One change of a user after the other, deleting included, each on disk before the next begins and before it is answered.
  // The place in the row is taken when a request arrives: one whose body takes longer to read comes no later for that.
  const places = new WeakMap<object, Place>();
  const takePlace = (id: string): Place => {
    const user = enter(id);
    const before = user.changed;
    let free = (): void => undefined;
    user.changed = Promise.all([before, new Promise<void>((resolve) => (free = resolve))]);
    const place: Place = {
      before,
      state: "waiting",
      end: () => {
        if (place.state !== "over") leave(user);
        place.state = "over";
        free();
      },
    };
    return place;
  };
  app.addHook<UserParams>("onRequest", async (request, reply) => {
    if (!request.routeOptions.config.changes) return;
    const place = takePlace(request.params.user);
    places.set(request, place);
    // A request that never comes to its change, such as one that is wrong or breaks off.
    const over = () => {
      if (place.state === "waiting") place.end();
    };
    reply.raw.once("finish", over).once("close", over);
  });
  const change = async <T>(request: FastifyRequest<UserParams>, what: (user: User) => Promise<T>): Promise<T> => {
    const { user: id } = request.params;
    let place = places.get(request);
    if (place?.state !== "waiting") place = takePlace(id);
    place.state = "running";
    try {
      await place.before;
      return await during(id, what);
    } finally {
      place.end();
    }
  };
  const learn = <T extends object>(request: FastifyRequest<UserParams>, what: (mine: Personal) => Promise<T>) =>
    change(request, async (user) => {
      const { user: id } = request.params;
      const mine = await modelOf(id, user);
      const said = await what(mine);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await mine.save(fileOf(id), secretOf(id));
      } catch (error) {
        // What is not on disk was not learned.
        await mine.undo();
        throw error;
      }
      return { ...said, ...summary(mine) };
    });
  const summary = (mine: Personal) => ({ labels: mine.labels, examples: mine.examples, ready: mine.ready });

  app.setErrorHandler((error, _, reply) => {
    // What the runtime refuses is the caller's to mend and says how; everything else is ours.
    const status = error instanceof InnerloopError && error.exitStatus === 2 ? 422 : undefined;
    const { statusCode = 500, code = "internal" } = error as { statusCode?: number; code?: string };
    reply.code(status ?? statusCode).send({ code, message: error instanceof Error ? error.message : String(error) });
  });
  app.get<UserParams>("/users/:user", { schema: { params: user } }, ({ params }) =>
    during(params.user, async (user) => summary(await modelOf(params.user, user))),
  );
  app.post<UserParams & { Body: { label: string; data: number[] } }>(
    "/users/:user/examples",
    { schema: { params: user, body: taught }, config: { changes: true } },
    (request) =>
      learn(request, async (mine) => {
        const [id] = await mine.add(request.body.label, request.body.data);
        return { id };
      }),
  );
  app.delete<{ Params: { user: string; which: string } }>(
    "/users/:user/examples/:which",
    { schema: { params: user }, config: { changes: true } },
    (request) =>
      learn(request, async (mine) => {
        await mine.remove(request.params.which);
        return {};
      }),
  );
  app.post<UserParams & { Body: { data: number[] } }>(
    "/users/:user/predict",
    { schema: { params: user, body: asked } },
    ({ params, body }) => during(params.user, async (user) => (await modelOf(params.user, user)).predict(body.data)),
  );
  app.delete<UserParams>("/users/:user", { schema: { params: user }, config: { changes: true } }, (request) =>
    change(request, async (user) => {
      await rm(fileOf(request.params.user), { force: true });
      await settled(folder);
      delete user.model;
      return { forgotten: request.params.user };
    }),
  );
  return app;
}

/** Waits until the disk itself knows what a folder holds, where systems let one ask for that. */
async function settled(folder: string): Promise<void> {
  const handle = await openFile(folder).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * The key of the environment; none where there is no such variable.
 *
 * @throws Error for one that is set and is no key: files that should be encrypted are not written in the clear.
 */
export function keyFrom(text: string | undefined): { key?: Uint8Array } {
  if (text === undefined) return {};
  if (/^[0-9a-f]{64}$/i.test(text)) return { key: new Uint8Array(Buffer.from(text, "hex")) };
  throw new Error(
    `KEY has ${text.length} characters; 64 hexadecimal digits were expected, as "openssl rand -hex 32" gives; ` +
      "leave KEY out to keep the files in the clear",
  );
}

async function main([bundle = "bundle", folder = "users"]: string[]): Promise<void> {
  const { PORT = "3000", HOST = "127.0.0.1", KEY } = process.env;
  const options = { folder, ...keyFrom(KEY) };
  const learner: Learner = await Learner.load(bundle);
  const server = createServer(learner, options);
  console.log(
    `${learner.manifest.name} on ${learner.provider.name}: ${await server.listen({ port: +PORT, host: HOST })}`,
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void server.close().then(() => learner.dispose()));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
