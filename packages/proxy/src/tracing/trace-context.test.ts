import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, type Random } from "@weft/kernel";
import fc from "fast-check";
import { TRACESTATE_CHARS_MAX, TRACESTATE_MEMBERS_MAX } from "./limits.ts";
import {
  createSpanId,
  createTraceId,
  formatTraceparent,
  isTracestateValid,
  parseTraceparent,
} from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

test("parseTraceparent() reads the specification's examples", () => {
  assert.deepEqual(parseTraceparent(`00-${TRACE}-${PARENT}-01`), {
    traceId: TRACE,
    parentId: PARENT,
    isSampled: true,
    isRandom: false,
  });
  assert.equal(parseTraceparent(`00-${TRACE}-${PARENT}-00`)?.isSampled, false);
  assert.equal(parseTraceparent(`00-${TRACE}-${PARENT}-03`)?.isRandom, true);
  assert.equal(parseTraceparent(`00-${TRACE}-${PARENT}-ff`)?.isSampled, true);
});

test("parseTraceparent() reads later versions by their first four parts", () => {
  for (const rest of ["", "-", "-what-will-be", "-00"]) {
    assert.equal(parseTraceparent(`cc-${TRACE}-${PARENT}-01${rest}`)?.traceId, TRACE, rest);
  }
  assert.equal(parseTraceparent(`cc-${TRACE}-${PARENT}-01.what`), null);
  assert.equal(parseTraceparent(`cc-${TRACE}-${PARENT}-010`), null);
});

test("parseTraceparent() refuses what the specification calls invalid", () => {
  const invalid = [
    "",
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-`,
    `00-${TRACE}-${PARENT}-01-extra`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-0`,
    `00-${TRACE}-${PARENT}-0g`,
    `00-${TRACE}-${PARENT}-.0`,
    `0-${TRACE}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `00-${TRACE}-${PARENT.slice(1)}-01`,
    `00_${TRACE}_${PARENT}_01`,
    ` 00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01 `,
    `00-${TRACE}-${PARENT}-01\n`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
  ];
  for (const value of invalid) assert.equal(parseTraceparent(value), null, JSON.stringify(value));
});

test("parseTraceparent() reads what formatTraceparent() writes, and never fails", () => {
  const random = createRandom(7);
  for (let index = 0; index < 200; index++) {
    const traceId = createTraceId(random);
    const spanId = createSpanId(random);
    const isRandom = index % 2 === 0;
    const read = parseTraceparent(formatTraceparent(traceId, spanId, isRandom));
    assert.deepEqual(read, { traceId, parentId: spanId, isSampled: true, isRandom });
  }
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => void parseTraceparent(text)));
});

test("createTraceId() and createSpanId() never give the id that means none", () => {
  let calls = 0;
  const zeroFirst: Random = { next: () => 0, below: () => 0, uint32: () => (calls++ < 4 ? 0 : 0xabc) };
  assert.equal(createTraceId(zeroFirst), "00000abc".repeat(4));
  calls = 2;
  assert.equal(createSpanId(zeroFirst), "00000abc".repeat(2));
});

test("isTracestateValid() accepts what vendors write, over several fields too", () => {
  for (const value of [
    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "fw529a3039@dt=FfAAAA; a b ,\t rojo=1 ",
    "a=1,,b=2, ,",
    "a*/-_9=~!\"#$%&'()*+-./:;<>?@[]^_`{|}",
    "",
  ]) {
    assert.ok(isTracestateValid(["tracestate", value]), value);
  }
  assert.ok(isTracestateValid(["tracestate", "a=1", "x", "y", "tracestate", "b=2"]));
  assert.ok(isTracestateValid(["x", "y"]));
});

test("isTracestateValid() refuses duplicates, bad keys and values, and too much", () => {
  for (const value of ["a=1,a=2", "A=1", "=1", "a", "a=b=c", "a=é", "a b=1", "@a=1", "a@=1", `${"k".repeat(257)}=1`]) {
    assert.ok(!isTracestateValid(["tracestate", value]), value);
  }
  assert.ok(!isTracestateValid(["tracestate", "a=1", "tracestate", "a=2"]));
  const members = (count: number): string => Array.from({ length: count }, (_, index) => `k${index}=1`).join(",");
  assert.ok(isTracestateValid(["tracestate", members(TRACESTATE_MEMBERS_MAX)]));
  assert.ok(!isTracestateValid(["tracestate", members(TRACESTATE_MEMBERS_MAX + 1)]));
  const long = (length: number): string => `${"a=".padEnd(202, "x")},${"b=".padEnd(202, "x")},c=1`.padEnd(length, ",");
  assert.ok(isTracestateValid(["tracestate", long(TRACESTATE_CHARS_MAX)]));
  assert.ok(!isTracestateValid(["tracestate", long(TRACESTATE_CHARS_MAX + 1)]));
});
