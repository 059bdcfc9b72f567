import assert from "node:assert/strict";
import { test } from "node:test";
import { actionCommand, ADMIN_ACTION_HEADER, isHostAllowed, isLoopback, refuseAction, refuseReading } from "./guard.ts";

test("isLoopback() knows the addresses that only this machine reaches", () => {
  for (const address of ["localhost", "127.0.0.1", "127.9.9.9", "::1"]) assert.ok(isLoopback(address), address);
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.evil.example", "127.1", "localhost.evil"]) {
    assert.ok(!isLoopback(address), address);
  }
});

test("isHostAllowed() takes loopback and the configured address, with any port", () => {
  for (const host of ["localhost", "LOCALHOST:15000", "127.0.0.1:15000", "127.8.0.1", "[::1]:15000"]) {
    assert.ok(isHostAllowed(host, "127.0.0.1"), host);
  }
  assert.ok(isHostAllowed("10.0.0.5:15000", "10.0.0.5"));
  assert.ok(isHostAllowed("[2001:DB8::1]", "2001:db8::1"));
});

test("isHostAllowed() refuses what a rebound name or a smuggler would send", () => {
  for (const host of [
    undefined,
    "",
    "evil.example",
    "evil.example:15000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.5",
    "[::ffff:10.0.0.5]",
    "[::1",
    "::1",
    "127.0.0.1:15000:1",
    "127.0.0.1, evil.example",
    "user@127.0.0.1",
    "127.0.0.1/",
    "2130706433",
    "0x7f000001",
  ]) {
    assert.ok(!isHostAllowed(host, "127.0.0.1"), String(host));
  }
});

test("isHostAllowed() takes any address but no foreign name where all addresses are listened on", () => {
  for (const wildcard of ["0.0.0.0", "::"]) {
    assert.ok(isHostAllowed("10.1.2.3:15000", wildcard));
    assert.ok(isHostAllowed("[2001:db8::7]:15000", wildcard));
    assert.ok(isHostAllowed("localhost", wildcard));
    assert.ok(!isHostAllowed("evil.example", wildcard));
  }
});

const BEYOND = { address: "0.0.0.0", token: "correct" };

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

test("refuseReading() lets everybody read on loopback, and what is open everywhere", () => {
  for (const token of ["", "correct"]) {
    assert.equal(refuseReading({}, { address: "127.0.0.1", token }, false), null);
    assert.equal(refuseReading({}, { address: "0.0.0.0", token }, true), null);
  }
});

test("refuseReading() beyond loopback wants the token, as bearer or as password", () => {
  for (const authorization of ["Bearer correct", "bearer correct", basic("me:correct"), basic(":correct")]) {
    assert.equal(refuseReading({ authorization }, BEYOND, false), null, authorization);
  }
  const wrong = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer wrong",
    "correct",
    "Basic",
    basic("correct"),
    basic("correct:"),
    "Basic %",
  ];
  for (const authorization of [undefined, ...wrong]) {
    const headers = authorization === undefined ? {} : { authorization };
    assert.match(refuseReading(headers, BEYOND, false) ?? "", /lacks the token/);
    assert.match(refuseReading(headers, { ...BEYOND, token: "" }, false) ?? "", /nobody without a token/);
  }
});

test("refuseAction() takes no password: a browser sends it by itself", () => {
  assert.match(refuseAction({ authorization: basic("me:correct") }, BEYOND) ?? "", /lacks the token/);
});

test("refuseAction() without a token wants loopback and the header", () => {
  const loopback = { address: "127.0.0.1", token: "" };
  assert.equal(refuseAction({ [ADMIN_ACTION_HEADER]: "1" }, loopback), null);
  assert.match(refuseAction({}, loopback) ?? "", /lacks the header/);
  assert.match(refuseAction({ [ADMIN_ACTION_HEADER]: "1" }, { address: "0.0.0.0", token: "" }) ?? "", /needs a token/);
});

test("refuseAction() with a token wants exactly that token", () => {
  const options = { address: "0.0.0.0", token: "correct" };
  assert.equal(refuseAction({ authorization: "Bearer correct" }, options), null);
  assert.equal(refuseAction({ authorization: "bearer correct" }, options), null);
  for (const authorization of [undefined, "", "Bearer", "Bearer ", "Bearer wrong", "Basic correct", "correct"]) {
    const headers = authorization === undefined ? {} : { authorization };
    assert.match(refuseAction({ ...headers, [ADMIN_ACTION_HEADER]: "1" }, options) ?? "", /token/);
  }
});

test("refuseAction() refuses other origins, whatever they carry", () => {
  const headers = { [ADMIN_ACTION_HEADER]: "1", authorization: "Bearer t", host: "127.0.0.1:15000" };
  for (const token of ["", "t"]) {
    const options = { address: "127.0.0.1", token };
    assert.equal(refuseAction({ ...headers, origin: "http://127.0.0.1:15000" }, options), null);
    for (const origin of ["http://evil.example", "null", "http://127.0.0.1:8080", "https://127.0.0.1:15000"]) {
      assert.match(refuseAction({ ...headers, origin }, options) ?? "", /web page/);
    }
  }
});

test("actionCommand() is what has to be typed, and none where nothing would help", () => {
  const host = "127.0.0.1:15000";
  const loopback = { address: "127.0.0.1", token: "" };
  assert.equal(
    actionCommand(loopback, host, "/api/drain", ""),
    "curl -X POST -H 'x-weft-admin: 1' http://127.0.0.1:15000/api/drain",
  );
  assert.equal(
    actionCommand({ address: "0.0.0.0", token: "t" }, "[::1]:1", "/api/log-level", '{"level": "debug"}'),
    `curl -X POST -H 'authorization: Bearer TOKEN' -d '{"level": "debug"}' http://[::1]:1/api/log-level`,
  );
  assert.equal(actionCommand({ address: "0.0.0.0", token: "" }, host, "/api/drain", ""), null);
});
