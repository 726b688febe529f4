// protobufjs's reader and writer with exact 64-bit integers and no `Long` objects: what the generated ONNX code imports.
import protobuf, { type Reader as ProtobufReader, type Writer as ProtobufWriter } from "./generated/protobuf.js";

/**
 * A 64-bit integer of a protobuf message. Reading gives a plain number where that is exact, as every dimension, axis and
 * version in practice is, and a bigint beyond ±(2⁵³ − 1); `Number(x)` and `BigInt(x)` take both. Writing takes either.
 */
export type Int64 = number | bigint;

// Generated code calls more of their methods; those for 64 bits are not the library's own.
const BaseReader = protobuf.Reader as unknown as new (bytes: Uint8Array) => ProtobufReader;
const BaseWriter = protobuf.Writer as unknown as new () => ProtobufWriter;
const readLong = protobuf.Reader.prototype.int64 as () => { low: number; high: number };
const writeLong = protobuf.Writer.prototype.int64 as (value: { low: number; high: number }) => unknown;

/**
 * How many tags and lengths one message may have, with all in it. A message takes two of them, two bytes of a file and
 * some hundreds of memory.
 */
const mostFields = 1_000_000;

const tooMany = (): RangeError => new RangeError(`it has more than ${mostFields} fields`);

/** Reads protobuf's wire format. */
export class Reader extends BaseReader {
  #fields = 0;

  static readonly recursionLimit = protobuf.Reader.recursionLimit;

  static create(bytes: Uint8Array): Reader {
    return new Reader(bytes);
  }

  /** A Node `Buffer` is read as the plain array that it is: its own `slice` would hand out views for copies. */
  constructor(bytes: Uint8Array) {
    super(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  override tag(): number {
    if (++this.#fields > mostFields) throw tooMany();
    return super.tag();
  }

  override size(): number {
    if (++this.#fields > mostFields) throw tooMany();
    return super.size();
  }

  int64(): Int64 {
    const { low, high } = readLong.call(this);
    return narrow(high * 0x1_0000_0000 + (low >>> 0), () => (BigInt(high) << 32n) | BigInt(low >>> 0));
  }

  uint64(): Int64 {
    const { low, high } = readLong.call(this);
    const exact = () => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    return narrow((high >>> 0) * 0x1_0000_0000 + (low >>> 0), exact);
  }

  int64s(into: Int64[] = []): Int64[] {
    return this.packed(into, () => this.int64());
  }

  uint64s(into: Int64[] = []): Int64[] {
    return this.packed(into, () => this.uint64());
  }

  private packed(into: Int64[], next: () => Int64): Int64[] {
    const end = this.uint32() + this.pos;
    if (end > this.len) throw new RangeError(`index out of range: ${end} > ${this.len}`);
    while (this.pos < end) into.push(next());
    if (this.pos !== end) throw new RangeError("a packed list ends inside a number");
    return into;
  }
}

/** Writes protobuf's wire format. */
export class Writer extends BaseWriter {
  static create(): Writer {
    return new Writer();
  }

  /** A buffer of its own for every message: protobufjs's pool would tie a small model to a large shared buffer. */
  static alloc(size: number): Uint8Array {
    return new Uint8Array(size);
  }

  /** @throws RangeError for a number that is no exact integer, or a bigint that does not fit 64 bits. */
  int64(value: Int64): this {
    const wide = BigInt(exactInteger(value));
    if (wide < -(1n << 63n) || wide >= 1n << 64n) throw new RangeError(`${value} does not fit a 64-bit integer`);
    writeLong.call(this, { low: Number(BigInt.asIntN(32, wide)), high: Number(BigInt.asIntN(32, wide >> 32n)) });
    return this;
  }

  uint64(value: Int64): this {
    return this.int64(value);
  }

  int64s(values: readonly Int64[]): this {
    this.fork();
    for (const value of values) this.int64(value);
    return this.ldelim() as this;
  }

  uint64s(values: readonly Int64[]): this {
    return this.int64s(values);
  }
}

function narrow(value: number, exact: () => bigint): Int64 {
  return Number.isSafeInteger(value) ? value : exact();
}

function exactInteger(value: Int64): Int64 {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new RangeError(`${value} is no whole number that a double holds exactly; give a bigint`);
  return value;
}

// Without a Long class in sight, generated code gives 64-bit fields the default 0.
const minimal: object = { ...protobuf, Reader, Writer, util: Object.create(protobuf.util, { Long: { value: null } }) };
export default minimal;
