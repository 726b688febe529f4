// A personal model for each user behind HTTP: what a user taught is learned at once, kept on disk, and forgotten on request.
// Run: node examples/dist/node-server/server.js BUNDLE [FOLDER]     (PORT, HOST; KEY: 64 hexadecimal digits, encrypts the files)
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InnerloopError, Learner, type Personal } from "@innerloop/runtime";
import fastify, { type FastifyInstance } from "fastify";

/** Where the users' files are, and the 32 bytes that they are encrypted with, if any. */
export interface ServerOptions {
  readonly folder: string;
  readonly key?: Uint8Array;
}

const user = { type: "object", properties: { user: { type: "string", pattern: "^[\\w-]{1,64}$" } } } as const;
const data = { type: "array", items: { type: "number" } } as const;
const taught = {
  type: "object",
  required: ["label", "data"],
  properties: { label: { type: "string", minLength: 1 }, data },
} as const;
const asked = { type: "object", required: ["data"], properties: { data } } as const;

type User = { Params: { user: string } };

/** The server around a bundle; the learner stays the caller's. */
export function createServer(learner: Learner, { folder, key }: ServerOptions): FastifyInstance {
  const app = fastify({ logger: process.env.LOG === "1" });
  const options = key === undefined ? {} : { key };
  const fileOf = (id: string): string => join(folder, `${id}.safetensors`);
  // A user's model is opened once: calls that come together share it, and its changes wait for each other.
  const users = new Map<string, Promise<Personal>>();
  const open = async (id: string): Promise<Personal> => {
    const known = await stat(fileOf(id)).catch(() => undefined);
    return known ? learner.restore(fileOf(id), options) : learner.start();
  };
  const personal = (id: string): Promise<Personal> => {
    const opening =
      users.get(id) ??
      open(id).catch((error) => {
        users.delete(id);
        throw error;
      });
    users.set(id, opening);
    return opening;
  };
  const summary = (mine: Personal) => ({ labels: mine.labels, examples: mine.examples, ready: mine.ready });
  // One save after the other, so that the newest state is the one that stays.
  const saves = new Map<string, Promise<void>>();
  const kept = async (id: string, mine: Personal) => {
    const saving = (saves.get(id) ?? mkdir(folder, { recursive: true }))
      .catch(() => undefined)
      .then(() => mine.save(fileOf(id), options));
    saves.set(id, saving);
    await saving;
    return summary(mine);
  };

  app.setErrorHandler((error, _, reply) => {
    // What the runtime refuses is the caller's to mend and says how; everything else is ours.
    const status = error instanceof InnerloopError && error.exitStatus === 2 ? 422 : undefined;
    const { statusCode = 500, code = "internal" } = error as { statusCode?: number; code?: string };
    reply.code(status ?? statusCode).send({ code, message: error instanceof Error ? error.message : String(error) });
  });
  app.get<User>("/users/:user", { schema: { params: user } }, async ({ params }) =>
    summary(await personal(params.user)),
  );
  app.post<User & { Body: { label: string; data: number[] } }>(
    "/users/:user/examples",
    { schema: { params: user, body: taught } },
    async ({ params, body }) => {
      const mine = await personal(params.user);
      const [id] = await mine.add(body.label, body.data);
      return { id, ...(await kept(params.user, mine)) };
    },
  );
  app.delete<{ Params: { user: string; which: string } }>(
    "/users/:user/examples/:which",
    { schema: { params: user } },
    async ({ params }) => {
      const mine = await personal(params.user);
      await mine.remove(params.which);
      return kept(params.user, mine);
    },
  );
  app.post<User & { Body: { data: number[] } }>(
    "/users/:user/predict",
    { schema: { params: user, body: asked } },
    async ({ params, body }) => (await personal(params.user)).predict(body.data),
  );
  app.delete<User>("/users/:user", { schema: { params: user } }, async ({ params }) => {
    users.delete(params.user);
    await saves.get(params.user)?.catch(() => undefined);
    await rm(fileOf(params.user), { force: true });
    return { forgotten: params.user };
  });
  return app;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [bundle = "bundle", folder = "users"] = process.argv.slice(2);
  const { PORT = "3000", HOST = "127.0.0.1", KEY } = process.env;
  const learner: Learner = await Learner.load(bundle);
  const server = createServer(learner, { folder, ...(KEY ? { key: Buffer.from(KEY, "hex") } : {}) });
  console.log(
    `${learner.manifest.name} on ${learner.provider.name}: ${await server.listen({ port: +PORT, host: HOST })}`,
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void server.close().then(() => learner.dispose()));
}
