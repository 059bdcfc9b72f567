import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RequestHead, ResponseHead } from "@weft/contract";
import { OutputBuffer } from "@weft/kernel";
import { BlockMemo } from "./head-memo.ts";
import { HeaderCodec } from "./header-codec.ts";
import { HeaderList, HpackDecoder } from "./hpack-decoder.ts";
import {
  BLOCK_MEMO_ENTRIES_MAX,
  HEAD_MEMO_ADDED_MAX,
  HEAD_MEMO_BLOCK_BYTES_MAX,
  HEAD_MEMO_ENTRIES_MAX,
} from "./limits.ts";
import { createHttp2ServerOptions } from "./options.ts";
import { block, GET } from "./peer.test.ts";

const OPTIONS = createHttp2ServerOptions({ nowMs: () => 0 });

/** What a codec makes of a block that ends its request; it must be well formed. */
function decode(codec: HeaderCodec, bytes: Buffer, isEnd: boolean = true): RequestHead {
  // Other bytes around it, as in a read buffer.
  const read = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
  const head = codec.decodeRequest(read, 6, 6 + bytes.length, isEnd);
  assert.ok(head instanceof RequestHead);
  return head;
}

/** True when the block is found without being decoded. */
function isKnown(codec: HeaderCodec, bytes: Buffer): boolean {
  return decode(codec, bytes) === decode(codec, bytes);
}

test("a head is remembered when its block is met the second time", () => {
  const codec = new HeaderCodec(OPTIONS);
  const heads = [1, 2, 3, 4].map(() => decode(codec, block(GET)));
  assert.notEqual(heads[0], heads[1]);
  assert.equal(heads[1], heads[2]);
  assert.equal(heads[2], heads[3]);
});

test("blocks that differ in a byte, in length or in END_STREAM are told apart", () => {
  const codec = new HeaderCodec(OPTIONS);
  const texts = ["abc", "abd", "ab", "abcd", "\u00ff\u00fe"];
  for (let round = 0; round < 4; round++) {
    for (const text of texts) {
      for (const isEnd of [true, false]) {
        const head = decode(codec, block([...GET, "x-a", text]), isEnd);
        assert.deepEqual([head.fields[1], head.contentLength], [text, isEnd ? 0 : -1]);
      }
    }
  }
});

test("a block that names an entry of the table means another head when the table has changed", () => {
  const codec = new HeaderCodec(OPTIONS);
  const insert = (value: string): Buffer =>
    Buffer.concat([block(GET), Buffer.from([0x40]), block(["x-a", value]).subarray(1)]);
  const newest = Buffer.concat([block(GET), Buffer.from([0xbe])]);
  for (const value of ["1", "2", "3"]) {
    decode(codec, insert(value));
    for (let round = 0; round < 4; round++) assert.deepEqual(decode(codec, newest).fields, ["x-a", value]);
    assert.ok(isKnown(codec, newest));
  }
});

test("a block that adds the same entries every time is remembered with them, up to HEAD_MEMO_ADDED_MAX", () => {
  const adding = (count: number): Buffer => {
    const literals = Array.from({ length: count }, (_, index) =>
      Buffer.concat([Buffer.from([0x40]), block([`x-${index}`, ""]).subarray(1)]),
    );
    return Buffer.concat([block(GET), ...literals]);
  };
  const codec = new HeaderCodec(OPTIONS);
  decode(codec, adding(3));
  assert.ok(isKnown(codec, adding(3)));
  assert.equal(codec.decoder.table.length, 9, "and they are in the table each time");
  const many = new HeaderCodec(OPTIONS);
  for (let round = 0; round < 3; round++) assert.ok(!isKnown(many, adding(HEAD_MEMO_ADDED_MAX + 1)));
  assert.ok(many.decoder.added.length <= HEAD_MEMO_ADDED_MAX);
});

test("no long blocks are remembered, and no more than HEAD_MEMO_ENTRIES_MAX", () => {
  const codec = new HeaderCodec(OPTIONS);
  const long = block([...GET, "x-a", "x".repeat(HEAD_MEMO_BLOCK_BYTES_MAX)]);
  for (let round = 0; round < 4; round++) assert.ok(!isKnown(codec, long));
  const blocks = Array.from({ length: HEAD_MEMO_ENTRIES_MAX * 4 }, (_, index) => block([...GET, "x-a", `${index}`]));
  const seen = blocks.map((bytes) => [1, 2, 3].map(() => decode(codec, bytes)).at(-1));
  // From the last to the first: a miss takes the place of what was kept.
  let kept = 0;
  for (let index = blocks.length - 1; index >= 0; index--) {
    if (decode(codec, blocks[index] ?? long) === seen[index]) kept++;
  }
  assert.ok(kept > HEAD_MEMO_ENTRIES_MAX / 2 && kept <= HEAD_MEMO_ENTRIES_MAX, `${kept} are kept`);
});

test("BlockMemo finds a head's block from the third time on, until the table changes", () => {
  const memo = new BlockMemo();
  const head = {};
  const bytes = Buffer.from("block");
  const meetHead = (generation: number): string | null => {
    const found = memo.find(head, generation);
    if (found === null) memo.remember(head, generation, bytes, bytes.length);
    return found;
  };
  assert.deepEqual(
    [1, 1, 1, 2, 2].map((generation) => meetHead(generation)),
    [null, null, "block", null, "block"],
  );
  for (let count = 0; count < BLOCK_MEMO_ENTRIES_MAX; count++) {
    const other = {};
    assert.equal(memo.find(other, 2), null);
    memo.remember(other, 2, bytes, bytes.length);
  }
  assert.equal(memo.find(head, 2), null, "pushed out by others");
  const long = Buffer.alloc(HEAD_MEMO_BLOCK_BYTES_MAX + 1);
  for (let times = 0; times < 3; times++) {
    assert.equal(memo.find(bytes, 2), null);
    memo.remember(bytes, 2, long, long.length);
  }
});

test("HeaderCodec does not take a block that resizes the table from its memory", () => {
  const codec = new HeaderCodec(OPTIONS);
  const resizing = Buffer.concat([Buffer.from([0x3f, 100 - 31]), block(GET)]);
  const restoring = Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f]), block(GET)]);
  for (let round = 0; round < 5; round++) {
    assert.ok(codec.decodeRequest(resizing, 0, resizing.length, true) instanceof RequestHead);
    assert.equal(codec.decoder.table.bytesMax, 100);
    assert.ok(codec.decodeRequest(restoring, 0, restoring.length, true) instanceof RequestHead);
    assert.equal(codec.decoder.table.bytesMax, 4096);
  }
  assert.equal(codec.resizes, 10);
});

test("HeaderCodec writes the same block for the same head, remembered or not", () => {
  const output = new OutputBuffer({ onOutputPending(): void {} });
  const codec = new HeaderCodec(OPTIONS);
  const head = new ResponseHead(200, ["content-type", "text/plain", "x-tenant", "north-seven"], -1);
  const blocks: string[] = [];
  for (let round = 0; round < 6; round++) {
    codec.writeResponse(output, 1, head, false, 16_384);
    blocks.push(Buffer.concat(output.take()).toString("hex"));
  }
  assert.equal(blocks[2], blocks[3]);
  assert.equal(blocks[3], blocks[5]);
  codec.writeResponse(output, 3, head, true, 16_384);
  const last = Buffer.concat(output.take());
  assert.equal(last[4], 5, "END_STREAM is not part of what is remembered");
  assert.equal(last.subarray(9).toString("hex"), blocks[5]?.slice(18));
});

test("a codec that remembers decodes any sequence of blocks like a decoder that does not", () => {
  /** Static indexes, entries of the table, entries added, literals, sensitive ones: from few choices, so that they repeat. */
  const part = fc.oneof(
    fc.constantFrom([0x40, 3, 0x78, 0x2d, 0x61, 1, 0x31], [0x40, 3, 0x78, 0x2d, 0x61, 1, 0x32], [0x7a, 2, 0x6f, 0x6b]),
    fc.constantFrom([0x00, 3, 0x78, 0x2d, 0x62, 1, 0x33], [0x10, 3, 0x78, 0x2d, 0x63, 1, 0x34], [0x90]),
    fc.constantFrom([0xbe], [0xbf], [0xc0], [0x7e, 1, 0x35], [0x0f, 0x2f, 1, 0x36]),
  );
  const resize = fc.constantFrom([], [], [], [], [0x20], [0x3f, 0x29], [0x3f, 0xe1, 0x1f], [0x20, 0x3f, 0xe1, 0x1f]);
  const choice = fc.tuple(resize, fc.array(part, { maxLength: 4 })).map(([size, parts]) => [...size, ...parts.flat()]);
  const limits = { headerBytesMax: 65_536, headersMax: 256 };
  let compared = 0;
  fc.assert(
    fc.property(
      fc.array(choice, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(), { minLength: 20, maxLength: 60 }),
      (pool, picks) => {
        let codec = new HeaderCodec(OPTIONS);
        let plain = new HpackDecoder();
        const list = new HeaderList();
        for (const pick of picks) {
          const bytes = Buffer.from(pool[pick % pool.length] ?? []);
          // Trailers hold any fields, so what was decoded shows as it is.
          const fields = codec.decodeTrailers(bytes, 0, bytes.length);
          if (!plain.decode(bytes, 0, bytes.length, list, limits)) {
            assert.equal(fields, "broken");
            // The end of that connection.
            codec = new HeaderCodec(OPTIONS);
            plain = new HpackDecoder();
            continue;
          }
          compared++;
          assert.deepEqual(
            fields,
            list.entries.slice(0, list.length).flatMap((entry) => [entry.name, entry.value]),
          );
          assert.equal(codec.decoder.table.bytesMax, plain.table.bytesMax);
          assert.equal(codec.decoder.table.byteLength, plain.table.byteLength);
          for (let index = 0; index < plain.table.length; index++) {
            assert.equal(codec.decoder.table.get(index)?.value, plain.table.get(index)?.value);
          }
        }
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(compared > 2000, `only ${compared} blocks were well formed`);
});
