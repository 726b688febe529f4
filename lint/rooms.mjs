// The rooms, their doors, and who may come in by which: the one table that the rules of the lint are written from.
// docs/architecture.md says why; test/workspace.test.ts holds that page, biome.json and every package.json to this table.

/**
 * Rooms in an order in which each imports only those before it. `doors` are what its package.json exports, by their names
 * after the package's; `imports` are the doors of other rooms that it may import; `never` are packages that it must not bring.
 */
export const rooms = [
  {
    folder: "schemas",
    package: "@innerloop/schemas",
    doors: ["", "/bundle", "/preprocessing", "/onnx"],
    imports: [],
  },
  {
    folder: "graph",
    package: "@innerloop/graph",
    doors: [""],
    imports: ["@innerloop/schemas", "@innerloop/schemas/onnx"],
  },
  {
    folder: "runtime",
    package: "@innerloop/runtime",
    doors: ["", "/session", "/input", "/libraries", "/files", "/threads", "/small", "/wasm"],
    imports: ["@innerloop/schemas/bundle", "@innerloop/schemas/preprocessing"],
    never: {
      packages: ["protobufjs", "protobufjs/**", "@tensorflow/**"],
      because: "runtime/ goes onto devices: neither protobufjs nor TensorFlow.js.",
    },
  },
  {
    folder: "native",
    package: "@innerloop/native",
    doors: ["", "/plan"],
    imports: ["@innerloop/schemas", "@innerloop/schemas/bundle", "@innerloop/schemas/onnx"],
  },
  {
    folder: "bundles",
    package: "@innerloop/bundles",
    doors: [""],
    imports: ["@innerloop/schemas/bundle"],
  },
  {
    folder: "export",
    package: "@innerloop/export",
    doors: [""],
    imports: [
      "@innerloop/graph",
      "@innerloop/runtime",
      "@innerloop/runtime/files",
      "@innerloop/runtime/session",
      "@innerloop/schemas",
    ],
  },
  {
    folder: "train",
    package: "@innerloop/train",
    doors: [""],
    imports: [
      "@innerloop/graph",
      "@innerloop/native",
      "@innerloop/runtime",
      "@innerloop/runtime/files",
      "@innerloop/runtime/input",
      "@innerloop/runtime/session",
      "@innerloop/runtime/threads",
      "@innerloop/runtime/wasm",
      "@innerloop/schemas",
      "@innerloop/schemas/bundle",
      "@innerloop/schemas/onnx",
    ],
  },
  {
    folder: "measure",
    package: "@innerloop/measure",
    doors: [""],
    imports: [
      "@innerloop/export",
      "@innerloop/graph",
      "@innerloop/native",
      "@innerloop/runtime",
      "@innerloop/runtime/session",
      "@innerloop/runtime/threads",
      "@innerloop/schemas",
      "@innerloop/train",
    ],
  },
  {
    folder: "setup",
    package: "@innerloop/setup",
    doors: [""],
    imports: [
      "@innerloop/export",
      "@innerloop/graph",
      "@innerloop/native",
      "@innerloop/runtime",
      "@innerloop/runtime/files",
      "@innerloop/runtime/libraries",
      "@innerloop/runtime/session",
      "@innerloop/schemas",
      "@innerloop/train",
    ],
  },
  {
    folder: "demo",
    package: "@innerloop/demo",
    doors: [""],
    imports: ["@innerloop/bundles", "@innerloop/runtime", "@innerloop/schemas", "@innerloop/schemas/bundle"],
  },
  {
    folder: "cli",
    package: "innerloop",
    doors: [""],
    imports: [
      "@innerloop/bundles",
      "@innerloop/demo",
      "@innerloop/export",
      "@innerloop/graph",
      "@innerloop/measure",
      "@innerloop/runtime",
      "@innerloop/runtime/files",
      "@innerloop/runtime/input",
      "@innerloop/runtime/libraries",
      "@innerloop/schemas",
      "@innerloop/schemas/onnx",
      "@innerloop/setup",
      "@innerloop/train",
    ],
  },
];

/** Folders around the rooms, which may come in by every door. */
export const around = ["test", "bench", "examples", "docs"];

/** Every door of every room, as it is imported. */
export const doors = rooms.flatMap((room) => room.doors.map((door) => room.package + door));
