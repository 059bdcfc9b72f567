import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalHost } from "./host.ts";
import { HOST_LENGTH_MAX } from "./limits.ts";

test("canonicalHost() brings every spelling of a host together", () => {
  const cases: Readonly<Record<string, string>> = {
    "shop.example.com": "shop.example.com",
    "Shop.EXAMPLE.com": "shop.example.com",
    "shop.example.com:8443": "shop.example.com",
    "shop.example.com.": "shop.example.com",
    "shop.example.com.:80": "shop.example.com",
    "shop.example.com..": "shop.example.com.",
    "10.0.0.1:80": "10.0.0.1",
    "[2001:DB8::0:1]:443": "[2001:db8::1]",
    "[::ffff:1.2.3.4]": "[::ffff:102:304]",
    "[::1": "",
    "[zz]": "",
    "[::1]x": "",
    "": "",
    ":80": "",
  };
  for (const [authority, expected] of Object.entries(cases))
    assert.equal(canonicalHost(authority), expected, authority);
});

test("canonicalHost() has none for a host above its limit", () => {
  const longest = "a".repeat(HOST_LENGTH_MAX);
  assert.equal(canonicalHost(longest), longest);
  assert.equal(canonicalHost(`${longest}:65535`), longest);
  assert.equal(canonicalHost(`${longest}a`), "");
  assert.equal(canonicalHost(`${longest}a:80`), "");
  assert.equal(canonicalHost("a".repeat(100_000)), "");
});
