import assert from "node:assert/strict";
import { test } from "node:test";
import { HeadMemo } from "./head-memo.ts";
import { MEMO_HEAD_BYTES_MAX, MEMO_REVIEW_LOOKUPS, MEMO_SPARSE_SHARE } from "./limits.ts";
import { createHttp1ServerOptions } from "./options.ts";
import { RecordedServer } from "./recorded-session.fixture.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\nX_A: 1\r\n\r\n";

/** The head object that a fresh connection under `choices` makes of `text`. */
function headOf(choices: ConstructorParameters<typeof RecordedServer>[0], text: string): unknown {
  const server = new RecordedServer(choices);
  server.feed(text);
  return server.last.requestHead;
}

test("receive() hands out the same head for the same bytes on one connection", () => {
  const server = new RecordedServer();
  for (let round = 0; round < 4; round++) {
    server.feed(GET);
    server.answer(204);
  }
  assert.equal(new Set(server.requests.map((request) => request.requestHead)).size, 1);
});

test("receive() tells heads apart that differ in one byte, also right after each other", () => {
  const server = new RecordedServer();
  for (const path of ["/aaaa", "/aaaa", "/aaaa", "/aaab", "/aaaa", "/baaa", "/baaa", "/aaaa"]) {
    server.feed(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(server.last.requestHead?.path, path);
    server.answer(204);
  }
});

test("createHttp1ServerOptions() with one memo never mixes options", () => {
  const memo = new HeadMemo();
  assert.ok(headOf({ memo }, GET) !== undefined);
  const strict = new RecordedServer({ memo, underscores: "reject" });
  strict.feed(GET);
  assert.match(strict.text(), /^HTTP\/1\.1 400 .*HTTP1_UNDERSCORE/s);
});

test("get() finds what set() kept, through one generation", () => {
  const memo = new HeadMemo();
  const table = memo.createTable<number>();
  table.set("a", 1);
  memo.advance();
  assert.equal(table.get("a"), 1);
  memo.advance();
  assert.equal(table.get("a"), 1, "its use moved it to the young generation");
  memo.advance();
  memo.advance();
  assert.equal(table.get("a"), undefined);
  assert.equal(memo.size, 0);
});

test("set() never keeps more entries than entriesMax, over all tables", () => {
  const memo = new HeadMemo({ entriesMax: 10, bytesMax: 1_000_000 });
  const tables = [memo.createTable<number>(), memo.createTable<number>()];
  for (let index = 0; index < 1000; index++) {
    tables[index % 2]?.set(`head ${index}`, index);
    assert.ok(memo.size <= 10, `${memo.size} entries`);
  }
  assert.equal(tables[1]?.get("head 999"), 999);
  assert.equal(tables[0]?.get("head 0"), undefined);
});

test("set() never keeps more bytes than bytesMax", () => {
  const memo = new HeadMemo({ entriesMax: 1000, bytesMax: 1000 });
  const table = memo.createTable<string>();
  for (let index = 0; index < 100; index++) {
    const text = `${index} `.padEnd(100, "x");
    table.set(text, text);
    assert.ok(memo.size * 100 <= 1000, `${memo.size} entries of 100 bytes`);
  }
});

test("receive() does not remember heads longer than MEMO_HEAD_BYTES_MAX", () => {
  const memo = new HeadMemo();
  const options = { memo };
  const long = `GET /${"a".repeat(MEMO_HEAD_BYTES_MAX)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  headOf(options, long);
  assert.equal(memo.size, 0);
  headOf(options, GET);
  assert.equal(memo.size, 1);
});

test("createHttp1ServerOptions() freezes what connections share", () => {
  assert.ok(Object.isFrozen(createHttp1ServerOptions()));
});

test("takesPart() sits out most heads while none repeats, and joins in again when they do", () => {
  const memo = new HeadMemo();
  const table = memo.createTable<number>();
  const use = (text: string): boolean => {
    if (!table.takesPart()) return false;
    if (table.get(text) === undefined) table.set(text, 1);
    return true;
  };
  let used = 0;
  for (let index = 0; index < MEMO_REVIEW_LOOKUPS; index++) used += Number(use(`unique ${index}`));
  assert.equal(used, MEMO_REVIEW_LOOKUPS);
  used = 0;
  for (let index = 0; index < 1600; index++) used += Number(use(`another ${index}`));
  assert.equal(used, 1600 / MEMO_SPARSE_SHARE);
  for (let index = 0; index < MEMO_REVIEW_LOOKUPS * MEMO_SPARSE_SHARE * 2; index++) use(`one of ${index % 10}`);
  assert.ok(use("one of 1") && use("one of 2"));
});
