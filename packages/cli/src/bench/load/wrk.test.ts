import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeftError } from "@weft/kernel";
import { countWrkFailures, launchWrk, parseWrk } from "./wrk.ts";

const REPORT = `Running 1s test @ http://127.0.0.1:18001/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   670.54us  310.57us   4.94ms   84.04%
    Req/Sec    96.25k    31.74k  145.21k    70.00%
  Latency Distribution
     50%  631.00us
     75%  820.00us
     90%    1.03ms
     99%    1.38ms
  95291 requests in 1.00s, 13.81MB read
Requests/sec:  95193.43
Transfer/sec:     13.80MB
`;

test("parseWrk() reads the figures of a clean run", () => {
  assert.deepEqual(parseWrk(REPORT, 5), {
    requests: 95_291,
    requestsPerSecond: 95_193.43,
    p50Ms: 0.631,
    p99Ms: 1.38,
    fault: "",
  });
});

test("parseWrk() knows seconds and minutes", () => {
  const slow = REPORT.replace("631.00us", "1.50s").replace("1.38ms", "2.00m");
  const { p50Ms, p99Ms } = parseWrk(slow, 5);
  assert.deepEqual([p50Ms, p99Ms], [1_500, 120_000]);
});

test("parseWrk() reports errors of sockets and statuses", () => {
  const faults = "  Socket errors: connect 0, read 3, write 0, timeout 1\n  Non-2xx or 3xx responses: 7\nRequests/sec:";
  const { fault } = parseWrk(REPORT.replace("Requests/sec:", faults), 5);
  assert.equal(fault, "Socket errors: connect 0, read 3, write 0, timeout 1; Non-2xx or 3xx responses: 7");
});

test("countWrkFailures() adds up errors of sockets and wrong statuses", () => {
  assert.equal(countWrkFailures(REPORT), 0);
  const faults = "  Socket errors: connect 1, read 3, write 2, timeout 4\n  Non-2xx or 3xx responses: 7\nRequests/sec:";
  assert.equal(countWrkFailures(REPORT.replace("Requests/sec:", faults)), 17);
});

test("launchWrk() names the address that is asked", () => {
  const run = { port: 1234, target: "/x", connections: 8, seconds: 2 };
  assert.equal(launchWrk({ ...run, isTls: false }).args.at(-1), "http://127.0.0.1:1234/x");
  assert.equal(launchWrk({ ...run, isTls: true }).args.at(-1), "https://127.0.0.1:1234/x");
});

test("parseWrk() reports answers that were cut short", () => {
  assert.match(parseWrk(REPORT, 65_536).fault, /^95291 answers had \d+/);
});

test("parseWrk() refuses a report without a single answer, and what is no report", () => {
  const refused = (output: string): void =>
    assert.throws(
      () => parseWrk(output, 5),
      (error) => isWeftError(error, "BENCH_GENERATOR_FAILED"),
    );
  refused(REPORT.replace("95291 requests", "0 requests"));
  refused(REPORT.replace("99%", "98%"));
  refused("unable to connect to 127.0.0.1:1 Connection refused");
});
