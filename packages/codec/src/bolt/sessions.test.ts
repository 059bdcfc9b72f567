// What Bolt alone has: versions, checksums, header maps, commands, statuses. What it shares is tested in ../rpc.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RequestHead, ResponseHead } from "@weft/contract";
import { fieldsOf } from "../rpc/recorded-rpc.fixture.ts";
import {
  frameOf,
  type FrameWords,
  headerMap,
  RecordedBoltClient,
  RecordedBoltServer,
  requestHeadOf,
  responseHeadOf,
  responseOf,
  V2_CRC,
} from "./bolt.fixture.ts";
import { createRpcCounts } from "../rpc/counts.ts";
import { looksLikeBolt } from "./decode.ts";
import { HEADER_PAIRS_MAX, SECTION_BYTES_MAX } from "./limits.ts";

const CONTENT = Buffer.from("content");

/** The one frame that a client session writes for a head. */
function written(head: RequestHead): FrameWords {
  const client = new RecordedBoltClient();
  client.call(head, CONTENT);
  const [frame] = client.frames();
  assert.ok(frame !== undefined);
  return frame;
}

/** Every pair of a header map, null ones too. */
function pairsOf(map: Buffer): [string | null, string | null][] {
  const texts: (string | null)[] = [];
  for (let at = 0; at < map.length;) {
    const length = map.readInt32BE(at);
    texts.push(length < 0 ? null : map.toString("utf8", at + 4, at + 4 + length));
    at += 4 + Math.max(0, length);
  }
  return Array.from({ length: texts.length / 2 }, (_, index) => [
    texts[index * 2] ?? null,
    texts[index * 2 + 1] ?? null,
  ]);
}

test("receive() takes v1 and v2 mixed on one connection, and answers each in its own words", () => {
  const server = new RecordedBoltServer({ streamsMax: 1 });
  const all = [{}, { protocolCode: 2, version: 1, switches: 1 }, V2_CRC, {}, { ...V2_CRC, switches: 0 }];
  server.feed(Buffer.concat(all.map((words, index) => frameOf({ ...words, id: index, codec: 40 + index }))), 11);
  const facts = server.frames().map(({ protocolCode, version, switches, codec, id, detail, className }) => {
    assert.equal(className, "");
    return [protocolCode, version, switches, codec, id, detail];
  });
  // The bit is cleared where no checksum follows: sofa-bolt-node would wait for one.
  assert.deepEqual(facts, [
    [2, 1, 0, 41, 1, 4],
    [2, 2, 1, 42, 2, 4],
    [1, 0, 0, 43, 3, 4],
    [2, 2, 0, 44, 4, 4],
  ]);
});

test("open() recomputes the checksum under another id, and clears a bit that promises none", () => {
  for (const content of [Buffer.alloc(0), CONTENT, Buffer.alloc(200_000, 7)]) {
    const client = new RecordedBoltClient({}, 41);
    client.call(requestHeadOf({ ...V2_CRC, content }), content);
    const [frame] = client.frames();
    assert.equal(frame?.id, 42);
    assert.ok(frame.content.equals(content));
  }
  const frame = written(requestHeadOf({ protocolCode: 2, version: 1, switches: 3 }));
  assert.equal(frame.switches, 2);
});

test("receive() of a wrong checksum ends either session, whatever else is open", () => {
  for (let byte = 0; byte < 4; byte++) {
    const request = frameOf({ ...V2_CRC, id: 2 });
    const at = request.length - 1 - byte;
    request[at] = (request[at] ?? 0) ^ 1;
    const server = new RecordedBoltServer();
    server.feed(Buffer.concat([frameOf(), request]));
    assert.equal(server.ended?.code, "BOLT_CRC_MISMATCH");
    assert.equal(server.requests.length, 1);
    const client = new RecordedBoltClient();
    const { answer } = client.call(requestHeadOf(), CONTENT);
    const response = responseOf({ ...V2_CRC, id: 1 });
    response[30] = (response[30] ?? 0) ^ 1;
    client.feed(response);
    assert.equal(client.ended?.code, "BOLT_CRC_MISMATCH");
    assert.match(answer.reset ?? "", /^protocol/);
  }
});

test("receive() says what a frame calls", () => {
  const target = (map: Record<string, string | null>): unknown => {
    const { authority, path, fields } = requestHeadOf({ map: headerMap(map) });
    const {
      "rpc-version": version,
      "rpc-group": group,
      "rpc-application": app,
      "rpc-caller": caller,
    } = fieldsOf(fields);
    return [authority, path, version, group, app, caller];
  };
  assert.deepEqual(
    target({
      service: "com.shop.Ledger:1.0:blue",
      sofa_head_method_name: "book",
      sofa_head_target_app: "ledger",
      "rpc_trace_context.sofaCallerApp": "shop",
    }),
    ["com.shop.Ledger", "/com.shop.Ledger/book", "1.0", "blue", "ledger", "shop"],
  );
  assert.deepEqual(target({ sofa_head_target_service: "a.B:2" }), [
    "a.B",
    "/a.B",
    "2",
    undefined,
    undefined,
    undefined,
  ]);
  const className = "com.alipay.sofa.rpc.core.request.SofaRequest";
  assert.deepEqual(target({}), [className, `/${className}`, undefined, undefined, undefined, undefined]);
  assert.equal(requestHeadOf({ detail: -1 }).frame?.timeoutMs, 0);
  assert.equal(written(requestHeadOf({ detail: -1 })).detail, -1);
});

test("receive() shows what can be a field, and nothing of ours that others made up", () => {
  const map = headerMap({
    Service: "a:1",
    empty: "",
    "white space": "x",
    padded: " x ",
    broken: "x\r\ny",
    absent: null,
    null: "x",
    "rpc-caller": "mallory",
    "x-weft-hops": "0",
    "X-Forwarded-For": "1.2.3.4",
    text: "gr\u00fc\u00df",
  });
  const { fields } = requestHeadOf({ map });
  assert.deepEqual(fieldsOf(fields), {
    service: "a:1",
    empty: "",
    text: Buffer.from("gr\u00fc\u00df").toString("latin1"),
    "rpc-version": "1",
  });
});

test("open() writes changed fields in the map's own order and spelling, and keeps what it did not show", () => {
  const map = headerMap({
    Service: "a:1",
    Drop: "x",
    "white space": "y",
    absent: null,
    null: "z",
    Change: "old",
    last: "l",
  });
  const head = requestHeadOf({ map });
  const fields = ["change", "new", "service", "a:1", "last", "l", "traceparent", "00-1", "rpc-version", "9"];
  const changed = written(head.withFields([...fields, "x-forwarded-for", "1.2.3.4", "x-weft-hops", "1"]));
  assert.deepEqual(pairsOf(changed.map), [
    ["Service", "a:1"],
    ["white space", "y"],
    ["absent", null],
    [null, "z"],
    ["Change", "new"],
    ["last", "l"],
    ["traceparent", "00-1"],
  ]);
  assert.equal(changed.className, "com.alipay.sofa.rpc.core.request.SofaRequest");
  assert.ok(changed.content.equals(CONTENT));
});

test("open() writes a frame as it came when only fields of ours were added", () => {
  const map = headerMap({ B: "2", a: "1" });
  const head = requestHeadOf({ map });
  const same = written(head.withFields([...head.fields, "x-forwarded-proto", "bolt", "x-weft-hops", "1"]));
  assert.ok(same.map.equals(map));
});

test("open() keeps pairs of the same name apart, and writes none where all were removed", () => {
  const map = Buffer.concat([headerMap({ Tag: "1" }), headerMap({ tag: "2" }), headerMap({ tag: "3" })]);
  const head = requestHeadOf({ map });
  assert.deepEqual(pairsOf(written(head.withFields(["tag", "1", "tag", "3"])).map), [
    ["Tag", "1"],
    ["tag", "3"],
  ]);
  assert.equal(written(head.withFields([])).map.length, 0);
});

test("SECTION_BYTES_MAX: a changed header map that is too long is not sent", () => {
  const client = new RecordedBoltClient();
  const head = requestHeadOf({ map: headerMap({ a: "1" }) });
  const room = SECTION_BYTES_MAX - 10 - 12;
  client.call(head.withFields(["a", "1", "long", "x".repeat(room)]), CONTENT);
  assert.equal(client.frames()[0]?.map.length, SECTION_BYTES_MAX);
  const { answer } = client.call(head.withFields(["a", "1", "long", "x".repeat(room + 1)]), CONTENT);
  assert.match(answer.reset ?? "", /^too-large/);
  assert.equal(client.session.activeStreams, 1);
  const server = new RecordedBoltServer();
  server.feed(frameOf());
  const answerHead = responseHeadOf({ map: headerMap({ a: "1" }), content: CONTENT });
  server.answer(answerHead.withFields(["a", "x".repeat(SECTION_BYTES_MAX)]), CONTENT);
  assert.equal(server.frames()[0]?.detail, 0x10);
});

test("SECTION_BYTES_MAX and HEADER_PAIRS_MAX: heads that are too large are refused, and the connection goes on", () => {
  const pairs = (count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, index) => headerMap({ [`k${index}`]: "v" })));
  const allowed = [{ className: "c".repeat(SECTION_BYTES_MAX) }, { map: pairs(HEADER_PAIRS_MAX) }];
  const refused = [
    { className: "c".repeat(SECTION_BYTES_MAX + 1) },
    { map: headerMap({ a: "v".repeat(SECTION_BYTES_MAX - 8) }) },
    { map: pairs(HEADER_PAIRS_MAX + 1) },
  ];
  const server = new RecordedBoltServer();
  for (const words of allowed) server.feed(frameOf(words));
  assert.equal(server.requests.length, 2);
  for (const words of refused) server.feed(frameOf(words));
  assert.deepEqual(
    server.frames().map(({ detail, map }) => [detail, pairsOf(map)]),
    refused.map(() => [9, [["x-weft-error", "BOLT_HEAD_TOO_LARGE"]]]),
  );
  server.feed(frameOf());
  assert.equal(server.requests.length, 3);
  assert.equal(server.ended, undefined);
});

test("receive() refuses header maps that do not end, and goes on", () => {
  const whole = headerMap({ key: "value" });
  const lies = (at: number, length: number): Buffer => {
    const map = Buffer.from(whole);
    map.writeInt32BE(length, at);
    return map;
  };
  const maps = [
    ...Array.from({ length: whole.length - 1 }, (_, index) => whole.subarray(0, index + 1)),
    lies(0, 4),
    lies(0, 0x7fff_ffff),
    lies(7, 6),
    lies(7, 0x7fff_ffff),
    Buffer.concat([whole, Buffer.alloc(1)]),
    // A null key without a value behind it.
    Buffer.from([255, 255, 255, 255]),
  ];
  const counts = createRpcCounts();
  const server = new RecordedBoltServer({ counts });
  for (const map of maps) server.feed(frameOf({ map }), 7);
  assert.ok(server.frames().every(({ detail }) => detail === 0x12));
  assert.equal(counts.faults.refused, maps.length);
  assert.ok(server.protocolErrors.every((code) => code === "BOLT_INVALID_HEADER_MAP"));
  server.feed(frameOf());
  assert.equal(server.requests.length, 1);
  const client = new RecordedBoltClient();
  const [bad, good] = [client.call(requestHeadOf(), CONTENT), client.call(requestHeadOf(), CONTENT)];
  client.feed(Buffer.concat([responseOf({ id: 1, map: lies(0, 4) }), responseOf({ id: 2 })]));
  assert.match(bad.answer.reset ?? "", /^protocol/);
  assert.ok(good.answer.isComplete);
});

test("receive() of what is no frame ends the session with a name", () => {
  const wrong: [string, Partial<FrameWords>, Buffer?][] = [
    ["BOLT_UNKNOWN_PROTOCOL", {}, Buffer.from([3, 1, 0, 1])],
    ["BOLT_UNKNOWN_PROTOCOL", { protocolCode: 2, version: 0 }],
    ["BOLT_UNKNOWN_PROTOCOL", { protocolCode: 2, version: 3 }],
    ["BOLT_UNKNOWN_TYPE", { type: 3 }],
    ["BOLT_UNKNOWN_COMMAND", { command: 7 }],
    ["BOLT_UNKNOWN_COMMAND", { command: 2 }],
    ["BOLT_UNKNOWN_COMMAND", { type: 0, command: 1 }],
  ];
  for (const [code, words, bytes] of wrong) {
    for (const pieceBytes of [1, 100]) {
      const server = new RecordedBoltServer();
      server.feed(bytes ?? frameOf(words), pieceBytes);
      assert.equal(server.ended?.code, code);
      assert.deepEqual(server.protocolErrors, [code]);
      const client = new RecordedBoltClient();
      const { answer } = client.call(requestHeadOf(), CONTENT);
      client.feed(bytes ?? frameOf(words), pieceBytes);
      assert.equal(client.ended?.code, code);
      assert.match(answer.reset ?? "", /^protocol/);
    }
  }
});

test("receive() passes bodies of serializations that nobody knows", () => {
  const frame = written(requestHeadOf({ codec: 77, commandVersion: 9 }));
  assert.equal(frame.codec, 77);
  assert.equal(frame.commandVersion, 9);
});

test("receive() of GOAWAY: the client drains, the server goes on; nobody sends it", () => {
  const goaway = frameOf({ command: 100, className: "", map: Buffer.alloc(0), content: Buffer.alloc(0) });
  const client = new RecordedBoltClient();
  const { answer } = client.call(requestHeadOf(), CONTENT);
  client.bytes();
  client.feed(Buffer.concat([goaway, goaway]));
  assert.equal(client.drainingCount, 1);
  assert.equal(client.session.availableStreams, 0);
  client.feed(responseOf({ id: 1 }));
  assert.ok(answer.isComplete);
  assert.equal(client.ended, null);
  assert.equal(client.bytes().length, 0);
  const server = new RecordedBoltServer();
  server.feed(Buffer.concat([goaway, frameOf()]));
  assert.equal(server.requests.length, 1);
  assert.equal(server.bytes().length, 0);
});

test("a refusal by a draining server of our kind is no answer: the request was not looked at, and none follows", () => {
  const server = new RecordedBoltServer();
  server.feed(frameOf());
  server.session.drain();
  server.session.drain();
  const client = new RecordedBoltClient();
  const { answer } = client.call(requestHeadOf(), CONTENT);
  server.feed(client.bytes());
  client.feed(server.bytes());
  assert.equal(answer.responseHead, null);
  assert.match(answer.reset ?? "", /^refused: /);
  assert.equal(client.drainingCount, 1);
  assert.equal(client.session.availableStreams, 0);
});

test("drain() answers new requests as a busy server does", () => {
  const server = new RecordedBoltServer();
  server.feed(frameOf());
  server.session.drain();
  assert.equal(server.bytes().length, 0);
  server.session.drain();
  server.feed(frameOf({ ...V2_CRC, id: 2 }));
  const [refusal] = server.frames();
  assert.equal(refusal?.detail, 4);
  assert.deepEqual(pairsOf(refusal.map), [["x-weft-error", "RPC_DRAINING"]]);
  assert.deepEqual(server.protocolErrors, []);
  server.answer(responseHeadOf({ content: CONTENT }), CONTENT);
  assert.equal(server.ended, null);
});

test("sendHead() writes the host's status, or the one that a filter gave the answer", () => {
  const answered = (host: number, head: (made: ResponseHead) => ResponseHead): number | undefined => {
    const server = new RecordedBoltServer();
    server.feed(frameOf());
    server.answer(head(responseHeadOf({ detail: host, content: CONTENT })), CONTENT);
    return server.frames()[0]?.detail;
  };
  const asIs = (made: ResponseHead): ResponseHead => made;
  for (const status of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x11, 0x12]) assert.equal(answered(status, asIs), status);
  // Java peers throw on what they do not know.
  assert.equal(answered(99, asIs), 3);
  assert.equal(answered(0x13, asIs), 3);
  const become = (status: number) => (made: ResponseHead) =>
    new ResponseHead(status, made.fields, made.contentLength, made.frame);
  assert.equal(answered(0, become(503)), 4);
  assert.equal(answered(2, become(200)), 0);
});

test("ping() speaks the version that the host spoke last, without a checksum", () => {
  const client = new RecordedBoltClient();
  client.call(requestHeadOf(), CONTENT);
  client.feed(responseOf({ ...V2_CRC, id: 1, codec: 11 }));
  client.bytes();
  client.session.ping();
  const [heartbeat] = client.frames();
  assert.deepEqual(
    [heartbeat?.protocolCode, heartbeat?.version, heartbeat?.switches, heartbeat?.codec, heartbeat?.command],
    [2, 2, 0, 11, 0],
  );
});

test("receive() of a heartbeat's answer under a request's id resets the request", () => {
  const client = new RecordedBoltClient();
  const { answer } = client.call(requestHeadOf(), CONTENT);
  client.feed(responseOf({ id: 1, command: 0, className: "", content: Buffer.alloc(0) }));
  assert.match(answer.reset ?? "", /^protocol/);
});

test("ids wrap at 32 bits while requests are open", () => {
  const client = new RecordedBoltClient({}, 0xffff_fffd);
  const calls = [1, 2, 3, 4].map(() => client.call(requestHeadOf(), CONTENT));
  assert.deepEqual(
    client.frames().map(({ id }) => id),
    [0xffff_fffe, 0xffff_ffff, 1, 2],
  );
  client.feed(Buffer.concat([responseOf({ id: 1 }), responseOf({ id: 0xffff_ffff })]));
  assert.deepEqual(
    calls.map(({ answer }) => answer.isComplete),
    [false, true, true, false],
  );
});

test("looksLikeBolt() tells Bolt from the other protocols by its first bytes", () => {
  const verdict = (bytes: Buffer): boolean | "more" => looksLikeBolt(bytes, 0, bytes.length);
  for (const request of [frameOf(), frameOf(V2_CRC), frameOf({ command: 0 }), frameOf({ type: 2 })]) {
    const needed = request[0] === 1 ? 4 : 5;
    for (let length = 0; length < needed; length++) assert.equal(verdict(request.subarray(0, length)), "more");
    assert.equal(verdict(request.subarray(0, needed)), true);
  }
  const others = ["GET / HTTP/1.1", "PRI * HTTP/2.0", "\x16\x03\x01\x02", "\xda\xbb\xc2\x00"];
  for (const other of others) assert.equal(verdict(Buffer.from(other, "latin1")), false);
  assert.equal(verdict(responseOf()), false);
  assert.equal(verdict(frameOf({ command: 9 })), false);
  assert.equal(verdict(frameOf({ command: 257 })), false);
  assert.equal(verdict(Buffer.from([2, 7, 1, 0, 1])), false);
});

test("ping() of a server asks nothing: in Bolt only clients do", () => {
  const server = new RecordedBoltServer();
  assert.equal(server.session.ping(), false);
  assert.equal(server.bytes().length, 0);
});
