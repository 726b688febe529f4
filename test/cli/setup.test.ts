// `innerloop setup`: what is made, tried and put to use; what stays as it was when something fails or is stopped. The real
// TensorFlow takes part where INNERLOOP_TENSORFLOW names a wheel or a Python that has it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { missingLibraries, readNativeFile } from "@innerloop/runtime/libraries";
import { brokenTensorFlow, installedTensorFlow, type TensorFlowModule } from "@innerloop/train";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { filesIn, temporaryFolder } from "../support/folders.ts";
import { type Call, innerloop } from "../support/innerloop.ts";
import {
  library,
  nativeFolder,
  record,
  tensorFlowFiles,
  wheel,
  write,
  writeCompiler,
  writeInstallation,
  writeLostNpm,
  writePrograms,
  writeStockNpm,
  writeStockNpmWithoutDownload,
  writeTensorFlow,
} from "./setup-fixtures.ts";

const here = `${process.platform}-${process.arch}`;
const cwd = temporaryFolder();
const place = (...parts: string[]) => join(cwd, ...parts);
const tag = "cp311-cp311-manylinux_2_27_x86_64.whl";

describe("a wrong call", () => {
  it.each([
    [["setup"], /stack/],
    [["setup", "cudaa"], /"cudaa" cannot be set up; tfjs-gpu and cuda can; did you mean cuda\?/],
    [["setup", "tfjs-gpu", "--undo", "--from", "stock"], /--undo takes away/],
    [["setup", "tfjs-gpu", "--anyway"], /--anyway belongs to innerloop setup cuda/],
  ])("%j is told, with status 2", async (args, message) => {
    const { status, stdout, stderr } = await innerloop(args as string[], { cwd });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

// The stand-ins are programs with a #! line, and libraries of this system.
describe.skipIf(here !== "linux-x64")("setup tfjs-gpu", () => {
  let home: string;
  let count = 0;
  const root = () => join(home, "stacks", "tensorflow");
  const programs = () => place("programs");
  const call = (args: readonly string[], more: Partial<Call> & { readonly programs?: string } = {}) => {
    const { programs: first = programs(), env, ...rest } = more;
    const path = [first, programs(), process.env.PATH].join(delimiter);
    return innerloop(["setup", "tfjs-gpu", ...args], {
      cwd,
      ...rest,
      env: {
        INNERLOOP_HOME: home,
        PATH: path,
        LD_LIBRARY_PATH: nativeFolder,
        VIRTUAL_ENV: "",
        CONDA_PREFIX: "",
        ...env,
      },
    });
  };
  const installed = () => {
    process.env.INNERLOOP_HOME = home;
    return installedTensorFlow();
  };
  /** Every file of the home folder but those that come and go. */
  const state = () => filesIn(home).filter((file) => !/staging-|\/lock$/.test(file));

  beforeAll(() => {
    writePrograms(programs());
    writeTensorFlow(place("site"));
  });
  beforeEach(() => {
    home = place(`home${count++}`);
  });

  it("makes a stack that computes, has the one after it take its place, and goes back one by one", async () => {
    expect(installed()).toBeUndefined();
    const first = await call(["--from", "site", "--json"]);
    expect(first, first.stderr).toMatchObject({ status: 0 });
    const made = JSON.parse(first.stdout);
    expect(made).toMatchObject({ stack: "tfjs-gpu", version: "2.99.0", gpu: false, engine: "tfjs:tfjs-node" });
    expect(installed()).toMatchObject({ folder: made.folder, version: "2.99.0", gpu: false });
    expect(brokenTensorFlow(installed()!)).toBeUndefined();

    const second = await call(["--from", "site", "--json"]);
    expect(second, second.stderr).toMatchObject({ status: 0 });
    expect(installed()!.folder).toBe(JSON.parse(second.stdout).folder);
    expect(installed()!.folder).not.toBe(made.folder);

    const back = await call(["--undo"]);
    expect(back).toMatchObject({ status: 0 });
    expect(back.stdout).toContain("Back to TensorFlow 2.99.0");
    expect(installed()!.folder).toBe(made.folder);
    expect((await call(["--undo", "--json"])).stdout).toContain('"current": null');
    expect(installed()).toBeUndefined();
    expect(readdirSync(root())).toEqual(["current.json"]);
    expect(await call(["--undo"])).toMatchObject({ status: 2, stderr: expect.stringContaining("nothing to undo") });
  });

  it("registers its kernels in the tfjs-core that is handed over, and says so once", async () => {
    await call(["--from", "site"]);
    const script = `
      const tf = require(${JSON.stringify(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core"))});
      const { register } = require(${JSON.stringify(installed()!.module)});
      const facts = [register(tf), register(tf)];
      let other = "taken";
      try { register({}); } catch (error) { other = error.message; }
      console.log(JSON.stringify({ facts, other, backend: tf.findBackend("tensorflow") !== null }));`;
    const env = { ...process.env, LD_LIBRARY_PATH: nativeFolder };
    expect(JSON.parse(execFileSync(process.execPath, ["-e", script], { encoding: "utf8", env }))).toEqual({
      facts: [
        { version: "2.99.0", gpu: false },
        { version: "2.99.0", gpu: false },
      ],
      other: "the kernels are registered in another copy of tfjs-core",
      backend: true,
    });
  });

  it("takes the libraries out of a wheel, and needs nothing else then", async () => {
    const file = write(place(`tensorflow_cpu-2.99.0-${tag}`), wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles));
    const { status, stderr } = await call(["--from", file]);
    expect(status, stderr).toBe(0);
    const { folder, needs } = installed()!;
    expect(needs).toEqual([]);
    expect(readFileSync(join(folder, "tensorflow", "libtensorflow_cc.so.2")).equals(library)).toBe(true);
    expect(readdirSync(join(folder, "tensorflow")).sort()).toEqual([
      "libtensorflow_cc.so.2",
      "libtensorflow_framework.so.2",
    ]);
  });

  it("links to a Python's libraries, and says what to run when they are gone", async () => {
    const site = writeTensorFlow(place("passing"));
    await call(["--from", "passing"]);
    rmSync(site, { recursive: true });
    expect(brokenTensorFlow(installed()!)).toMatch(
      /passing\/tensorflow\/libtensorflow_cc\.so\.2, .* no longer there; .* run innerloop setup tfjs-gpu --from .*passing$/,
    );
  });

  it("installs the stock package without a TensorFlow.js of its own", async () => {
    writeStockNpm(place("stock"));
    const { status, stdout, stderr } = await call(["--from", "stock", "--json"], { programs: place("stock") });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: "2.99.0", gpu: false, engine: "tfjs:tfjs-node" });
    expect(installed()).toMatchObject({ gpu: true, remedy: "innerloop setup tfjs-gpu --from stock" });
  });

  it("says what else there is where the stock package cannot download", async () => {
    writeStockNpmWithoutDownload(place("stuck"));
    const { status, stderr } = await call(["--from", "stock"], { programs: place("stuck") });
    expect(stderr).toMatch(/storage\.googleapis\.com, which cannot be reached .*HTTPS_PROXY.*pip install 'tensorflow/s);
    expect(status).toBe(1);
    expect(installed()).toBeUndefined();
  });

  describe("that fails or is stopped", () => {
    let before: string[];
    beforeEach(async () => {
      await call(["--from", "site"]);
      before = state();
      expect(before.length).toBeGreaterThan(4);
    });
    const unchanged = () => {
      expect(state()).toEqual(before);
      expect(installed()!.version).toBe("2.99.0");
    };

    /** An archive with another name of the same length for one of its files. */
    const renamed = (zip: Uint8Array, from: string, to: string): Uint8Array =>
      Buffer.from(Buffer.from(zip).toString("latin1").replaceAll(from, to), "latin1");
    /** An archive whose table of contents says that each of its files has so many bytes. */
    const saying = (zip: Uint8Array, size: number): Uint8Array => {
      const view = new DataView(zip.buffer, zip.byteOffset, zip.length);
      for (let at = 0; at < zip.length - 46; at++)
        if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, size, true);
      return zip;
    };

    const altered = { ...tensorFlowFiles, "tensorflow/libtensorflow_cc.so.2": Buffer.from("altered") };
    const files: Record<string, Uint8Array> = {
      "tensorflow_cpu-2.99.0-cp311-cp311-manylinux_2_27_aarch64.whl": wheel(
        "tensorflow_cpu",
        "2.99.0",
        tensorFlowFiles,
      ),
      [`altered-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", altered, tensorFlowFiles),
      [`numpy-2.0.0-${tag}`]: wheel("numpy", "2.0.0", { "numpy/__init__.py": Buffer.from("") }),
      [`cut-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles).subarray(0, 9000),
      [`text-2.99.0-${tag}`]: Buffer.from("hello"),
      [`outside-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", {
        ...tensorFlowFiles,
        "tensorflow/include/tensorflow/c/../../../../../../outside.h": Buffer.from("// outside"),
      }),
      [`absolute-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", {
        ...tensorFlowFiles,
        "/outside.h": Buffer.from(""),
      }),
      [`twice-2.99.0-${tag}`]: renamed(
        wheel("tensorflow_cpu", "2.99.0", { ...tensorFlowFiles, "tensorflow/a.h": library, "tensorflow/b.h": library }),
        "tensorflow/b.h",
        "tensorflow/a.h",
      ),
      [`bomb-2.99.0-${tag}`]: wheel("tensorflow_cpu", "2.99.0", { "tensorflow/zeros": new Uint8Array(2 ** 28) }),
      [`lie-2.99.0-${tag}`]: saying(wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles), 10),
      [`pointer-2.99.0-${tag}`]: Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
      [`page-2.99.0-${tag}`]: Buffer.from("<!doctype html>\n"),
    };
    it.each([
      [
        `tensorflow_cpu-2.99.0-cp311-cp311-manylinux_2_27_aarch64.whl`,
        2,
        /is for manylinux_2_27_aarch64, and this is linux-x64/,
      ],
      [`altered-2.99.0-${tag}`, 1, /libtensorflow_cc.so.2 is not what its package records/],
      [`numpy-2.0.0-${tag}`, 2, /holds numpy 2.0.0 and no libtensorflow_cc.so.2; give a wheel of tensorflow-cpu/],
      [`cut-2.99.0-${tag}`, 2, /is not a whole .whl file/],
      [`text-2.99.0-${tag}`, 2, /is not a whole .whl file/],
      [`outside-2.99.0-${tag}`, 2, /invalid relative path: tensorflow\/include\/tensorflow\/c\/\.\.\//],
      [`absolute-2.99.0-${tag}`, 2, /absolute path: \/outside\.h/],
      [`twice-2.99.0-${tag}`, 2, /it holds tensorflow\/a\.h twice/],
      [`bomb-2.99.0-${tag}`, 2, /its \d+ bytes unpack to more than 100 times as many/],
      [`lie-2.99.0-${tag}`, 2, /is damaged \(too many bytes in the stream/],
      [`pointer-2.99.0-${tag}`, 2, /it is a Git LFS pointer/],
      [`page-2.99.0-${tag}`, 2, /it is a web page/],
      ["nowhere", 2, /nowhere does not exist; check the path/],
      ["programs", 2, /programs holds no libtensorflow_cc.so.2; give a Python environment/],
    ])("refuses %s", async (from, status, message) => {
      if (files[from]) write(place(from), files[from]);
      const outcome = await call(["--from", from]);
      expect(outcome.stderr).toMatch(message);
      expect(outcome.status).toBe(status);
      unchanged();
    });

    it("names what is missing: a Python, its TensorFlow, a compiler, the network", async () => {
      expect(await call(["--python", "nowhere/python"])).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/nowhere\/python is no Python that runs/),
      });
      const python = write(place("empty", "bin", "python"), "#!/bin/sh\necho '[\"/nowhere/site-packages\"]'\n", 0o755);
      expect(await call(["--python", python])).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/has no TensorFlow; install one with pip install tensorflow-cpu/),
      });
      expect(await call(["--from", "site"], { env: { CXX: "nowhere/c++" } })).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/nowhere\/c\+\+, which CXX names, does not run/),
      });
      writeLostNpm(place("lost"));
      expect(await call(["--from", "site"], { programs: place("lost") })).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/npm cannot reach .*check the network/),
      });
      unchanged();
    });

    it.each([
      [
        "does not compile",
        'console.error("error: TF_NewTensor was not declared"); process.exit(1);',
        /could not be built .*TF_NewTensor was not declared/s,
      ],
      ["does not load", 'require("node:fs").writeFileSync(target, "no library");', /built but does not work/],
      [
        "fills the disk",
        'console.error("fatal error: No space left on device"); process.exit(1);',
        /The disk is full; make room/,
      ],
    ])("keeps what works when the addon %s", async (_, code, message) => {
      const folder = place(`compiler${count}`);
      writeCompiler(folder, code);
      const outcome = await call(["--from", "site"], { programs: folder });
      expect(outcome.stderr).toMatch(message);
      expect(outcome.status).toBe(1);
      unchanged();
      expect(readdirSync(root()).some((name) => name.startsWith("staging-"))).toBe(false);
    });

    it("keeps what works when the disk fills up", async () => {
      const file = write(place(`full-2.99.0-${tag}`), wheel("tensorflow_cpu", "2.99.0", tensorFlowFiles));
      const outcome = await call(["--from", file], { blocks: 200 });
      expect(outcome.stderr).toMatch(/The disk of .* is full; make room/);
      expect(outcome.status).toBe(1);
      unchanged();
    });

    it.each(["SIGINT", "SIGKILL"] as const)("keeps what works at %s, and the next call clears up", async (signal) => {
      const folder = place(`slow${count}`);
      writeCompiler(folder, "setTimeout(() => {}, 60_000);");
      let sent = false;
      const stopped = await call(["--from", "site"], {
        programs: folder,
        onStderr: (child, said) => {
          if (!sent && said.includes("Building")) sent = child.kill(signal);
        },
      });
      expect(stopped.status).toBe(signal === "SIGINT" ? 130 : null);
      unchanged();
      const next = await call(["--from", "site"]);
      expect(next.status, next.stderr).toBe(0);
      expect(readdirSync(root()).filter((name) => /^staging-|^lock$/.test(name))).toEqual([]);
    });

    it("waits for nobody: a second setup at the same time is refused", async () => {
      writeFileSync(join(root(), "lock"), String(process.pid));
      const outcome = await call(["--from", "site"]);
      expect(outcome.stderr).toContain(`Another setup (process ${process.pid}) is at work`);
      expect(outcome.status).toBe(1);
      unchanged();
    });
  });

  it("says so where its folder cannot be made", async () => {
    write(place("file"), "");
    const outcome = await call(["--from", "site"], { env: { INNERLOOP_HOME: place("file") } });
    expect(outcome.stderr).toMatch(/cannot be made, a file is in its way; .*INNERLOOP_HOME/);
    expect(outcome.status).toBe(1);
  });
});

describe.skipIf(here !== "linux-x64")("setup cuda", () => {
  const version = JSON.parse(readFileSync(join(nativeFolder, "../../../../package.json"), "utf8")).version as string;
  const provider = "libonnxruntime_providers_cuda.so";
  const shared = "libonnxruntime_providers_shared.so";
  let main: string;
  let native: string;
  const call = (args: readonly string[], more: Partial<Call> = {}) =>
    innerloop(["setup", "cuda", ...args], {
      cwd,
      main,
      env: { NODE_OPTIONS: "--preserve-symlinks --preserve-symlinks-main" },
      ...more,
    });
  const found = () => [provider, shared].filter((file) => existsSync(join(native, file)));
  /** Files that load and are no provider: a machine without a GPU gets no further with real ones. */
  const providerFiles = (bytes: Uint8Array = library) => ({
    [`onnxruntime/capi/${provider}`]: bytes,
    [`onnxruntime/capi/${shared}`]: bytes,
  });
  const wheelFile = (name: string, of: string, files = providerFiles(), recorded = files) =>
    write(place(`${name}-${of}-${tag}`), wheel(name, of, files, recorded));

  beforeAll(() => {
    ({ main, native } = writeInstallation(place("installation")));
  });

  it("refuses files that do not start a GPU, puts them in place if asked to, and takes them away", async () => {
    const file = wheelFile("onnxruntime_gpu", version);
    const refused = await call(["--from", file]);
    expect(refused.stderr).toMatch(/The files are right, but .*add --anyway/);
    expect(refused.status).toBe(1);
    expect(found()).toEqual([]);

    for (const repeated of [false, true]) {
      const placed = await call(["--from", file, "--anyway", "--json"]);
      expect(placed.status, placed.stderr).toBe(0);
      expect(JSON.parse(placed.stdout), String(repeated)).toMatchObject({ stack: "cuda", version, works: false });
      expect(readFileSync(join(native, provider)).equals(library)).toBe(true);
      expect(found()).toEqual([provider, shared]);
    }
    const undone = await call(["--undo"]);
    expect(undone).toMatchObject({ status: 0, stdout: `Taken away: ${shared}, ${provider}.\n` });
    expect(found()).toEqual([]);
    expect(await call(["--undo"])).toMatchObject({ status: 2, stderr: expect.stringContaining("nothing to undo") });
  });

  it("puts back what was there before", async () => {
    write(join(native, provider), "an older one");
    expect(await call(["--from", wheelFile("onnxruntime_gpu", version), "--anyway"])).toMatchObject({ status: 0 });
    expect(await call(["--undo"])).toMatchObject({ status: 0, stdout: `Put back: ${provider}.\n` });
    expect(readFileSync(join(native, provider), "utf8")).toBe("an older one");
    expect(found()).toEqual([provider]);
    rmSync(join(native, provider));
  });

  it("names the libraries that a machine lacks, here those of a CUDA that nobody has", async () => {
    // The library's own dependency by another name of the same length.
    const bytes = Buffer.from(library);
    bytes.write("libcudart.so.999999\0", bytes.indexOf("libonnxruntime.so.1\0"), "latin1");
    const outcome = await call(["--from", wheelFile("onnxruntime_gpu", version, providerFiles(bytes))]);
    expect(outcome.stderr).toMatch(/lacks libraries that they need: libcudart\.so\.999999 \(CUDA 999999\)/);
    expect(outcome.stderr).toMatch(/Install .*CUDA 999999/);
    expect(outcome.status).toBe(1);
    expect(found()).toEqual([]);
  });

  it("is not stopped half way", async () => {
    const file = wheelFile("onnxruntime_gpu", version);
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      await call(["--from", file, "--anyway"], {
        onStderr: (child, said) => {
          if (said.includes("Trying")) child.kill(signal);
        },
      });
      expect(found(), signal).toEqual([]);
    }
    expect(await call(["--from", file, "--anyway"])).toMatchObject({ status: 0 });
    expect(readdirSync(join(native, "../../../../.innerloop")).filter((it) => /^staging-|^lock/.test(it))).toEqual([]);
    await call(["--undo"]);
  });

  it.each<[what: string, file: () => string, status: number, message: RegExp]>([
    [
      "another version",
      () => wheelFile("onnxruntime_gpu", "1.2.3"),
      2,
      new RegExp(`does not fit onnxruntime-node ${version}.*pip install onnxruntime-gpu==${version}`),
    ],
    ["another package", () => wheelFile("onnxruntime", version), 2, /has no CUDA provider; onnxruntime-gpu has/],
    [
      "an altered file",
      () => wheelFile("onnxruntime_gpu", version, providerFiles(Buffer.from("altered")), providerFiles()),
      1,
      /is not what its package records/,
    ],
    [
      "a file that is no library",
      () => wheelFile("onnxruntime_gpu", version, providerFiles(Buffer.from("text"))),
      2,
      /is no library of Linux/,
    ],
    [
      "a package without the provider",
      () => wheelFile("onnxruntime_gpu", version, { a: library } as never),
      2,
      /has no onnxruntime\/capi/,
    ],
    [
      "an empty folder",
      () => {
        mkdirSync(place("nothing"), { recursive: true });
        return place("nothing");
      },
      2,
      /holds neither .* nor onnxruntime-gpu/,
    ],
    [
      "a folder of another version",
      () => {
        for (const file of [provider, shared]) write(place("older", file), "\0" + "1.2.3\0");
        return place("older");
      },
      2,
      /is not of ONNX Runtime/,
    ],
  ])("refuses %s", async (_, file, status, message) => {
    const outcome = await call(["--from", file(), "--anyway"]);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.status).toBe(status);
    expect(found()).toEqual([]);
  });

  it("takes a package that is installed, and a plain folder of the same version", async () => {
    const site = place("venv", "lib", "site-packages");
    for (const [path, bytes] of Object.entries(providerFiles())) write(join(site, path), bytes);
    write(join(site, `onnxruntime_gpu-${version}.dist-info`, "RECORD"), record(providerFiles()));
    const python = write(place("venv", "bin", "python"), `#!/bin/sh\necho '[${JSON.stringify(site)}]'\n`, 0o755);
    const folder = place("plain");
    for (const file of [provider, shared])
      write(join(folder, file), Buffer.concat([library, Buffer.from(`\0${version}\0`)]));
    for (const from of [site, python, place("venv"), folder]) {
      const outcome = await call(["--from", from, "--anyway"]);
      expect(outcome.status, `${from}: ${outcome.stderr}`).toBe(0);
      expect(found()).toEqual([provider, shared]);
      await call(["--undo"]);
    }
  });
});

describe.skipIf(process.platform !== "linux")("missing libraries", () => {
  it("are those that a native file names and the system does not have", () => {
    const own = readNativeFile(process.execPath)!;
    expect(own.arch).toBe(process.arch);
    expect(own.needs).toContain("libc.so.6");
    expect(missingLibraries(process.execPath)).toEqual([]);
    expect(missingLibraries(process.execPath, { also: ["libcudart.so.99", "libnowhere.so.7"] })).toEqual([
      { name: "libcudart.so.99", remedy: "CUDA 99" },
      { name: "libnowhere.so.7", remedy: "the package of your system that holds libnowhere.so.7" },
    ]);
    write(place("extra", "libnowhere.so.7"), "");
    expect(missingLibraries(process.execPath, { also: ["libnowhere.so.7"], folders: [place("extra")] })).toEqual([]);
  });

  it("cannot be told of other files", () => {
    expect(readNativeFile(write(place("notes.txt"), "hello"))).toBeUndefined();
    expect(readNativeFile(write(place("cut.so"), readFileSync(process.execPath).subarray(0, 100)))).toBeUndefined();
  });
});

const tensorflow = process.env.INNERLOOP_TENSORFLOW;
describe.skipIf(tensorflow === undefined)("the real TensorFlow, named by INNERLOOP_TENSORFLOW", () => {
  it("is built against, computes, is undone, and is made again", { timeout: 600_000 }, async () => {
    const home = place("real");
    const call = (args: readonly string[]) =>
      innerloop(["setup", "tfjs-gpu", ...args], { cwd, env: { INNERLOOP_HOME: home } });
    process.env.INNERLOOP_HOME = home;
    for (const [args, there] of [
      [["--from", tensorflow!], true],
      [["--undo"], false],
      [["--from", tensorflow!], true],
    ] as const) {
      const { status, stderr } = await call(args);
      expect(status, stderr).toBe(0);
      expect(installedTensorFlow() !== undefined).toBe(there);
    }
    const tf = await import("@tensorflow/tfjs-core");
    const { register } = createRequire(import.meta.url)(installedTensorFlow()!.module) as TensorFlowModule;
    expect(register(tf).version).toBe(installedTensorFlow()!.version);
    await tf.setBackend("tensorflow");
    const numbers = tf.tensor1d([0.5, 1, 2]);
    const logarithms = Array.from(await tf.log(numbers).data());
    [0.5, 1, 2].forEach((value, i) => {
      expect(logarithms[i]).toBeCloseTo(Math.log(value), 6);
    });
  });
});
