import { RequestHead } from "@weft/contract";
import { bench, do_not_optimize, run, summary } from "mitata";
import { BlockMemo, HeadMemo } from "./head-memo.ts";
import { HeaderList, HpackDecoder } from "./hpack-decoder.ts";
import { HpackEncoder } from "./hpack-encoder.ts";
import { decodeHuffman, encodeHuffman, huffmanBytes } from "./hpack-huffman.ts";
import { createHttp2ServerOptions } from "./options.ts";
import { readRequestHead, writeRequestHead } from "./request-head.ts";

const options = createHttp2ServerOptions({ nowMs: () => 0 });
const head = new RequestHead(
  "POST",
  "https",
  "orders.example.com",
  "/shop.Orders/Create",
  [
    "user-agent",
    "grpc-go/1.60.1",
    "content-type",
    "application/grpc",
    "te",
    "trailers",
    "grpc-timeout",
    "2S",
    "x-forwarded-for",
    "10.1.2.3",
    "x-tenant",
    "north-7",
  ],
  -1,
);

function encoded(encoder: HpackEncoder): Buffer {
  writeRequestHead(encoder, head, "http");
  return Buffer.from(encoder.bytes.subarray(0, encoder.length));
}

const text = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
const coded = Buffer.alloc(huffmanBytes(text));
encodeHuffman(text, coded, 0);
const target = Buffer.alloc(256);

summary(() => {
  bench("huffman: length of 50 characters", () => do_not_optimize(huffmanBytes(text)));
  bench("huffman: encode 50 characters", () => do_not_optimize(encodeHuffman(text, target, 0)));
  bench("huffman: decode 50 characters", () => do_not_optimize(decodeHuffman(coded, 0, coded.length)));
});

const warm = new HpackEncoder();
const first = encoded(warm);
const second = encoded(warm);
const indexed = encoded(warm);
const decoder = new HpackDecoder();
const list = new HeaderList();
decoder.decode(first, 0, first.length, list, options);
decoder.decode(second, 0, second.length, list, options);
const cold = new HpackDecoder();
const memo = new HeadMemo<RequestHead>();
const variant = 1;
decoder.decode(indexed, 0, indexed.length, list, options);
for (let round = 0; round < 3; round++) {
  if (memo.find(indexed, 0, indexed.length, variant, decoder) !== null) continue;
  memo.remember(indexed, 0, indexed.length, variant, decoder, head);
}

summary(() => {
  bench(`decode: ${indexed.length} bytes, remembered`, () =>
    do_not_optimize(memo.find(indexed, 0, indexed.length, variant, decoder)));
  bench(`decode: ${indexed.length} bytes, indexed, to a head`, () => {
    decoder.decode(indexed, 0, indexed.length, list, options);
    do_not_optimize(readRequestHead(list, false));
  });
  bench(`decode: ${first.length} bytes of literals, to a head`, () => {
    cold.decode(first, 0, first.length, list, options);
    do_not_optimize(readRequestHead(list, false));
  });
});

const blocks = new BlockMemo();
for (let round = 0; round < 3; round++) {
  if (blocks.find(head, 1) === null) blocks.remember(head, 1, indexed, indexed.length);
}
const plain = new HpackEncoder();
plain.resize(0);

summary(() => {
  bench("encode: remembered", () => do_not_optimize(blocks.find(head, 1)));
  bench("encode: indexed", () => writeRequestHead(warm, head, "http"));
  bench("encode: literals", () => writeRequestHead(plain, head, "http"));
});

await run();
