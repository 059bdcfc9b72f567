import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { createRandom } from "@weft/kernel";
import { createListener } from "@weft/testkit";
import { createRequestId, markRequest, NO_MARKS, withMarks, withRequestId } from "./request-marks.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function headWith(fields: readonly string[]): RequestHead {
  return new RequestHead("GET", "http", "a", "/", fields, 0);
}

test("createRequestId() makes UUIDs of version 4, each another", () => {
  const random = createRandom(1);
  const ids = Array.from({ length: 1000 }, () => createRequestId(random));
  for (const id of ids) assert.match(id, UUID);
  assert.equal(new Set(ids).size, 1000);
  // Every digit varies but that of the version; the variant's takes its four values.
  for (let place = 0; place < 36; place++) {
    const values = new Set(ids.map((id) => id[place])).size;
    if (place === 14 || [8, 13, 18, 23].includes(place)) assert.equal(values, 1);
    else assert.equal(values, place === 19 ? 4 : 16);
  }
});

test("markRequest() makes an id where the listener says so", () => {
  const random = createRandom(1);
  const idFor = (requestId: "pass" | "add" | "replace", fields: readonly string[]): string =>
    markRequest(createListener({ requestId }), headWith(fields), false, random).requestId;
  assert.equal(idFor("pass", []), "");
  assert.match(idFor("add", []), UUID);
  assert.match(idFor("add", ["x-request-id", ""]), UUID);
  assert.equal(idFor("add", ["x-request-id", "mine"]), "");
  assert.match(idFor("replace", ["x-request-id", "mine"]), UUID);
});

test("markRequest() begins a trace where none is valid, and none is recorded", () => {
  const random = createRandom(1);
  const traceFor = (fields: readonly string[], isTraced = false, startsTraces = true): string =>
    markRequest(createListener({ startsTraces }), headWith(fields), isTraced, random).traceparent;
  assert.match(traceFor([]), /^00-[0-9a-f]{32}-[0-9a-f]{16}-02$/);
  assert.match(traceFor(["traceparent", "nonsense"]), /-02$/);
  assert.match(traceFor(["traceparent", PARENT, "traceparent", PARENT]), /-02$/);
  assert.equal(traceFor(["traceparent", PARENT]), "");
  assert.equal(traceFor([], true), "");
  assert.equal(traceFor([], false, false), "");
});

test("withMarks() takes the place of what the client said", () => {
  const head = headWith([
    "a",
    "1",
    "x-request-id",
    "mine",
    "traceparent",
    "x",
    "tracestate",
    "a=b",
    "x-request-id",
    "two",
  ]);
  assert.equal(withMarks(head, NO_MARKS), head);
  const fields = ["a", "1", "traceparent", "x", "tracestate", "a=b", "x-request-id", "ours"];
  assert.deepEqual(withMarks(head, { requestId: "ours", traceparent: "" }).fields, fields);
  const traced = ["a", "1", "x-request-id", "mine", "x-request-id", "two", "traceparent", PARENT];
  assert.deepEqual(withMarks(head, { requestId: "", traceparent: PARENT }).fields, traced);
});

test("withRequestId() takes the place of what the host said, and says nothing of a request without an id", () => {
  const head = new ResponseHead(200, ["x-request-id", "hosts", "a", "1"], 5);
  assert.equal(withRequestId(head, ""), head);
  const echoed = withRequestId(head, "ours");
  assert.deepEqual([echoed.fields, echoed.contentLength], [["a", "1", "x-request-id", "ours"], 5]);
});
