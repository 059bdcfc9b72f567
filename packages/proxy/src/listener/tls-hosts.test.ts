import assert from "node:assert/strict";
import { test } from "node:test";
import { TlsHosts } from "./tls-hosts.ts";

const named = (...hostnames: readonly string[]): TlsHosts =>
  new TlsHosts(hostnames.map((hostname) => ({ hostname, certificates: [] })));

test("find() gives the exact host, then the longest wildcard, then any", () => {
  const hosts = named("*.example", "a.example", "*.b.example", "*");
  for (const [name, expected] of [
    ["a.example", "a.example"],
    ["a.example.", "a.example"],
    ["x.example", "*.example"],
    ["x.a.example", "*.example"],
    ["x.b.example", "*.b.example"],
    ["y.x.b.example", "*.b.example"],
    ["b.example", "*.example"],
    ["example", "*"],
    [".example", "*"],
    ["*", "*"],
    ["", "*"],
    ["[::1]", "*"],
  ] as const) {
    assert.equal(hosts.find(name), expected, name);
  }
  assert.deepEqual([hosts.servesAny, hosts.isDivided], [true, true]);
});

test("find() gives null for a name that nobody serves, and for none", () => {
  const hosts = named("a.example", "*.b.example");
  for (const name of ["c.example", "b.example", "", ".", "*", "xa.example"]) assert.equal(hosts.find(name), null, name);
  assert.deepEqual([hosts.servesAny, hosts.isDivided], [false, true]);
  assert.deepEqual([named("a.example").isDivided, named("a.example").servesAny], [false, false]);
});

test("no hosts serve any name", () => {
  const hosts = named();
  assert.deepEqual([hosts.find("a.example"), hosts.find(""), hosts.isDivided], ["*", "*", false]);
});
