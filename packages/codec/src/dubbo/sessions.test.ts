// What Dubbo alone has: serializations, attachments, events, ids of eight bytes. What it shares is tested in ../rpc.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { createRpcCounts, type RpcCounts } from "../rpc/counts.ts";
import { fieldsOf } from "../rpc/recorded-rpc.fixture.ts";
import { countTypes, looksLikeDubbo } from "./decode.ts";
import {
  frameOf,
  mapOf,
  RecordedDubboClient,
  RecordedDubboServer,
  requestBody,
  requestHeadOf,
  responseHeadOf,
  responseOf,
  text,
} from "./dubbo.fixture.ts";
import { ATTACHMENTS_MAX, HEARTBEAT_BODY_BYTES_MAX } from "./limits.ts";

/** The body that a client session writes for a head that was made of `body`. */
function written(head: RequestHead, body: Buffer, counts: RpcCounts = createRpcCounts()): string {
  const client = new RecordedDubboClient({ counts });
  client.call(head, body);
  const [frame] = client.frames();
  assert.ok(frame !== undefined);
  return frame.body.toString("latin1");
}

/** A request's body without its attachments. */
const BEFORE = requestBody("Ljava/lang/String;", text("peter"), "").toString("latin1");

test("receive() says what a frame calls", () => {
  const attachments = {
    interface: "com.shop.RiskService",
    group: "gold",
    timeout: "1500",
    "remote.application": "shop",
    Tag: "blue",
  };
  const head = requestHeadOf({ body: requestBody("I", "\x91", mapOf(attachments)) });
  assert.equal(head.authority, "com.shop.RiskService");
  assert.equal(head.path, "/com.shop.RiskService/judge");
  assert.equal(head.frame?.timeoutMs, 1500);
  assert.deepEqual(fieldsOf(head.fields), {
    interface: "com.shop.RiskService",
    group: "gold",
    timeout: "1500",
    "remote.application": "shop",
    tag: "blue",
    "rpc-version": "2.0",
    "rpc-group": "gold",
    "rpc-caller": "shop",
  });
});

test("receive() takes the deadline from text or number, Dubbo's own key first", () => {
  const timeoutOf = (attachments: string): number | undefined =>
    requestHeadOf({ body: requestBody("", "", attachments) }).frame?.timeoutMs;
  assert.equal(timeoutOf(`H${text("timeout")}\xcb\xe8${text("_TO")}${text("700")}Z`), 700);
  assert.equal(timeoutOf(`H${text("_TO")}${text("700")}${text("timeout")}\xcb\xe8Z`), 700);
  assert.equal(timeoutOf(`H${text("timeout")}\xcb\xe8Z`), 1000);
  for (const wrong of ["-5", "1e9", "99999999999", "", "1.5"]) assert.equal(timeoutOf(mapOf({ timeout: wrong })), 0);
  assert.equal(timeoutOf(`H${text("timeout")}\x8fZ`), 0);
});

test("receive() finds attachments behind arguments of every kind", () => {
  const args = [
    "C\x03Car\x91\x05color\x60\x03red",
    "H\x01aW\x90ZZ",
    "\x23abc",
    "N",
    "\x60\x04blue",
    "I\x00\x00\x00\x01",
  ].join("");
  const types = "Lcom/Car;Ljava/util/Map;[BLjava/lang/Object;[[Lcom/Car;J";
  // An object among the attachments, of a class that an argument defined.
  const attachments = `H${text("car")}\x60\x03red${text("group")}${text("gold")}Z`;
  const body = requestBody(types, args, attachments);
  const head = requestHeadOf({ body });
  assert.equal(fieldsOf(head.fields)["rpc-group"], "gold");
  const changed = written(head.withFields([...head.fields, "traceparent", "00-1"]), body);
  const prefix = body.toString("latin1").slice(0, -1);
  assert.equal(changed, `${prefix}${text("traceparent")}${text("00-1")}Z`);
});

test("receive() of bodies that it cannot look into passes them as they are", () => {
  const deep = requestBody("Ljava/util/List;", "W".repeat(100) + "Z".repeat(100));
  const many = mapOf(Object.fromEntries(Array.from({ length: ATTACHMENTS_MAX + 1 }, (_, index) => [`k${index}`, "v"])));
  const bodies: [Buffer, number, string][] = [
    [requestBody(), 0xc6, "/"],
    [Buffer.from("no hessian at all"), 0xc2, "/"],
    [Buffer.from("N"), 0xc2, "/"],
    [Buffer.alloc(0), 0xc2, "/"],
    [requestBody().subarray(0, 12), 0xc2, "/"],
    [deep, 0xc2, "/com.shop.Risk/judge"],
    [requestBody("I", "\x90", ""), 0xc2, "/com.shop.Risk/judge"],
    [requestBody("I", "\x90", "H\x01a"), 0xc2, "/com.shop.Risk/judge"],
    [requestBody("I", "\x90", many), 0xc2, "/com.shop.Risk/judge"],
  ];
  for (const [body, flags, path] of bodies) {
    const head = requestHeadOf({ body, flags });
    assert.equal(head.path, path);
    assert.equal(head.frame?.timeoutMs, 0);
    const counts = createRpcCounts();
    if (body.length === 0) continue;
    const changed = head.withFields([...head.fields, "traceparent", "00-1"]);
    assert.equal(written(changed, body, counts), body.toString("latin1"));
    assert.equal(counts.faults.unapplied, 1);
    assert.equal(written(head, body, counts), body.toString("latin1"));
    assert.equal(counts.faults.unapplied, 1);
  }
});

test("ATTACHMENTS_MAX attachments are read", () => {
  const pairs = Object.fromEntries(Array.from({ length: ATTACHMENTS_MAX }, (_, index) => [`k${index}`, "v"]));
  assert.equal(requestHeadOf({ body: requestBody("", "", mapOf(pairs)) }).fields.length / 2, ATTACHMENTS_MAX + 1);
});

test("open() changes attachments in their own order and spelling, and keeps what it did not show", () => {
  const attachments =
    `H${text("Keep")}${text("1")}${text("object")}W\x90Z${text("Drop")}${text("2")}` +
    `\x91${text("number key")}${text("Change")}${text("3")}${text("padded")}${text(" x ")}Z`;
  const body = requestBody(undefined, undefined, attachments);
  const head = requestHeadOf({ body });
  const fields = ["change", "gr\xc3\xbc\xc3\x9f", "keep", "1", "traceparent", "00-1", "rpc-version", "9"];
  const changed = written(head.withFields([...fields, "x-forwarded-for", "1.2.3.4", "x-weft-hops", "1"]), body);
  const expected =
    `H${text("Keep")}${text("1")}${text("object")}W\x90Z` +
    `\x91${text("number key")}${text("Change")}${text("gr\u00fc\u00df")}${text("padded")}${text(" x ")}` +
    `${text("traceparent")}${text("00-1")}Z`;
  assert.equal(changed, BEFORE + expected);
});

test("open() writes attachments where there were none, and none where all were removed", () => {
  const none = requestBody(undefined, undefined, "N");
  const added = requestHeadOf({ body: none }).withFields(["a", "1"]);
  assert.equal(written(added, none), `${BEFORE}${mapOf({ a: "1" })}`);
  const some = requestBody(undefined, undefined, mapOf({ a: "1", b: "2" }));
  assert.equal(written(requestHeadOf({ body: some }).withFields([]), some), `${BEFORE}HZ`);
  const typed = requestBody(undefined, undefined, `M${text("java.util.HashMap")}${text("a")}${text("1")}Z`);
  const changed = requestHeadOf({ body: typed }).withFields(["a", "2"]);
  assert.equal(written(changed, typed), `${BEFORE}M${text("java.util.HashMap")}${text("a")}${text("2")}Z`);
});

test("open() writes values of any length and any characters that hessian2 has", () => {
  const body = requestBody(undefined, undefined, "HZ");
  const head = requestHeadOf({ body });
  for (const value of ["x".repeat(31), "x".repeat(32), "x".repeat(1023), "x".repeat(1024), "x".repeat(65_535)]) {
    assert.equal(written(head.withFields(["v", value]), body), `${BEFORE}${mapOf({ v: value })}`);
  }
  // Not UTF-8: taken for latin1. Four bytes of UTF-8: two surrogates, as Java writes them.
  assert.equal(written(head.withFields(["v", "\xe9"]), body), `${BEFORE}H\x01v\x01\xc3\xa9Z`);
  const smile = Buffer.from("\u{1f600}").toString("latin1");
  assert.equal(written(head.withFields(["v", smile]), body), `${BEFORE}H\x01v\x02\xed\xa0\xbd\xed\xb8\x80Z`);
  const counts = createRpcCounts();
  assert.equal(written(head.withFields(["v", "x".repeat(65_536)]), body, counts), `${BEFORE}HZ`);
  assert.equal(counts.faults.unapplied, 1);
});

test("open() leaves a body alone that is not the one that was looked into", () => {
  const body = requestBody();
  const head = requestHeadOf({ body });
  const counts = createRpcCounts();
  const other = new RecordedDubboClient({ counts });
  const changed = head.withFields(["a", "1"]);
  const streaming = new RequestHead(
    "POST",
    "dubbo",
    changed.authority,
    changed.path,
    changed.fields,
    -1,
    "",
    false,
    changed.frame,
  );
  other.call(streaming, Buffer.from("short"));
  assert.equal(other.frames()[0]?.body.toString(), "short");
  assert.equal(counts.faults.unapplied, 1);
});

test("the same call with other arguments finds what was noted on the first", () => {
  const server = new RecordedDubboServer();
  const first = requestBody("Ljava/lang/String;", text("peter"));
  const second = requestBody("Ljava/lang/String;", text("somebody else"));
  server.feed(Buffer.concat([frameOf({ body: first }), frameOf({ body: second }), frameOf({ body: second })]));
  const [one, two, three] = server.requests.map(({ requestHead }) => requestHead);
  assert.ok(one && two && three);
  assert.equal(one.fields, two.fields);
  assert.equal(two, three);
  for (const [head, body] of [
    [one, first],
    [two, second],
  ] as const) {
    const changed = written(head.withFields([...head.fields, "a", "1"]), body);
    assert.equal(changed, `${body.toString("latin1").slice(0, -1)}${text("a")}${text("1")}Z`);
  }
});

test("ids of clients are eight opaque bytes; ours count beyond 32 bits", () => {
  const server = new RecordedDubboServer();
  for (const id of ["ffffffffffffffff", "8000000000000000", "0000000100000000", "0000000000000000"]) {
    server.feed(frameOf({ id }));
    server.answer(responseHeadOf(), Buffer.from("\x91\x02hi", "latin1"));
    assert.equal(server.frames()[0]?.id, id);
  }
  const counts = createRpcCounts();
  const client = new RecordedDubboClient({ counts }, 0xffff_ffff);
  const { answer } = client.call(requestHeadOf(), requestBody());
  assert.equal(client.frames()[0]?.id, "0000000100000000");
  client.feed(Buffer.concat(["ffffffff00000000", "0000000000000000"].map((id) => responseOf({ id }))));
  assert.equal(counts.faults.unmatched, 2);
  client.feed(responseOf({ id: "0000000100000000" }));
  assert.ok(answer.isComplete);
});

test("receive() answers a heartbeat of any serialization with the null that it came with", () => {
  for (const [flags, body] of [
    [0xe2, "N"],
    [0xe6, "null\n"],
    [0xe3, "\xac\xed\x00\x05p"],
    [0xf7, "\xaf"],
  ] as const) {
    const server = new RecordedDubboServer();
    server.feed(frameOf({ flags, body: Buffer.from(body, "latin1") }));
    const [ack] = server.frames();
    assert.equal(ack?.flags, 0x20 | (flags & 0x1f));
    assert.equal(ack.status, 20);
    assert.equal(ack.body.toString("latin1"), body);
  }
  const server = new RecordedDubboServer();
  const longest = Buffer.alloc(HEARTBEAT_BODY_BYTES_MAX, 1);
  server.feed(frameOf({ flags: 0xe8, body: longest }));
  server.feed(frameOf({ flags: 0xe8, body: Buffer.alloc(HEARTBEAT_BODY_BYTES_MAX + 1, 1) }));
  assert.deepEqual(
    server.frames().map(({ body }) => body.length),
    [HEARTBEAT_BODY_BYTES_MAX, 0],
  );
});

test("receive() of READONLY: the client drains, and only then", () => {
  const readonly: [number, string, boolean][] = [
    [0xa2, "\x01R", true],
    [0xa2, "\x01W", false],
    [0xa2, "N", false],
    [0xa2, "\x02RR", false],
    [0xa6, '"R"\n', true],
    [0xa8, "\x03\xd2", true],
    [0xa6, "null", false],
    [0xe2, "\x01R", false],
  ];
  for (const [flags, body, isDraining] of readonly) {
    const client = new RecordedDubboClient();
    const { answer } = client.call(requestHeadOf(), requestBody());
    client.feed(frameOf({ flags, body: Buffer.from(body, "latin1") }));
    assert.equal(client.drainingCount, isDraining ? 1 : 0, JSON.stringify(body));
    assert.equal(client.session.availableStreams > 0, !isDraining);
    client.feed(responseOf());
    assert.ok(answer.isComplete);
    assert.equal(client.ended, isDraining ? null : undefined);
  }
});

test("drain() sends READONLY once, serves what was on its way, and ends", () => {
  const server = new RecordedDubboServer();
  server.feed(frameOf());
  server.session.drain();
  const [readonly, ...rest] = server.frames();
  assert.deepEqual(rest, []);
  assert.equal(readonly?.flags, 0xa2);
  assert.equal(readonly.body.toString("latin1"), "\x01R");
  server.feed(frameOf({ id: "0000000000000002" }));
  assert.equal(server.requests.length, 2);
  server.session.drain();
  for (const index of [0, 1]) server.answer(responseHeadOf(), Buffer.from("\x91\x02hi", "latin1"), index);
  assert.equal(server.frames().length, 2);
  assert.equal(server.ended, null);
});

test("error answers have a message in hessian2 and no body in other serializations", () => {
  for (const [flags, body] of [
    [0xc2, text("[CLUSTER_NO_HOST] Cannot serve call")],
    [0xc6, ""],
  ] as const) {
    const server = new RecordedDubboServer();
    server.feed(frameOf({ flags, id: "00000000deadbeef" }));
    server.answerError(503, "CLUSTER_NO_HOST");
    const [frame] = server.frames();
    assert.deepEqual(
      [frame?.flags, frame?.status, frame?.id, frame?.body.toString("latin1")],
      [flags & 0x1f, 100, "00000000deadbeef", body],
    );
  }
});

test("receive() counts answers that bring an exception, where that can be told, and hands them on as they are", () => {
  const answered = (words: Parameters<typeof responseOf>[0]): number => {
    const counts = createRpcCounts();
    const client = new RecordedDubboClient({ counts });
    const { answer } = client.call(requestHeadOf(), requestBody());
    client.feed(responseOf({ id: "0000000000000001", ...words }));
    assert.ok(answer.isComplete);
    assert.equal(counts.frames.answer + counts.frames.exception, 1);
    assert.equal(answer.responseHead?.status, words?.status === 70 ? 500 : 200);
    return counts.frames.exception;
  };
  const body = (first: number): Buffer => Buffer.from([first, 0x4e]);
  for (const first of [0x90, 0x93]) assert.equal(answered({ body: body(first) }), 1);
  for (const first of [0x91, 0x92, 0x94, 0x95, 0x4e]) assert.equal(answered({ body: body(first) }), 0);
  assert.equal(answered({ body: Buffer.alloc(0) }), 0);
  assert.equal(answered({ body: body(0x90), flags: 8 }), 0, "kryo");
  assert.equal(answered({ body: body(0x90), status: 70 }), 0, "what is wrong is in the status");
});

test("sendHead() writes the host's status and body; fields cannot be changed and are counted", () => {
  const counts = createRpcCounts();
  const server = new RecordedDubboServer({ counts });
  const body = Buffer.from("\x91\x02hi", "latin1");
  const answered = (head: ResponseHead): number | undefined => {
    server.feed(frameOf());
    server.answer(head, body);
    const [frame] = server.frames();
    assert.deepEqual(frame?.body, body);
    return frame?.status;
  };
  for (const status of [20, 25, 30, 31, 35, 40, 50, 60, 70, 80, 90, 100, 101]) {
    assert.equal(answered(responseHeadOf({ status })), status);
  }
  const ok = responseHeadOf();
  assert.equal(answered(new ResponseHead(503, ok.fields, ok.contentLength, ok.frame)), 100);
  assert.equal(answered(new ResponseHead(200, ok.fields, ok.contentLength, responseHeadOf({ status: 80 }).frame)), 20);
  assert.equal(counts.faults.unapplied, 0);
  assert.equal(answered(ok.withFields(["server", "weft"])), 20);
  assert.equal(counts.faults.unapplied, 1);
});

test("receive() of what is no frame ends the session with a name", () => {
  for (const bytes of [Buffer.from("GET "), Buffer.from([0xda, 0xbc]), Buffer.from([0xdb])]) {
    const server = new RecordedDubboServer();
    server.feed(bytes, 1);
    assert.equal(server.ended?.code, "DUBBO_INVALID_MAGIC");
    const client = new RecordedDubboClient();
    const { answer } = client.call(requestHeadOf(), requestBody());
    client.feed(bytes);
    assert.equal(client.ended?.code, "DUBBO_INVALID_MAGIC");
    assert.match(answer.reset ?? "", /^protocol/);
  }
});

test("countTypes() counts arguments", () => {
  for (const [types, count] of [
    ["", 0],
    ["I", 1],
    ["ILjava/lang/String;[B", 3],
    ["[[Ljava/lang/String;Z", 2],
    ["Lunfinished", 1],
  ] as const) {
    assert.equal(countTypes(types), count);
  }
});

test("looksLikeDubbo() tells Dubbo from the other protocols by its first bytes", () => {
  const verdict = (bytes: Buffer): boolean | "more" => looksLikeDubbo(bytes, 0, bytes.length);
  for (let length = 0; length < 3; length++) assert.equal(verdict(frameOf().subarray(0, length)), "more");
  assert.equal(verdict(frameOf()), true);
  assert.equal(verdict(responseOf()), false);
  for (const other of ["GET / HTTP/1.1", "\x16\x03\x01", "\x01\x01\x00\x01", "\xda\xbc\xc2"]) {
    assert.equal(verdict(Buffer.from(other, "latin1")), false);
  }
});

test("ping() of a server asks clients, hears its own answer only, and does not mistake it for an answer to nothing", () => {
  const counts = createRpcCounts();
  const server = new RecordedDubboServer({ counts });
  const ack = (id: string): Buffer => frameOf({ flags: 0x22, status: 20, id, body: Buffer.from("N") });
  assert.ok(server.session.ping() && server.session.ping());
  assert.deepEqual(
    server.frames().map(({ flags, id }) => [flags, id]),
    [[0xe2, "0000000000000001"]],
  );
  server.feed(ack("0000000000000007"));
  assert.deepEqual([server.pongCount, counts.faults.unmatched], [0, 1]);
  server.feed(ack("0000000000000001"));
  server.feed(ack("0000000000000001"));
  assert.deepEqual([server.pongCount, counts.faults.unmatched], [1, 2]);
  assert.ok(server.session.ping());
  assert.equal(server.frames()[0]?.id, "0000000000000002");
  server.session.connectionLost("cable");
  assert.ok(!server.session.ping());
});
