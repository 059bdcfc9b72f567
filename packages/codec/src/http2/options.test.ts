import assert from "node:assert/strict";
import { test } from "node:test";
import { createHttp2ClientOptions, createHttp2ServerOptions } from "./index.ts";

const nowMs = (): number => 0;

test("createHttp2ServerOptions() and createHttp2ClientOptions() complete and freeze", () => {
  const server = createHttp2ServerOptions({ nowMs, streamsMax: 7 });
  const client = createHttp2ClientOptions({ nowMs, scheme: "https" });
  assert.ok(Object.isFrozen(server) && Object.isFrozen(client));
  assert.deepEqual([server.streamsMax, client.streamsMax, client.scheme], [7, 1000, "https"]);
  for (const options of [server, client]) {
    assert.ok(options.connectionWindowBytes > options.streamWindowBytes, "a slow stream must not stall the others");
  }
});

test("createHttp2ServerOptions() refuses what HTTP/2 cannot say", () => {
  const wrong = [
    { streamsMax: 0 },
    { streamWindowBytes: 2 ** 31 },
    { connectionWindowBytes: 65_534 },
    { frameBytesMax: 16_383 },
    { frameBytesMax: 2 ** 24 },
    { headerTableBytes: -1 },
    { pingsMax: 1.5 },
    { targetBytesMax: 0 },
  ];
  for (const changes of wrong) {
    assert.throws(() => createHttp2ServerOptions({ nowMs, ...changes }), { code: "KERNEL_INVALID_ARGUMENT" });
  }
  assert.throws(() => createHttp2ClientOptions({ nowMs, streamsMax: 0 }), { code: "KERNEL_INVALID_ARGUMENT" });
});
