import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GrpcHealthAnswer, grpcHealthRequest } from "./grpc-health.ts";
import { GRPC_HEALTH_BYTES_MAX } from "./limits.ts";

function judge(
  body: string,
  trailers: Record<string, string> = { "grpc-status": "0" },
  status: number = 200,
): string | null {
  const answer = new GrpcHealthAnswer();
  answer.takeHeaders({ ":status": status });
  assert.equal(answer.takeBytes(Buffer.from(body, "hex")), null);
  answer.takeHeaders(trailers);
  return answer.verdict();
}

test("grpcHealthRequest() encodes the service's name", () => {
  assert.equal(grpcHealthRequest("").toString("hex"), "0000000000");
  assert.equal(grpcHealthRequest("shop").toString("hex"), "00000000060a0473686f70");
  const long = grpcHealthRequest("x".repeat(200));
  assert.equal(long.toString("hex", 0, 8), "00000000cb0ac801");
  assert.equal(long.length, 208);
});

test("verdict() passes on SERVING alone", () => {
  assert.equal(judge("00000000020801"), null);
  assert.equal(judge("00000000020802"), "NOT_SERVING");
  assert.equal(judge("00000000020800"), "UNKNOWN");
  assert.equal(judge("0000000000"), "UNKNOWN");
  assert.equal(judge("00000000020807"), "serving status 7");
});

test("verdict() says what is wrong with an answer", () => {
  assert.equal(judge("", { "grpc-status": "12", "grpc-message": "no such method" }), "grpc-status 12: no such method");
  assert.equal(judge("", { "grpc-status": "5" }), "grpc-status 5");
  assert.equal(judge("00000000020801", {}), "no grpc-status");
  assert.equal(judge("00000000020801", { "grpc-status": "0" }, 503), "status 503");
  for (const body of ["", "00", "01000000020801", "00000000030801", "0000000002080100", "00000000021001"]) {
    assert.equal(judge(body), "an answer that is no health message", body);
  }
});

test("takeBytes() refuses more than GRPC_HEALTH_BYTES_MAX", () => {
  const answer = new GrpcHealthAnswer();
  assert.equal(answer.takeBytes(Buffer.alloc(GRPC_HEALTH_BYTES_MAX)), null);
  assert.match(answer.takeBytes(Buffer.alloc(1)) ?? "", /more than 1024 bytes/);
});

test("verdict() never throws, whatever the bytes and however they are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }), (chunks) => {
      const answer = new GrpcHealthAnswer();
      answer.takeHeaders({ ":status": 200, "grpc-status": "0" });
      for (const chunk of chunks) answer.takeBytes(Buffer.from(chunk));
      const isServing = Buffer.concat(chunks).toString("hex") === "00000000020801";
      assert.equal(answer.verdict() === null, isServing);
    }),
  );
});
