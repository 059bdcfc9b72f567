import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Fields } from "@weft/contract";
import fc from "fast-check";
import { REPLAY_BYTES_MAX } from "./limits.ts";
import { ReplayBuffer } from "./replay-buffer.ts";

class Target {
  readonly chunks: Buffer[] = [];
  ends: number = 0;
  trailers: Fields | null = null;

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): boolean {
    assert.equal(this.ends, 0, "nothing follows the end");
    this.chunks.push(Buffer.from(bytes.subarray(start, end)));
    if (isEnd) this.ends++;
    return true;
  }

  sendTrailers(fields: Fields): void {
    this.trailers = fields;
    this.ends++;
  }
}

describe("ReplayBuffer", () => {
  test("sends again exactly what it was given, and the end with the last piece", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
        fc.boolean(),
        (pieces, hasTrailers) => {
          const buffer = new ReplayBuffer();
          for (const piece of pieces) buffer.append(Buffer.from(piece), 0, piece.length, true);
          if (hasTrailers) buffer.setTrailers(["x", "y"]);
          for (let round = 0; round < 2; round++) {
            const target = new Target();
            buffer.replay(target, true);
            assert.ok(Buffer.concat(target.chunks).equals(Buffer.concat(pieces)));
            assert.equal(target.ends, pieces.length > 0 || hasTrailers ? 1 : 0);
            assert.deepEqual(target.trailers, hasTrailers ? ["x", "y"] : null);
          }
          assert.ok(buffer.isComplete);
        },
      ),
    );
  });

  test("keeps a copy, not the read buffer", () => {
    const buffer = new ReplayBuffer();
    const bytes = Buffer.from("abc");
    buffer.append(bytes, 1, 3, true);
    bytes.fill("x");
    const target = new Target();
    buffer.replay(target, false);
    assert.equal(String(target.chunks[0]), "bc");
    assert.equal(target.ends, 0);
  });

  test("beyond the limit gives up what was sent already, and says so", () => {
    const buffer = new ReplayBuffer();
    buffer.append(Buffer.alloc(REPLAY_BYTES_MAX), 0, REPLAY_BYTES_MAX, true);
    assert.ok(buffer.isComplete);
    buffer.append(Buffer.alloc(1), 0, 1, true);
    assert.ok(!buffer.isComplete);
    const single = new ReplayBuffer();
    single.append(Buffer.alloc(REPLAY_BYTES_MAX + 1), 0, REPLAY_BYTES_MAX + 1, true);
    assert.ok(!single.isComplete, "one piece beyond the limit is lost as well");
    single.setTrailers(["a", "b"]);
    assert.ok(single.isEmpty);
  });

  test("never gives up what was not sent once", () => {
    const buffer = new ReplayBuffer();
    const size = REPLAY_BYTES_MAX + 100;
    buffer.append(Buffer.alloc(size), 0, size, false);
    assert.ok(buffer.isComplete);
    const target = new Target();
    buffer.replay(target, true);
    assert.equal(target.chunks[0]?.length, size);
    assert.ok(!buffer.isComplete, "it was sent once; there will be no second time");
  });
});
