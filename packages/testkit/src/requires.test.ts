import assert from "node:assert/strict";
import { test } from "node:test";
import { findProgram, requireProgram } from "./requires.ts";

test("findProgram() finds the shell by an absolute path", () => {
  assert.match(findProgram("sh") ?? "", /^\/.*\/sh$/);
});

test("findProgram() does not take a folder for a program", () => {
  assert.equal(findProgram("."), undefined);
});

test("requireProgram() skips nothing when all programs are there", () => {
  assert.equal(requireProgram("sh"), false);
});

test("requireProgram() names only what is missing", () => {
  assert.equal(requireProgram("sh", "no-such-program"), "not installed: no-such-program");
});
