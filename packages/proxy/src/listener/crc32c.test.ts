import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "./crc32c.ts";

test("crc32c() gives what RFC 3720 prints, and the check value of the catalogues", () => {
  for (const [bytes, expected] of [
    [Buffer.from("123456789"), 0xe3069283],
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    [Buffer.alloc(0), 0],
  ] as const) {
    assert.equal(crc32c(bytes, 0, bytes.length, 0), expected);
  }
});

test("crc32c() goes on where it stopped", () => {
  const bytes = Buffer.from("123456789");
  for (let cut = 0; cut <= 9; cut++) assert.equal(crc32c(bytes, cut, 9, crc32c(bytes, 0, cut, 0)), 0xe3069283);
});
