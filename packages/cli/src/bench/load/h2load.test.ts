import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { launchH2load, parseH2load, parseTimedH2load } from "./h2load.ts";

const REPORT = `starting benchmark...
spawning thread #0: 8 total client(s). 4 total requests
TLS Protocol: TLSv1.3
Cipher: TLS_AES_128_GCM_SHA256
Application protocol: h2
progress: 100% done

finished in 582.22ms, 34351.22 req/s, 6.52MB/s
requests: 4 total, 4 started, 4 done, 4 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 4 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 3.80MB (3980392) total, 2.10MB (2200000) headers (space savings 39.56%), 148B (148) data
                     min         max         mean         sd        +/- sd
time for request:      984us     45.65ms     10.49ms      2.01ms    82.85%
`;
const LOG = "1795361951053908\t200\t4000\n1795361951053911\t200\t1000\n5\t200\t3000\n6\t200\t2000\n";

test("parseH2load() reads the figures of a clean run, percentiles from the log", () => {
  const expected = { requests: 4, requestsPerSecond: 34_351.22, p50Ms: 2, p99Ms: 4, fault: "" };
  assert.deepEqual(parseH2load(REPORT, LOG, 37), expected);
});

test("parseH2load() reports requests that failed, and keeps them out of the percentiles", () => {
  const report = REPORT.replace("4 succeeded, 0 failed", "3 succeeded, 1 failed");
  const { fault, p99Ms } = parseH2load(report, LOG.replace("200\t4000", "-1\t4000"), 37);
  assert.equal(fault, "4 total, 4 started, 4 done, 3 succeeded, 1 failed, 0 errored, 0 timeout");
  assert.equal(p99Ms, 3);
});

test("parseH2load() reports other statuses, missing bytes and an older TLS", () => {
  const statuses = parseH2load(REPORT.replace("4 2xx, 0 3xx, 0 4xx", "3 2xx, 0 3xx, 1 4xx"), LOG, 37);
  assert.match(statuses.fault, /^status codes: 3 2xx/);
  assert.equal(parseH2load(REPORT, LOG, 38).fault, "4 answers had 148 bytes of 152");
  assert.equal(parseH2load(REPORT.replace("TLSv1.3", "TLSv1.2"), LOG, 37).fault, "the protocol was TLSv1.2");
});

test("parseTimedH2load() passes over requests that were open at the end, and counts what failed", () => {
  const timed = REPORT.replace("4 started", "9 started").replace("4 2xx", "7 2xx");
  const clean = { requests: 4, requestsPerSecond: 34_351.22, failed: 0, fault: "", p99Ms: 4 };
  assert.deepEqual(parseTimedH2load(timed, LOG), clean);
  const broken = parseTimedH2load(timed.replace("0 failed", "2 failed").replace("0 3xx", "1 3xx"), LOG);
  assert.equal(broken.failed, 3);
  assert.match(broken.fault, /^requests: 4 total.* 2 failed.*; status codes: 7 2xx, 1 3xx/);
});

test("parseH2load() refuses a report without a single answer", () => {
  const report = REPORT.replace("4 done, 4 succeeded", "0 done, 0 succeeded");
  assert.throws(
    () => parseH2load(report, "", 37),
    (error) => isWeftError(error, "BENCH_GENERATOR_FAILED"),
  );
});

test("launchH2load() asks with the gRPC fields, a body and the cipher that all peers have", () => {
  const { args } = launchH2load({
    port: 1234,
    isTls: true,
    target: "/x",
    connections: 8,
    streams: 50,
    until: { requests: 1000 },
    contentType: "application/grpc",
    bodyPath: "/tmp/body",
    logPath: "/tmp/log",
  });
  assert.deepEqual(args, [
    "-t1",
    "-c8",
    "-m50",
    "-n1000",
    "--log-file=/tmp/log",
    "--tls13-ciphers=TLS_AES_128_GCM_SHA256",
    "--npn-list=h2",
    "-H",
    "content-type: application/grpc",
    "-H",
    "te: trailers",
    "-d",
    "/tmp/body",
    "https://127.0.0.1:1234/x",
  ]);
});

test("launchH2load() ends after a number of requests or after a time", () => {
  const run = { port: 1, isTls: false, target: "/", connections: 1, streams: 1, contentType: "", bodyPath: null };
  const argsOf = (until: { requests: number } | { seconds: number }): readonly string[] =>
    launchH2load({ ...run, logPath: "/tmp/log", until }).args;
  assert.equal(argsOf({ requests: 7 })[3], "-n7");
  assert.equal(argsOf({ seconds: 7 })[3], "-D7");
});
