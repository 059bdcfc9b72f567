import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead } from "@weft/contract";
import { RecordedStream } from "../http1/recorded-session.fixture.ts";
import { createRpcCounts } from "./counts.ts";
import { DIALECTS, type Dialect } from "./dialect.fixture.ts";
import { ANSWER_AT_ONCE_BYTES_MAX, LATE_ANSWERS_MAX } from "./limits.ts";
import type { RecordedRpcClient } from "./recorded-rpc.fixture.ts";

type Client = ReturnType<Dialect["client"]>;

function call(
  dialect: Dialect,
  client: Client,
  payload: string = "content",
): ReturnType<RecordedRpcClient<never>["call"]> {
  return client.call(dialect.requestHead(payload), dialect.requestBody(payload));
}

for (const dialect of DIALECTS) {
  const { name } = dialect;

  test(`${name} client: answers find their requests in any order and pieces of any size`, () => {
    const bytes = Buffer.concat([dialect.response(3, "c"), dialect.response(1, "a"), dialect.response(2, "b")]);
    for (const pieceBytes of [1, 2, 3, 7, bytes.length]) {
      const client = dialect.client();
      const calls = [1, 2, 3].map(() => call(dialect, client));
      assert.deepEqual(
        dialect.frames(client.bytes()).map(({ id, isRequest }) => [id, isRequest]),
        [
          [1, true],
          [2, true],
          [3, true],
        ],
      );
      client.feed(bytes, pieceBytes);
      assert.deepEqual(
        calls.map(({ answer }) => [answer.responseHead?.status, answer.body.at(-1), answer.isComplete]),
        [
          [200, "a", true],
          [200, "b", true],
          [200, "c", true],
        ],
      );
      assert.equal(client.session.activeStreams, 0);
    }
  });

  test(`${name} client: nothing is written before a request is whole, and frames never mix`, () => {
    const client = dialect.client();
    const body = dialect.requestBody("slow request");
    const slow = client.session.open(dialect.requestHead("slow request"), false, new RecordedStream());
    slow.sendData(body, 0, 5, false);
    call(dialect, client, "quick");
    slow.sendData(body, 5, body.length, true);
    const frames = dialect.frames(client.bytes());
    assert.deepEqual(
      frames.map((frame) => frame.body),
      [dialect.requestBody("quick").toString("latin1"), body.toString("latin1")],
    );
  });

  test(`${name} client: a body that does not fit its head is never sent`, () => {
    const client = dialect.client({ frameBytesMax: 400 });
    const head = dialect.requestHead("content");
    const body = dialect.requestBody("content");
    const short = client.call(head, body.subarray(1));
    assert.match(short.answer.reset ?? "", /^internal/);
    const long = new RecordedStream();
    const stream = client.session.open(head, false, long);
    stream.sendData(body, 0, body.length, false);
    stream.sendData(body, 0, 1, false);
    assert.match(long.reset ?? "", /^too-large/);
    assert.equal(client.bytes().length, 0);
    assert.equal(client.session.activeStreams, 0);
  });

  test(`${name} client: open() of a head of another protocol is reset`, () => {
    const client = dialect.client();
    const { answer } = client.call(new RequestHead("GET", "http", "a", "/", [], 0));
    assert.match(answer.reset ?? "", /^internal: .*another protocol/);
    for (const other of DIALECTS) {
      if (other === dialect) continue;
      assert.match(call(other, client).answer.reset ?? "", /^internal/);
    }
    assert.equal(client.bytes().length, 0);
  });

  test(`${name} client: frames are counted by kind`, () => {
    const counts = createRpcCounts();
    const client = dialect.client({ counts });
    call(dialect, client);
    client.feed(Buffer.concat([dialect.heartbeat(7), dialect.response(1), dialect.request(8)]));
    assert.deepEqual(counts.frames, { request: 1, answer: 1, exception: 0, heartbeat: 1, notice: 0 });
    assert.deepEqual(counts.faults, { unmatched: 0, late: 0, refused: 1, oversized: 0, unapplied: 0 });
  });

  test(`${name} client: answers that come twice or to nothing are counted and do no harm`, () => {
    const counts = createRpcCounts();
    const client = dialect.client({ counts });
    const first = call(dialect, client);
    const second = call(dialect, client);
    client.feed(Buffer.concat([dialect.response(1), dialect.response(1), dialect.response(99)]));
    assert.deepEqual(first.answer.events, ["head 200", "data", "end"]);
    assert.equal(second.answer.events.length, 0);
    assert.equal(counts.faults.unmatched, 2);
    client.feed(dialect.response(2));
    assert.ok(second.answer.isComplete);
  });

  test(`${name} client: a request given up keeps its id until its late answer comes`, () => {
    const counts = createRpcCounts();
    const client = dialect.client({ counts });
    const { answer, stream } = call(dialect, client);
    stream.reset("timeout");
    assert.equal(client.session.activeStreams, 0);
    const next = call(dialect, client);
    client.feed(Buffer.concat([dialect.response(1), dialect.response(1)]));
    assert.equal(counts.faults.late, 1);
    assert.equal(counts.faults.unmatched, 1);
    assert.deepEqual(answer.events, []);
    assert.deepEqual(next.answer.events, []);
  });

  test(`${name} client: ids given up beyond LATE_ANSWERS_MAX are free again, the oldest first`, () => {
    const counts = createRpcCounts();
    const client = dialect.client({ counts });
    for (let index = 0; index <= LATE_ANSWERS_MAX; index++) call(dialect, client).stream.reset("timeout");
    client.feed(Buffer.concat([dialect.response(1), dialect.response(2), dialect.response(LATE_ANSWERS_MAX + 1)]));
    assert.equal(counts.faults.unmatched, 1);
    assert.equal(counts.faults.late, 2);
  });

  test(`${name} client: reset() before the request is whole sends nothing`, () => {
    const client = dialect.client();
    const stream = client.session.open(dialect.requestHead(), false, new RecordedStream());
    stream.sendData(dialect.requestBody("content"), 0, 3, false);
    stream.reset("cancelled");
    stream.sendData(dialect.requestBody("content"), 3, 7, true);
    assert.equal(client.bytes().length, 0);
    assert.equal(client.session.activeStreams, 0);
  });

  test(`${name} client: a one-way request is answered with 202 when it is written`, () => {
    const client = dialect.client();
    const { answer } = client.call(dialect.requestHead("note", true), dialect.requestBody("note"));
    assert.deepEqual(answer.events, ["head 202", "end"]);
    assert.equal(client.session.activeStreams, 0);
    assert.equal(dialect.frames(client.bytes()).length, 1);
  });

  test(`${name} client: the end of a long answer waits until its bytes are consumed`, () => {
    const client = dialect.client();
    const long = "x".repeat(ANSWER_AT_ONCE_BYTES_MAX + 1);
    const { answer, stream } = call(dialect, client);
    client.feed(dialect.response(1, long));
    assert.deepEqual(answer.events, ["head 200", "data"]);
    assert.equal(client.session.activeStreams, 1);
    stream.consume(answer.body.length - 1);
    assert.ok(!answer.isComplete);
    stream.consume(1);
    assert.ok(answer.isComplete);
    assert.equal(client.session.activeStreams, 0);
  });

  test(`${name} client: reading rests while long answers are not consumed`, () => {
    const client = dialect.client({ unconsumedBytesMax: 20_000 });
    const calls = [1, 2, 3].map(() => call(dialect, client));
    for (const id of [1, 2, 3]) client.feed(dialect.response(id, "x".repeat(9000)));
    assert.deepEqual(client.pauses, [true]);
    calls[0]?.stream.consume(10_000);
    assert.deepEqual(client.pauses, [true]);
    calls[1]?.stream.reset("cancelled");
    assert.deepEqual(client.pauses, [true, false]);
    client.session.connectionLost("cable");
    assert.ok(calls[2]?.answer.isComplete, "the whole answer had come");
  });

  test(`${name} client: an answer beyond frameBytesMax resets its request alone`, () => {
    const client = dialect.client({ frameBytesMax: 500 });
    const [large, small] = [call(dialect, client), call(dialect, client)];
    client.feed(Buffer.concat([dialect.response(1, "x".repeat(600)), dialect.response(2, "fine")]), 50);
    assert.match(large.answer.reset ?? "", /^too-large/);
    assert.ok(small.answer.isComplete);
    const hostile = dialect.client();
    const open = call(dialect, hostile);
    hostile.feed(dialect.announce(false, 9, 0x7fff_0000));
    assert.match(open.answer.reset ?? "", /^protocol/);
    assert.equal(hostile.ended?.code, "RPC_FRAME_TOO_LARGE");
  });

  test(`${name} client: receiveEnd() and connectionLost() reset what is open`, () => {
    const ended = dialect.client();
    const first = call(dialect, ended);
    ended.feed(dialect.response(1).subarray(0, 17));
    ended.session.receiveEnd();
    assert.match(first.answer.reset ?? "", /^connection/);
    assert.equal(ended.ended?.code, "RPC_TRUNCATED");
    assert.equal(ended.session.availableStreams, 0);
    const lost = dialect.client();
    const second = call(dialect, lost);
    lost.session.connectionLost("cable");
    assert.equal(second.answer.reset, "connection: cable");
    assert.equal(lost.endCount, 0);
  });

  test(`${name} client: ping() asks once and hears its own answer only`, () => {
    const client = dialect.client();
    const { answer } = call(dialect, client);
    client.bytes();
    assert.ok(client.session.ping());
    assert.ok(client.session.ping());
    const frames = dialect.frames(client.bytes());
    assert.deepEqual(
      frames.map(({ id }) => id),
      [2],
    );
    // Any answer under the heartbeat's id is a sign of life.
    client.feed(Buffer.concat([dialect.response(3), dialect.response(2), dialect.response(2)]));
    assert.equal(client.pongCount, 1);
    assert.ok(!answer.isComplete);
    client.session.connectionLost("cable");
    assert.ok(!client.session.ping());
  });

  test(`${name} client: heartbeats of the host are answered while it reads`, () => {
    const client = dialect.client();
    client.feed(dialect.heartbeat(5));
    assert.deepEqual(
      dialect.frames(client.bytes()).map(({ id, isRequest }) => [id, isRequest]),
      [[5, false]],
    );
    client.output.isCongested = true;
    client.feed(dialect.heartbeat(6));
    assert.equal(client.bytes().length, 0);
  });

  test(`${name} client: requests of the host are refused, and counted`, () => {
    const counts = createRpcCounts();
    const client = dialect.client({ counts });
    client.feed(Buffer.concat([dialect.request(5), dialect.request(6, "x", true)]));
    const frames = dialect.frames(client.bytes());
    assert.deepEqual(
      frames.map(({ id }) => id),
      [5],
    );
    assert.notEqual(frames[0]?.status, dialect.ok);
    assert.equal(counts.faults.refused, 2);
  });

  test(`${name} client: onStreamsAvailable() when a full connection has room again, and when nothing is open`, () => {
    const client = dialect.client({ streamsMax: 2 });
    call(dialect, client);
    call(dialect, client);
    assert.equal(client.session.availableStreams, 0);
    client.feed(dialect.response(2));
    assert.equal(client.availableCount, 1);
    call(dialect, client);
    client.feed(dialect.response(1));
    client.feed(dialect.response(3));
    assert.equal(client.availableCount, 3);
    assert.equal(client.session.availableStreams, 2);
    call(dialect, client);
    client.feed(dialect.response(4));
    assert.equal(client.availableCount, 4);
  });

  test(`${name} client: drain() ends when the last answer has come`, () => {
    const client = dialect.client();
    const { answer } = call(dialect, client);
    client.session.drain();
    assert.ok(client.session.isDraining);
    assert.equal(client.session.availableStreams, 0);
    client.feed(dialect.response(1));
    assert.ok(answer.isComplete);
    assert.equal(client.ended, null);
  });

  test(`${name} client: sendData() says when the host does not read, and onRequestWritable() when it does`, () => {
    const client = dialect.client();
    const answer = new RecordedStream();
    const stream = client.session.open(dialect.requestHead(), false, answer);
    client.output.isCongested = true;
    const body = dialect.requestBody("content");
    assert.equal(stream.sendData(body, 0, body.length, true), false);
    client.output.isCongested = false;
    client.session.outputDrained();
    client.session.outputDrained();
    assert.deepEqual(answer.events, ["writable"]);
  });

  test(`${name} client: whoever loses interest on seeing the head hears no more`, () => {
    for (const payload of ["short", "x".repeat(20_000)]) {
      const client = dialect.client();
      const { answer, stream } = call(dialect, client);
      answer.onHead = () => {
        stream.receiver = null;
        stream.reset("cancelled");
      };
      client.feed(dialect.response(1, payload));
      assert.deepEqual(answer.events, ["head 200"]);
      assert.equal(client.session.activeStreams, 0);
    }
  });
}
