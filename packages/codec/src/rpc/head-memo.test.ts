// What a worker remembers of heads of RPC protocols.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as bolt from "../bolt/bolt.fixture.ts";
import * as dubbo from "../dubbo/dubbo.fixture.ts";
import { MEMO_HEAD_BYTES_MAX } from "./limits.ts";
import type { RecordedStream } from "../http1/recorded-session.fixture.ts";

function haveSameFields(streams: readonly RecordedStream[]): boolean {
  const [first, second] = streams.map(({ requestHead }) => requestHead?.fields);
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual(first, second);
  return first === second;
}

test("MEMO_HEAD_BYTES_MAX: heads up to it are remembered, longer ones are decoded anew", () => {
  const boltBytes =
    bolt.frameOf({ className: "c", map: bolt.headerMap({ pad: "" }), content: Buffer.alloc(0) }).length - 22;
  const dubboBytes = dubbo.requestBody("", "", dubbo.mapOf({ pad: "x".repeat(1024) })).length - 1024;
  for (const [extra, isShared] of [
    [0, true],
    [1, false],
  ] as const) {
    const map = bolt.headerMap({ pad: "x".repeat(MEMO_HEAD_BYTES_MAX + extra - boltBytes) });
    const one = new bolt.RecordedBoltServer();
    for (const name of ["c", "d", "c"]) one.feed(bolt.frameOf({ className: name, map }));
    assert.equal(haveSameFields([one.request(0), one.request(2)]), isShared);
    const attachments = dubbo.mapOf({ pad: "x".repeat(MEMO_HEAD_BYTES_MAX + extra - dubboBytes) });
    const other = new dubbo.RecordedDubboServer();
    for (let count = 0; count < 2; count++) other.feed(dubbo.frameOf({ body: dubbo.requestBody("", "", attachments) }));
    assert.equal(haveSameFields([other.request(0), other.request(1)]), isShared);
  }
});
