import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestHead, ResponseHead } from "@weft/contract";
import { createRpcCounts } from "./counts.ts";
import { DIALECTS } from "./dialect.fixture.ts";
import { ANSWERS_UNTAKEN_BYTES_MAX, SKIPPED_FRAME_BYTES_MAX, STREAMS_MAX, UNCONSUMED_BYTES_MAX } from "./limits.ts";

for (const dialect of DIALECTS) {
  const { name } = dialect;

  test(`${name} server: receive() makes the same of a request in pieces of any size`, () => {
    const bytes = Buffer.concat([dialect.request(1, "one"), dialect.heartbeat(2), dialect.request(3, "three")]);
    for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes++) {
      const server = dialect.server();
      server.feed(bytes, pieceBytes);
      assert.deepEqual(
        server.requests.map(({ body }) => body),
        [dialect.requestBody("one").toString("latin1"), dialect.requestBody("three").toString("latin1")],
      );
      assert.deepEqual(
        dialect.frames(server.bytes()).map(({ id, status }) => [id, status]),
        [[2, dialect.ok]],
      );
      assert.ok(!server.session.isReceivingHead);
    }
  });

  test(`${name} server: receiveEnd() in the middle of a request, at every byte`, () => {
    const bytes = dialect.request(1);
    for (let length = 1; length < bytes.length; length++) {
      const server = dialect.server();
      server.feed(bytes.subarray(0, length));
      assert.equal(server.requests.length, 0);
      server.session.receiveEnd();
      assert.equal(server.ended?.code, "RPC_TRUNCATED");
      assert.equal(server.endCount, 1);
    }
  });

  test(`${name} server: takeUnread() gives the connection up at any byte, for another session to go on`, () => {
    const bytes = Buffer.concat([dialect.request(1, "one"), dialect.heartbeat(2), dialect.request(3, "three")]);
    for (let length = 0; length <= bytes.length; length++) {
      const first = dialect.server();
      first.feed(bytes.subarray(0, length));
      for (const index of first.requests.keys()) {
        first.answer(dialect.responseHead("done"), dialect.responseBody("done"), index);
      }
      const unread = first.session.takeUnread();
      assert.ok(unread !== null);
      const next = dialect.server();
      next.feed(Buffer.concat([unread, bytes.subarray(length)]));
      assert.deepEqual(
        [...first.requests, ...next.requests].map(({ body }) => body),
        [dialect.requestBody("one").toString("latin1"), dialect.requestBody("three").toString("latin1")],
      );
      const heartbeats = [first.bytes(), next.bytes()]
        .flatMap((out) => dialect.frames(out))
        .filter(({ id }) => id === 2);
      assert.equal(heartbeats.length, 1);
      // Nobody is told, and nothing is taken any more.
      first.feed(dialect.request(4));
      assert.equal(first.endCount, 0);
      assert.equal(first.requests.length + next.requests.length, 2);
    }
  });

  test(`${name} server: takeUnread() refuses while a request is open or thrown away, and once it drains or ends`, () => {
    const open = dialect.server();
    open.feed(dialect.request(1));
    assert.equal(open.session.takeUnread(), null);
    open.answer(dialect.responseHead("done"), dialect.responseBody("done"));
    open.session.drain();
    assert.equal(open.session.takeUnread(), null);
    const half = dialect.server({ frameBytesMax: 1000 });
    half.feed(dialect.announce(true, 1, 2000));
    assert.equal(half.session.takeUnread(), null, "the rest of a frame that is refused is still to come");
    const over = dialect.server();
    over.session.receiveEnd();
    assert.equal(over.session.takeUnread(), null);
  });

  test(`${name} server: answers go out with the client's ids, in the order in which they are ready`, () => {
    const server = dialect.server();
    server.feed(Buffer.concat([dialect.request(7), dialect.request(0xffff_fff0), dialect.request(7)]));
    for (const index of [2, 1, 0]) {
      const payload = `to ${index}`;
      server.answer(dialect.responseHead(payload), dialect.responseBody(payload), index);
    }
    assert.deepEqual(
      dialect.frames(server.bytes()).map(({ id, body }) => [id, body.slice(-1)]),
      [
        [7, "2"],
        [0xffff_fff0, "1"],
        [7, "0"],
      ],
    );
    assert.equal(server.session.activeStreams, 0);
  });

  test(`${name} server: sendData() gathers pieces into one frame, and says where they do not fit`, () => {
    const server = dialect.server();
    const body = dialect.responseBody("gathered");
    server.feed(Buffer.concat([dialect.request(1), dialect.request(2), dialect.request(3), dialect.request(4)]));
    const head = dialect.responseHead("gathered");
    const send = (index: number, ...pieces: readonly Buffer[]): void => {
      const { stream } = server.request(index);
      stream?.sendHead(head, false);
      for (const piece of pieces) stream?.sendData(piece, 0, piece.length, false);
    };
    send(0, body.subarray(0, 3));
    assert.equal(server.bytes().length, 0);
    server.request(0).stream?.sendData(body, 3, body.length, true);
    send(1, body.subarray(0, 3), body.subarray(3));
    assert.equal(server.session.activeStreams, 3);
    server.request(1).stream?.sendData(body, 0, 0, true);
    send(2, body.subarray(0, 3));
    server.request(2).stream?.sendTrailers([]);
    send(3, body.subarray(0, 3));
    server.request(3).stream?.reset("connection");
    const frames = dialect.frames(server.bytes());
    assert.deepEqual(
      frames.map(({ id, status }) => [id, status === dialect.ok]),
      [
        [1, true],
        [2, true],
        [3, false],
        [4, false],
      ],
    );
    assert.equal(frames[0]?.body, body.toString("latin1"));
    assert.equal(frames[1]?.body, body.toString("latin1"));
    assert.equal(server.session.activeStreams, 0);
  });

  test(`${name} server: an answer of another protocol becomes an error, the proxy's own with its code`, () => {
    const server = dialect.server();
    server.feed(Buffer.concat([dialect.request(1), dialect.request(2), dialect.request(3)]));
    server.answerError(503, "CLUSTER_NO_HOST");
    const last = server.bytes();
    assert.ok(last.includes("CLUSTER_NO_HOST"));
    assert.equal(dialect.frames(last)[0]?.status, dialect.busy);
    server.answer(new ResponseHead(200, [], 2), Buffer.from("ok"), 1);
    const foreign = server.bytes();
    assert.ok(foreign.includes("RPC_FOREIGN_HEAD"));
    assert.notEqual(dialect.frames(foreign)[0]?.status, dialect.ok);
    server.request(0).stream?.reset("timeout");
    assert.equal(dialect.frames(server.bytes())[0]?.status, dialect.timedOut);
    assert.equal(server.session.activeStreams, 0);
  });

  test(`${name} server: reset("cancelled") and one-way requests are not answered`, () => {
    const server = dialect.server({ streamsMax: 1 });
    server.feed(Buffer.concat([dialect.request(1, "x", true), dialect.request(2, "x", true)]));
    assert.equal(server.refusals[0]?.code, "RPC_TOO_MANY_STREAMS");
    server.answerError(500, "X");
    server.feed(dialect.request(3));
    server.request().stream?.reset("cancelled");
    assert.equal(server.bytes().length, 0);
    assert.equal(server.session.activeStreams, 0);
  });

  test(`${name} server: frames are counted by kind, however they come`, () => {
    const counts = createRpcCounts();
    const frames = [dialect.request(1), dialect.request(2, "x", true), dialect.heartbeat(3), dialect.response(4)];
    for (const pieceBytes of [1, 1000]) {
      const server = dialect.server({ counts });
      server.feed(Buffer.concat(frames), pieceBytes);
    }
    assert.deepEqual(counts.frames, { request: 4, answer: 2, exception: 0, heartbeat: 2, notice: 0 });
    assert.deepEqual(counts.faults, { unmatched: 2, late: 0, refused: 0, oversized: 0, unapplied: 0 });
  });

  test(`${name} server: a frame beyond frameBytesMax is refused by its header and thrown away`, () => {
    const counts = createRpcCounts();
    const frame = dialect.request(1, "x".repeat(200));
    for (const pieceBytes of [1, 9, 1000]) {
      const fits = dialect.server({ frameBytesMax: frame.length });
      fits.feed(frame, pieceBytes);
      assert.equal(fits.requests.length, 1);
      const server = dialect.server({ frameBytesMax: frame.length - 1, counts });
      server.feed(Buffer.concat([frame, dialect.request(2, "small")]), pieceBytes);
      const refusal = server.bytes();
      assert.deepEqual(
        dialect.frames(refusal).map(({ id, status }) => [id, status]),
        [[1, dialect.tooLarge]],
      );
      assert.ok(refusal.includes("RPC_FRAME_TOO_LARGE"));
      assert.deepEqual(server.protocolErrors, ["RPC_FRAME_TOO_LARGE"]);
      assert.equal(server.requests.length, 1);
      assert.equal(server.ended, undefined);
    }
    assert.equal(counts.faults.oversized, 3);
    assert.equal(counts.faults.refused, 3);
  });

  test(`${name} server: a frame beyond SKIPPED_FRAME_BYTES_MAX is refused and ends the session`, () => {
    const skipped = dialect.server();
    skipped.feed(dialect.announce(true, 1, SKIPPED_FRAME_BYTES_MAX - dialect.headerBytes));
    assert.equal(skipped.ended, undefined);
    for (const pieceBytes of [1, 5, 1000]) {
      const server = dialect.server();
      server.feed(dialect.request(4));
      server.feed(dialect.announce(true, 5, SKIPPED_FRAME_BYTES_MAX - dialect.headerBytes + 1), pieceBytes);
      assert.equal(server.ended?.code, "RPC_FRAME_TOO_LARGE");
      assert.deepEqual(
        dialect.frames(server.bytes()).map(({ id, status }) => [id, status]),
        [[5, dialect.tooLarge]],
      );
      assert.match(server.request().reset ?? "", /protocol/);
    }
  });

  test(`${name} server: an announced length takes no memory before its bytes come`, () => {
    const server = dialect.server();
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 50; index++) {
      const other = dialect.server();
      other.feed(Buffer.concat([dialect.announce(true, 1, 15_000_000), Buffer.alloc(10)]));
      assert.equal(other.ended, undefined);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 50 * 100_000);
    assert.equal(server.ended, undefined);
  });

  test(`${name} server: lengths of 2 GiB and more end the session`, () => {
    for (const byteCount of [0x8000_0000, 0xffff_ffff]) {
      const server = dialect.server();
      server.feed(dialect.announce(true, 1, byteCount));
      assert.match(server.ended?.code ?? "", /_INVALID_LENGTH$/);
      assert.equal(server.protocolErrors.length, 1);
    }
  });

  test(`${name} server: more than streamsMax requests are refused as by a busy server`, () => {
    const server = dialect.server({ streamsMax: 2 });
    server.feed(Buffer.concat([1, 2, 3].map((id) => dialect.request(id))));
    assert.equal(server.requests.length, 2);
    assert.deepEqual(
      dialect.frames(server.bytes()).map(({ id, status }) => [id, status]),
      [[3, dialect.busy]],
    );
    assert.equal(server.refusals[0]?.path, dialect.requestHead().path);
    server.request(0).stream?.reset("cancelled");
    server.feed(dialect.request(4));
    assert.equal(server.requests.length, 3);
    const open = dialect.server();
    open.feed(Buffer.concat(Array.from({ length: STREAMS_MAX + 1 }, (_, id) => dialect.request(id))));
    assert.equal(open.requests.length, STREAMS_MAX);
  });

  test(`${name} server: onReadPaused() while what was handed on is not consumed`, () => {
    const server = dialect.server();
    const payload = "x".repeat(30_000);
    const frames = Math.floor(UNCONSUMED_BYTES_MAX / 30_000) + 1;
    for (let index = 0; index < frames; index++) server.feed(dialect.request(index, payload));
    assert.deepEqual(server.pauses, [true]);
    for (let index = 0; index < frames / 2 - 1; index++) server.request(index).stream?.consume(31_000);
    assert.deepEqual(server.pauses, [true]);
    for (let index = 0; index < frames; index++) server.request(index).stream?.reset("cancelled");
    assert.deepEqual(server.pauses, [true, false]);
  });

  test(`${name} server: reading rests while the client does not read`, () => {
    const server = dialect.server();
    server.feed(Buffer.concat([dialect.request(1), dialect.request(2)]));
    server.output.isCongested = true;
    // Some of what hosts answer is taken on all the same, so that other clients of theirs need not wait.
    const pieces = [dialect.responseBody("long"), Buffer.alloc(ANSWERS_UNTAKEN_BYTES_MAX)];
    const isOpen = pieces.map((piece, index) => {
      const { stream } = server.request(index);
      stream?.sendHead(dialect.responseHead("long"), false);
      return stream?.sendData(piece, 0, piece.length, false);
    });
    assert.deepEqual(isOpen, [true, false]);
    server.feed(dialect.heartbeat(9));
    assert.deepEqual(server.pauses, [true]);
    server.output.isCongested = false;
    server.session.outputDrained();
    assert.deepEqual(server.pauses, [true, false]);
    assert.ok(server.request(1).events.includes("writable"));
    assert.ok(!server.request(0).events.includes("writable"));
  });

  test(`${name} server: connectionLost() and wrong bytes reset what is open`, () => {
    const lost = dialect.server();
    lost.feed(Buffer.concat([dialect.request(1), dialect.request(2)]));
    lost.session.connectionLost("cable");
    assert.deepEqual(
      lost.requests.map(({ reset }) => reset),
      ["connection", "connection"],
    );
    assert.equal(lost.endCount, 0);
    lost.answerError(500, "X");
    assert.equal(lost.bytes().length, 0);
    const wrong = dialect.server();
    wrong.feed(Buffer.concat([dialect.request(1), Buffer.from("GET / HTTP/1.1\r\n")]));
    assert.equal(wrong.request().reset, "protocol");
    assert.equal(wrong.endCount, 1);
    assert.equal(wrong.session.activeStreams, 0);
    wrong.feed(dialect.request(2));
    assert.equal(wrong.requests.length, 1);
  });

  test(`${name} server: receiveEnd() lets open requests be answered`, () => {
    const server = dialect.server();
    server.feed(dialect.request(1));
    server.session.receiveEnd();
    assert.equal(server.endCount, 0);
    server.answer(dialect.responseHead(), dialect.responseBody("answer"));
    assert.equal(dialect.frames(server.bytes()).length, 1);
    assert.equal(server.ended, null);
  });

  test(`${name} server: headTimeout() ends a session whose head stays incomplete`, () => {
    const server = dialect.server();
    server.feed(dialect.request(1).subarray(0, 10));
    assert.ok(server.session.isReceivingHead);
    server.session.headTimeout();
    assert.equal(server.ended?.code, "RPC_HEAD_TIMEOUT");
  });

  test(`${name} server: drain() serves what is on its way; again, it ends at once when idle, else after the last answer`, () => {
    const idle = dialect.server();
    idle.session.drain();
    assert.equal(idle.endCount, 0);
    idle.session.drain();
    assert.equal(idle.endCount, 1);
    assert.equal(idle.ended, null);
    const server = dialect.server();
    server.session.drain();
    server.feed(dialect.request(1));
    server.session.drain();
    server.feed(dialect.request(2));
    assert.equal(server.requests.length, 1);
    assert.equal(server.refusals.at(-1)?.code, "RPC_DRAINING");
    assert.equal(server.endCount, 0);
    server.answer(dialect.responseHead(), dialect.responseBody("answer"));
    assert.equal(server.ended, null);
    assert.equal(server.endCount, 1);
  });

  test(`${name} server: answers to nothing are counted and change nothing`, () => {
    const counts = createRpcCounts();
    const server = dialect.server({ counts });
    server.feed(Buffer.concat([dialect.response(1), dialect.request(1)]));
    assert.equal(counts.faults.unmatched, 1);
    assert.equal(server.requests.length, 1);
  });

  test(`${name} server: the same frame gives the same head, so that routes find their notes`, () => {
    const server = dialect.server();
    server.feed(Buffer.concat([dialect.request(1), dialect.request(2), dialect.request(3, "longer than before")]));
    const [first, second, third] = server.requests.map(({ requestHead }) => requestHead);
    assert.ok(first instanceof RequestHead);
    assert.equal(first, second);
    assert.notEqual(first, third);
    assert.equal(first.fields, third?.fields);
  });
}
