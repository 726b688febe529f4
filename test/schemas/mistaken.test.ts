// What is in the place of a file, and that each reader of files says so.
import { gzipSync } from "node:zlib";
import { decodeSafetensors, mistaken } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { describe, expect, it } from "vitest";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const pointer = bytes("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n");

describe("what is in the place of a file", () => {
  it.each([
    ["", /^it is empty/],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", /Git LFS pointer, .*: git lfs pull$/],
    ["../../.git/annex/objects/Xk/9v/SHA256E-s12--ab.png/SHA256E-s12--ab.png", /git-annex pointer/],
    ["\ufeff\n <!DOCTYPE html>\n<title>", /web page \(HTML\)/],
    ["<!-- made by -->\n<!--\n--><html lang='en'>", /web page \(HTML\)/],
    ["<head><title>", /web page \(HTML\)/],
    ["<h1>Not Found</h1>", /web page \(HTML\)/],
    ["<?xml version='1.0'?>\n<Error><Code>NoSuchKey</Code>", /the error of a storage server/],
  ])("%j is told", (text, words) => {
    expect(mistaken(bytes(text))).toMatch(words);
  });

  it.each(["{}", "x,y\n1,2\n", "<svg/>", "<htmlish>", "version 2", "<!-- -->".repeat(500), "\x89PNG"])(
    "%j is not",
    (text) => {
      expect(mistaken(bytes(text))).toBeUndefined();
    },
  );

  it("is told of what is compressed", () => {
    expect(mistaken(gzipSync("{}"))).toMatch(/^it is compressed \(gzip\); unpack it/);
  });

  it("is said by those who read safetensors and ONNX", () => {
    expect(() => decodeSafetensors(pointer, "a.safetensors")).toThrow(/^a\.safetensors: it is a Git LFS pointer/);
    expect(() => decodeModel(pointer, "a.onnx")).toThrow(/^a\.onnx: it is a Git LFS pointer/);
    expect(() => decodeModel(bytes("<!doctype html>"), "a.onnx")).toThrow(/^a\.onnx: it is a web page/);
  });
});
