import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { blobPieces, blobSha256 } from "./blob.ts";

test("blobPieces() yields as many bytes as asked for, with the hash of blobSha256()", () => {
  for (const bytes of [0, 1, 65_535, 65_536, 65_537, 1_000_000]) {
    const whole = Buffer.concat([...blobPieces(bytes)]);
    assert.equal(whole.length, bytes);
    assert.equal(createHash("sha256").update(whole).digest("hex"), blobSha256(bytes));
  }
  assert.notEqual(blobSha256(65_536), blobSha256(65_537));
});
