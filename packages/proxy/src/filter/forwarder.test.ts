import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Fault, fieldValue, fieldValues, type Fields, RequestHead } from "@weft/contract";
import { createRandom } from "@weft/kernel";
import { drawFault } from "./fault.ts";
import { Forwarder } from "./forwarder.ts";

function head(fields: Fields, scheme = "", authority = "a.example"): RequestHead {
  return new RequestHead("GET", scheme, authority, "/", fields, 0);
}

const SPOOFED: Fields = Object.entries({
  forwarded: "for=6.6.6.6",
  "x-forwarded-for": "6.6.6.6",
  "x-forwarded-host": "evil",
  "x-forwarded-port": "1",
  "x-forwarded-proto": "https",
  "x-forwarded-client-cert": "By=evil",
  "x-real-ip": "6.6.6.6",
  "x-envoy-internal": "true",
  "x-own": "kept",
}).flat();

describe("Forwarder", () => {
  test("at the edge believes nothing that only an edge may say", () => {
    const forwarded = new Forwarder(true, "10.0.0.1", true).forward(head(SPOOFED), 16);
    const rewritten = new Forwarder(true, "10.0.0.1", true).forward(head(SPOOFED), 16, "asked.example");
    assert.equal(fieldValues(rewritten?.fields ?? [], "x-forwarded-host"), "asked.example");
    assert.ok(forwarded !== null);
    assert.doesNotMatch(forwarded.fields.join("\n"), /6\.6\.6\.6|evil|internal|x-forwarded-port/);
    assert.equal(fieldValues(forwarded.fields, "x-forwarded-for"), "10.0.0.1");
    assert.equal(fieldValues(forwarded.fields, "x-forwarded-proto"), "https");
    assert.equal(fieldValues(forwarded.fields, "x-forwarded-host"), "a.example");
    assert.equal(fieldValue(forwarded.fields, "x-own"), "kept");
    assert.equal(forwarded.scheme, "https");
  });

  test("inside the mesh keeps them and extends X-Forwarded-For, also where it comes in several lines", () => {
    const fields = [...SPOOFED, "x-forwarded-for", "7.7.7.7"];
    const forwarded = new Forwarder(false, "10.0.0.1", false).forward(head(fields, "https"), 16);
    assert.ok(forwarded !== null);
    assert.equal(fieldValues(forwarded.fields, "x-forwarded-for"), "6.6.6.6, 7.7.7.7, 10.0.0.1");
    assert.equal(fieldValue(forwarded.fields, "x-forwarded-proto"), "https");
    assert.equal(forwarded.scheme, "https");
  });

  test("counts hops everywhere, and takes a count that it cannot read for too many", () => {
    for (const isEdge of [true, false]) {
      const forwarder = new Forwarder(isEdge, "10.0.0.1", false);
      assert.equal(fieldValues(forwarder.forward(head([]), 4)?.fields ?? [], "x-weft-hops"), "1");
      assert.equal(fieldValues(forwarder.forward(head(["x-weft-hops", "3"]), 4)?.fields ?? [], "x-weft-hops"), "4");
      assert.equal(forwarder.forward(head(["x-weft-hops", "4"]), 4), null);
      for (const text of ["", "-1", "0x0", "1e1", "99999", "1, 0"]) {
        assert.equal(forwarder.forward(head(["x-weft-hops", text]), 4), null, text);
      }
    }
  });

  test("gives the same head for the same head, and another for another", () => {
    const forwarder = new Forwarder(true, "10.0.0.1", false);
    const [first, second] = [head([]), head([])];
    const forwarded = forwarder.forward(first, 16);
    assert.equal(forwarder.forward(first, 16), forwarded);
    assert.notEqual(forwarder.forward(second, 16), forwarded);
  });
});

describe("drawFault()", () => {
  const fault: Fault = { delayShare: 0.25, delayMs: 10, abortShare: 0.5, abortStatus: 503, abortGrpcStatus: 0 };

  test("draws delay and abort by their shares, independently", () => {
    const random = createRandom(7);
    const draws = Array.from({ length: 10_000 }, () => drawFault(fault, random));
    const delayed = draws.filter((draw) => draw.delayMs === 10).length;
    const aborted = draws.filter((draw) => draw.aborts).length;
    const both = draws.filter((draw) => draw.aborts && draw.delayMs > 0).length;
    assert.ok(Math.abs(delayed - 2500) < 200, `${delayed}`);
    assert.ok(Math.abs(aborted - 5000) < 200, `${aborted}`);
    assert.ok(Math.abs(both - 1250) < 150, `${both}`);
  });

  test("does always what has share 1 and never what has share 0", () => {
    const random = createRandom(7);
    const always = { ...fault, delayShare: 0, abortShare: 1 };
    for (let count = 0; count < 100; count++) assert.deepEqual(drawFault(always, random), { delayMs: 0, aborts: true });
  });
});
