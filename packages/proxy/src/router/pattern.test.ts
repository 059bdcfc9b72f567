import assert from "node:assert/strict";
import { test } from "node:test";
import { REGEX_INPUT_BYTES_MAX, REGEX_STEPS_MAX } from "./limits.ts";
import { compilePattern, literalSegments } from "./pattern.ts";

test("Pattern.matches() matches whole texts, bytes above 127 included", () => {
  const pattern = compilePattern("/a.c");
  assert.ok(pattern.matches("/abc") && pattern.matches("/a\xffc") && pattern.matches("/a\nc"));
  assert.ok(!pattern.matches("/abcd") && !pattern.matches("x/abc"));
  assert.ok(compilePattern("a|b").matches("b") && !compilePattern("a|b").matches("ab"));
  assert.ok(compilePattern("\\xe9").matches("\xe9"));
});

test("Pattern.matches() stays linear where backtracking explodes", () => {
  const text = `${"a".repeat(REGEX_INPUT_BYTES_MAX - 1)}!`;
  for (const source of ["(a+)+", "(a|a)*b", "(a|aa)+c", "(.*)*x", "([a-z]+)*d", "(a?){100}a{100}e"]) {
    const pattern = compilePattern(source);
    const started = performance.now();
    assert.equal(pattern.matches(text), false, source);
    assert.ok(performance.now() - started < 500, source);
  }
});

test("Pattern.matches() does not match texts above its limits", () => {
  const pattern = compilePattern("a*");
  assert.ok(pattern.matches("a".repeat(REGEX_INPUT_BYTES_MAX)));
  assert.ok(!pattern.matches("a".repeat(REGEX_INPUT_BYTES_MAX + 1)));
  const large = compilePattern(`(${"a?".repeat(500)})*`);
  assert.ok(large.matches("a".repeat(500)));
  assert.ok(!large.matches("a".repeat(Math.floor(REGEX_STEPS_MAX / 500))));
});

test("literalSegments() finds the segments with which every match begins", () => {
  const cases: Readonly<Record<string, string>> = {
    "/users/[0-9]+": "/users",
    "/users/x?": "/users",
    "/users/?": "",
    "/users/(a|b)": "",
    "/a|/b": "",
    "/a/b/c": "/a/b",
    "^/a/b": "/a",
    "/a\\.b/\\d": "/a.b",
    "/a/b*/c": "/a",
    "/a/b{2}": "/a",
    "/a/b+/c": "/a",
    "(?i)/a/b": "",
    "/a.b/c": "",
    "a/b/c": "",
    "/a\\/b": "/a",
    "/a\\/?b": "",
    "/a\\Qb/c": "",
    ".*": "",
    "": "",
  };
  for (const [pattern, expected] of Object.entries(cases)) assert.equal(literalSegments(pattern), expected, pattern);
});
