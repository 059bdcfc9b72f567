import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HeaderList, HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { decodeHuffman, encodeHuffman, huffmanBytes } from "./hpack-huffman.ts";
import { isNeverIndexed } from "./hpack-never-indexed.ts";
import { DynamicTable } from "./hpack-table.ts";

const LIMITS = { headerBytesMax: 65_536, headersMax: 256 };

/** Decodes hexadecimal text; the fields as "name: value" lines, or null when the block is broken. */
function decodeHex(decoder: HpackDecoder, hex: string): string[] | null {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const list = new HeaderList();
  if (!decoder.decode(bytes, 0, bytes.length, list, LIMITS)) return null;
  return fieldsOf(list);
}

function fieldsOf(list: HeaderList): string[] {
  return list.entries.slice(0, list.length).map((entry) => `${entry.name}: ${entry.value}`);
}

function tableOf(decoder: HpackDecoder): string[] {
  const lines: string[] = [];
  for (let index = 0; ; index++) {
    const entry = decoder.table.get(index);
    if (entry === undefined) return lines;
    lines.push(`${entry.name}: ${entry.value}`);
  }
}

test("HpackDecoder reads the single fields of RFC 7541 appendix C.2", () => {
  const decoder = new HpackDecoder();
  const custom = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
  assert.deepEqual(decodeHex(decoder, custom), ["custom-key: custom-header"]);
  assert.deepEqual(tableOf(decoder), ["custom-key: custom-header"]);
  assert.equal(decoder.table.byteLength, 55);
  assert.deepEqual(decodeHex(new HpackDecoder(), "040c 2f73 616d 706c 652f 7061 7468"), [":path: /sample/path"]);
  const never = new HpackDecoder();
  assert.deepEqual(decodeHex(never, "1008 7061 7373 776f 7264 0673 6563 7265 74"), ["password: secret"]);
  assert.deepEqual(tableOf(never), []);
  assert.deepEqual(decodeHex(new HpackDecoder(), "82"), [":method: GET"]);
});

const REQUESTS = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
  [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
];

test("HpackDecoder reads the requests of RFC 7541 appendices C.3 and C.4 with their tables", () => {
  const plain = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  const huffman = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  for (const blocks of [plain, huffman]) {
    const decoder = new HpackDecoder();
    assert.deepEqual(
      blocks.map((hex) => decodeHex(decoder, hex)),
      REQUESTS,
    );
    assert.deepEqual(tableOf(decoder), [
      "custom-key: custom-value",
      "cache-control: no-cache",
      ":authority: www.example.com",
    ]);
    assert.equal(decoder.table.byteLength, 164);
  }
});

test("HpackDecoder evicts as in RFC 7541 appendices C.5 and C.6", () => {
  const plain = [
    "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
  ];
  const huffman = [
    "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
  ];
  const cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
  for (const blocks of [plain, huffman]) {
    const decoder = new HpackDecoder();
    decoder.table.bytesMax = 256;
    const fields = blocks.map((hex) => decodeHex(decoder, hex));
    assert.deepEqual(fields[1], [
      ":status: 307",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "location: https://www.example.com",
    ]);
    assert.deepEqual(fields[2], [
      ":status: 200",
      "cache-control: private",
      "date: Mon, 21 Oct 2013 20:13:22 GMT",
      "location: https://www.example.com",
      "content-encoding: gzip",
      cookie,
    ]);
    assert.deepEqual(tableOf(decoder), [cookie, "content-encoding: gzip", "date: Mon, 21 Oct 2013 20:13:22 GMT"]);
    assert.equal(decoder.table.byteLength, 215);
  }
});

test("HpackDecoder refuses what breaks RFC 7541", () => {
  const broken: readonly [what: string, hex: string][] = [
    ["index 0", "80"],
    ["an index beyond both tables", "be"],
    ["a name index beyond both tables", "7f00 0161"],
    ["a literal without its value", "4003 6162 63"],
    ["a string longer than the block", "0003 61"],
    ["an integer that does not end", "ffff ffff ffff"],
    ["an integer of 2^32", "ff81 ffff ff0f"],
    ["a size update after a field", "8220"],
    ["a size update beyond what we allow", "3fe2 1f"],
    ["three size updates", "2020 20"],
    ["Huffman padding of 8 bits", "0081 ff00"],
    ["Huffman padding of zeros", "0081 0000"],
    ["the end-of-string code", "0084 3fff ffff 00"],
  ];
  for (const [what, hex] of broken) assert.equal(decodeHex(new HpackDecoder(), hex), null, what);
});

test("HpackDecoder.allowTableBytes() wants the peer to shrink its table at once", () => {
  const decoder = new HpackDecoder();
  decoder.allowTableBytes(100);
  assert.equal(decodeHex(decoder, "82"), null, "no size update");
  assert.equal(decodeHex(decoder, "3f46 82"), null, "an update to 101");
  assert.deepEqual(decodeHex(decoder, "3f45 82"), [":method: GET"]);
  assert.deepEqual(decodeHex(decoder, "82"), [":method: GET"]);
});

test("HpackDecoder counts an over-long list to its end without storing it and stays in step", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const list = new HeaderList();
  const value = "v".repeat(1000);
  const bomb = (): Buffer => {
    encoder.begin();
    for (let index = 0; index < 100; index++) encoder.field("x-bomb", value);
    encoder.field("x-last", "1");
    return Buffer.from(encoder.bytes.subarray(0, encoder.length));
  };
  for (let round = 0; round < 3; round++) {
    const bytes = bomb();
    assert.ok(decoder.decode(bytes, 0, bytes.length, list, LIMITS));
    assert.ok(list.isTooLarge);
    assert.equal(list.byteLength, 100 * 1038 + 39);
    assert.ok(list.length <= 63);
  }
  const many = Buffer.alloc(257, 0x82);
  assert.ok(decoder.decode(many, 0, many.length, list, LIMITS));
  assert.ok(list.isTooLarge, "more fields than headersMax");
  encoder.begin();
  encoder.field("x-bomb", value);
  assert.ok(encoder.length <= 2, "the encoder has indexed it");
  assert.ok(decoder.decode(encoder.bytes, 0, encoder.length, list, LIMITS));
  assert.deepEqual(fieldsOf(list), [`x-bomb: ${value}`]);
});

test("encodeHuffman() and decodeHuffman() agree on every text, at every place", () => {
  const texts = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 200 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 0, max: 9 }), (codes, offset) => {
      const text = String.fromCharCode(...codes);
      const bytes = Buffer.alloc(offset + huffmanBytes(text));
      assert.equal(encodeHuffman(text, bytes, offset), bytes.length);
      assert.equal(decodeHuffman(bytes, offset, bytes.length), text);
    }),
  );
  const longest = String.fromCharCode(10, 13, 22, 249, 255, 1);
  const bytes = Buffer.alloc(64);
  const end = encodeHuffman(longest, bytes, 0);
  assert.equal(decodeHuffman(bytes, 0, end), longest);
});

test("HpackEncoder indexes what repeats, and neither secrets nor what changes", () => {
  const encoder = new HpackEncoder();
  const sizeOf = (name: string, value: string): number => {
    encoder.begin();
    encoder.field(name, value);
    return encoder.length;
  };
  for (const [name, value] of [
    ["x-tenant", "north-seven-and-more"],
    ["user-agent", "curl/8.1.2-and-more"],
  ] as const) {
    const first = sizeOf(name, value);
    sizeOf(name, value);
    assert.equal(sizeOf(name, value), 1, `${name} is an index from the third time on`);
    assert.ok(first > 10);
  }
  const entries = encoder.table.length;
  for (const name of [
    ":path",
    "content-length",
    "date",
    "authorization",
    "proxy-authorization",
    "set-cookie",
    "etag",
  ]) {
    for (let round = 0; round < 4; round++) sizeOf(name, "same-value-again");
  }
  for (let round = 0; round < 4; round++) sizeOf("cookie", "id=secret");
  assert.equal(encoder.table.length, entries);
  encoder.begin();
  encoder.field("authorization", "Basic abc");
  assert.equal((encoder.bytes[0] ?? 0) & 0xf0, 0x10, "a never-indexed literal");
  assert.equal(sizeOf("cookie", "session=0123456789abcdef0123") > 1, true);
  sizeOf("cookie", "session=0123456789abcdef0123");
  assert.equal(sizeOf("cookie", "session=0123456789abcdef0123"), 1, "long cookies cannot be guessed");
});

test("HpackEncoder writes no field that could be misread", () => {
  const encoder = new HpackEncoder();
  encoder.begin();
  for (const value of ["a\r\nb", "a\nb", "a\0b", " a", "a\t", "\u0100"]) encoder.field("x-a", value);
  for (const name of ["", "X-A", "x a", "x:a", "x\n"]) encoder.field(name, "v");
  assert.equal(encoder.length, 0);
});

test("HpackEncoder.resize() announces the lowest and the last size", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const list = new HeaderList();
  const send = (): string[] => {
    encoder.begin();
    encoder.field("x-tenant", "north-seven");
    assert.ok(decoder.decode(encoder.bytes, 0, encoder.length, list, LIMITS));
    return fieldsOf(list);
  };
  for (let round = 0; round < 3; round++) send();
  assert.equal(decoder.table.length, 1);
  encoder.resize(0);
  encoder.resize(2048);
  assert.deepEqual(send(), ["x-tenant: north-seven"]);
  assert.equal(list.sizeUpdates, 2);
  assert.equal(decoder.table.bytesMax, 2048);
  send();
  assert.equal(list.sizeUpdates, 0);
  encoder.resize(0);
  for (let round = 0; round < 3; round++) assert.deepEqual(send(), ["x-tenant: north-seven"]);
  assert.equal(decoder.table.length + encoder.table.length, 0);
});

test("fields that one peer marks as never indexed are not indexed towards another", () => {
  const decoder = new HpackDecoder();
  assert.ok(!isNeverIndexed("x-very-secret"));
  assert.ok(decodeHex(decoder, `10 0d ${Buffer.from("x-very-secret").toString("hex")} 01 61`));
  assert.ok(isNeverIndexed("x-very-secret"));
  const encoder = new HpackEncoder();
  for (let round = 0; round < 4; round++) {
    encoder.begin();
    encoder.field("x-very-secret", "some longer value");
    assert.equal((encoder.bytes[0] ?? 0) & 0xf0, 0x10);
  }
  assert.equal(encoder.table.length, 0);
});

test("HpackDecoder understands HpackEncoder with any fields and any changes of the table's size", () => {
  const name = fc.constantFrom("x-a", "x-b", "accept", "cookie", "user-agent", "date", "authorization", ":path", "via");
  const value = fc.oneof(
    fc.constantFrom("", "1", "same", "gzip, deflate", "x".repeat(300)),
    fc.array(fc.integer({ min: 0x21, max: 0x7e }), { maxLength: 60 }).map((codes) => String.fromCharCode(...codes)),
    fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes)),
  );
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.array(fc.tuple(name, value), { maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 40, 100, 1000, 4096) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      const list = new HeaderList();
      for (const fields of steps) {
        if (typeof fields === "number") {
          encoder.resize(fields);
          continue;
        }
        encoder.begin();
        for (const [name, value] of fields) encoder.field(name, value);
        assert.ok(decoder.decode(encoder.bytes, 0, encoder.length, list, LIMITS));
        assert.deepEqual(
          fieldsOf(list),
          fields.map(([name, value]) => `${name}: ${value}`),
        );
        assert.equal(decoder.table.byteLength, encoder.table.byteLength);
        assert.ok(decoder.table.byteLength <= decoder.table.bytesMax);
      }
    }),
    { numRuns: 200 },
  );
});

test("DynamicTable agrees with an array that is cut to size", () => {
  const sizes = fc.array(fc.integer({ min: 32, max: 200 }), { maxLength: 300 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 32, max: 1000 }), (byteLengths, bytesMax) => {
      const table = new DynamicTable<{ byteLength: number }>();
      table.bytesMax = bytesMax;
      const model: { byteLength: number }[] = [];
      for (const byteLength of byteLengths) {
        const entry = { byteLength };
        while (table.mustEvict(byteLength)) table.evict();
        table.add(entry);
        model.unshift(entry);
        while (model.reduce((sum, each) => sum + each.byteLength, 0) > bytesMax) model.pop();
        assert.equal(table.length, model.length);
        model.forEach((each, index) => assert.equal(table.get(index), each));
        assert.equal(table.get(model.length), undefined);
      }
    }),
    { numRuns: 50 },
  );
});
