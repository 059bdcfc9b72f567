import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import { parseAdminAddress, renderAdminAddress } from "./admin-address.ts";

test("parseAdminAddress() reads IPv4 and IPv6, and renderAdminAddress() writes them back", () => {
  for (const text of ["127.0.0.1:7070", "0.0.0.0:0", "[::1]:15000", "[2001:db8::1]:65535"]) {
    assert.equal(renderAdminAddress(parseAdminAddress(text)), text);
  }
});

test("parseAdminAddress() refuses names, missing ports, ports out of range and unbracketed IPv6", () => {
  for (const text of [
    "",
    "localhost:1",
    "127.0.0.1",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "::1:80",
    "[127.0.0.1]:80",
    "x",
  ]) {
    assert.throws(() => parseAdminAddress(text), InvalidArgumentError, text);
  }
});
