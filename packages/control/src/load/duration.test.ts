import assert from "node:assert/strict";
import { test } from "node:test";
import { DURATION_MS_MAX } from "../limits.ts";
import { durationMs, parseDuration } from "./duration.ts";

test("parseDuration() reads Gateway API's durations", () => {
  const table: readonly (readonly [string, number | undefined])[] = [
    ["0s", 0],
    ["10s", 10_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    ["1h2m3s4ms", 3_723_004],
    ["24h", DURATION_MS_MAX],
    ["1s1s", 2000],
    ["", undefined],
    ["10", undefined],
    ["1.5s", undefined],
    ["-1s", undefined],
    ["1d", undefined],
    ["100000s", undefined],
    ["1h1h1h1h1h", undefined],
    [" 1s", undefined],
    ["1s\n", undefined],
    ["24h1ms", undefined],
  ];
  for (const [text, expected] of table) assert.equal(parseDuration(text), expected, JSON.stringify(text));
});

test("durationMs() falls back only where there is nothing", () => {
  assert.equal(durationMs(undefined, 7), 7);
  assert.equal(durationMs("0s", 7), 0);
});
