import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fields, FORBIDDEN_TRAILERS, RequestHead, ResponseHead } from "@weft/contract";
import fc from "fast-check";
import { knownFieldName } from "./field-names.ts";
import { RecordedClient, RecordedServer } from "./recorded-session.fixture.ts";

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
const token = fc.string({ unit: fc.constantFrom(...TOKEN.split("")), minLength: 1, maxLength: 12 });
const name = token.filter((text) => (knownFieldName(text)?.kind ?? 0) === 0 && !FORBIDDEN_TRAILERS.has(text));
const value = fc
  .string({
    unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code === 127 ? 9 : code)),
    maxLength: 30,
  })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ""));
const fields: fc.Arbitrary<Fields> = fc.array(fc.tuple(name, value), { maxLength: 10 }).map((pairs) => pairs.flat());
const path = fc
  .string({ unit: fc.constantFrom(..."/?&=%20abcXYZ.~;,+".split("")), maxLength: 30 })
  .map((text) => `/${text}`);
const authority = fc.constantFrom("a", "shop.example:8080", "[::1]:80", "10.0.0.1");
const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "get", "M-SEARCH");
const body = fc.array(
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  { maxLength: 5 },
);
const pieceBytes = fc.integer({ min: 1, max: 50 });

test("decoding what was encoded gives the same request", () => {
  fc.assert(
    fc.property(
      method,
      authority,
      path,
      fields,
      body,
      fields,
      fc.boolean(),
      pieceBytes,
      (method, authority, path, fields, body, trailers, isChunked, pieceBytes) => {
        const content = body.join("");
        const client = new RecordedClient();
        const server = new RecordedServer();
        const head = new RequestHead(method, "", authority, path, fields, isChunked ? -1 : content.length);
        const isEmpty = !isChunked && content === "";
        // Twice and a third time, from the bytes that are kept with the head by then.
        for (let round = 0; round < 3; round++) {
          const { stream } = client.open(head, isEmpty);
          for (const [index, piece] of body.entries()) {
            const isEnd = !isChunked && index === body.length - 1;
            if (!isEmpty) stream.sendData(Buffer.from(piece, "latin1"), 0, piece.length, isEnd);
          }
          if (isChunked) stream.sendTrailers(trailers);
          server.feed(client.text(), pieceBytes);
          const { requestHead } = server.last;
          assert.deepEqual(
            [
              requestHead?.method,
              requestHead?.authority,
              requestHead?.path,
              requestHead?.fields,
              requestHead?.contentLength,
            ],
            [method, authority, path, fields, head.contentLength],
          );
          assert.equal(server.last.body, content);
          assert.ok(server.last.isComplete);
          assert.deepEqual(server.last.trailers ?? [], isChunked ? trailers : []);
          server.answer(204);
          client.feed(server.text());
          assert.equal(client.session.availableStreams, 1);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("decoding what was encoded gives the same answer", () => {
  const status = fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304);
  fc.assert(
    fc.property(
      status,
      fields,
      body,
      fields,
      fc.boolean(),
      pieceBytes,
      (status, fields, body, trailers, isChunked, pieceBytes) => {
        const content = body.join("");
        const client = new RecordedClient();
        const server = new RecordedServer();
        const head = new ResponseHead(status, fields, isChunked ? -1 : content.length);
        const isEmpty = !isChunked && content === "";
        for (let round = 0; round < 3; round++) {
          const { answer } = client.open(new RequestHead("GET", "", "a", "/", [], 0));
          server.feed(client.text());
          const { stream } = server.last;
          stream?.sendHead(head, isEmpty);
          for (const [index, piece] of body.entries()) {
            const isEnd = !isChunked && index === body.length - 1;
            if (!isEmpty) stream?.sendData(Buffer.from(piece, "latin1"), 0, piece.length, isEnd);
          }
          if (isChunked) stream?.sendTrailers(trailers);
          client.feed(server.text(), pieceBytes);
          assert.equal(answer.responseHead?.status, status);
          assert.deepEqual(answer.responseHead?.fields, fields);
          assert.equal(answer.responseHead?.contentLength, head.contentLength);
          assert.equal(answer.body, content);
          assert.ok(answer.isComplete);
          assert.deepEqual(answer.trailers ?? [], isChunked ? trailers : []);
          assert.equal(client.session.availableStreams, 1);
        }
      },
    ),
    { numRuns: 300 },
  );
});
