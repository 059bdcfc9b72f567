import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { normalisePath } from "./normalise.ts";

function normal(path: string): string {
  const result = normalisePath(path);
  return result.ok ? result.path : result.code;
}

const CASES: readonly (readonly [path: string, expected: string])[] = [
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["/a/b/?c=d", "/a/b/?c=d"],
  ["/a?", "/a?"],
  ["*", "*"],
  ["", ""],
  // Dot segments, RFC 3986 section 5.2.4.
  ["/a/b/c/./../../g", "/a/g"],
  ["/a/..", "/"],
  ["/a/.", "/a/"],
  ["/a/./", "/a/"],
  ["/./a", "/a"],
  ["/../../a", "/a"],
  ["/..", "/"],
  ["/.well-known/acme", "/.well-known/acme"],
  ["/a/...", "/a/..."],
  ["/a/..b", "/a/..b"],
  ["/a/b../c", "/a/b../c"],
  // Encoded dots, slashes and backslashes.
  ["/a/%2e%2E/b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/a%2f..%2Fb", "/b"],
  ["/a%5c..%5Cb", "/b"],
  ["/a\\..\\b", "/b"],
  ["\\a", "/a"],
  ["/a/%2e", "/a/"],
  // Slashes in a row.
  ["//a///b//", "/a/b/"],
  ["//evil.example/x", "/evil.example/x"],
  ["/%2f%2Fa", "/a"],
  // Slashes merge after dot segments are removed, so ".." takes the empty segment.
  ["/a//../b", "/a/b"],
  ["//..", "/"],
  // Percent escapes.
  ["/%7Euser/%41%2d%5f%2E%7e", "/~user/A-_.~"],
  ["/%c3%a9", "/%C3%A9"],
  ["/caf\xc3\xa9", "/caf%C3%A9"],
  ["/a%3bb%3f%23%25", "/a%3Bb%3F%23%25"],
  ["/%252e%252e/", "/%252e%252e/"],
  ["/a|b{c}", "/a%7Cb%7Bc%7D"],
  ["/a%20b", "/a%20b"],
  ["/a:b@c!$&'()*+,;=", "/a:b@c!$&'()*+,;="],
  // The query is not a path.
  ["/a?b=/../c//%2e&d=%zz\\", "/a?b=/../c//%2e&d=%zz\\"],
  ["/a/../b?x=../y", "/b?x=../y"],
  // Path parameters belong to their segment.
  ["/a;x=1/b", "/a;x=1/b"],
  // Refused.
  ["a", "ROUTER_PATH_NOT_ABSOLUTE"],
  ["%2Fa", "ROUTER_PATH_NOT_ABSOLUTE"],
  ["*?x", "ROUTER_PATH_NOT_ABSOLUTE"],
  ["?x", "ROUTER_PATH_NOT_ABSOLUTE"],
  ["http://a/b", "ROUTER_PATH_NOT_ABSOLUTE"],
  ["/a#b", "ROUTER_PATH_FRAGMENT"],
  ["/a?b#c", "ROUTER_PATH_FRAGMENT"],
  ["/../a?b#c", "ROUTER_PATH_FRAGMENT"],
  ["/a\0", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a%00", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a%0d%0aset-cookie:x", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a%7f", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a b", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a\tb", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a?b c", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a?b\r\n", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a?b\x7f", "ROUTER_PATH_CONTROL_CHARACTER"],
  ["/a%", "ROUTER_PATH_BAD_PERCENT"],
  ["/a%2", "ROUTER_PATH_BAD_PERCENT"],
  ["/a%2?f", "ROUTER_PATH_BAD_PERCENT"],
  ["/a%g0", "ROUTER_PATH_BAD_PERCENT"],
  ["/a%0x", "ROUTER_PATH_BAD_PERCENT"],
  ["/%c0%af", "ROUTER_PATH_BAD_UTF8"],
  ["/%c1%9c", "ROUTER_PATH_BAD_UTF8"],
  ["/%e0%80%af", "ROUTER_PATH_BAD_UTF8"],
  ["/%f0%80%80%af", "ROUTER_PATH_BAD_UTF8"],
  ["/%ed%a0%80", "ROUTER_PATH_BAD_UTF8"],
  ["/%f4%90%80%80", "ROUTER_PATH_BAD_UTF8"],
  ["/%f5%80%80%80", "ROUTER_PATH_BAD_UTF8"],
  ["/%80", "ROUTER_PATH_BAD_UTF8"],
  ["/%c3", "ROUTER_PATH_BAD_UTF8"],
  ["/%c3/%a9", "ROUTER_PATH_BAD_UTF8"],
  ["/%c3a", "ROUTER_PATH_BAD_UTF8"],
  ["/\xc3?\xa9", "ROUTER_PATH_BAD_UTF8"],
  ["/\u0100", "ROUTER_PATH_BAD_UTF8"],
  ["/a/..;/b", "ROUTER_PATH_DOT_PARAMETER"],
  ["/a/.;x=1/b", "ROUTER_PATH_DOT_PARAMETER"],
  ["/a/%2e%2e;x", "ROUTER_PATH_DOT_PARAMETER"],
  ["/a/..%3b/b", "ROUTER_PATH_DOT_PARAMETER"],
];

test("normalisePath() gives every path its one form, or the reason why it has none", () => {
  for (const [path, expected] of CASES) assert.equal(normal(path), expected, JSON.stringify(path));
});

test("normalisePath() accepts exactly the bytes that a UTF-8 decoder accepts", () => {
  const bytes = fc.array(
    fc.oneof(fc.integer({ min: 0x80, max: 0xff }), fc.constantFrom(0x41, 0xe0, 0xed, 0xf0, 0xf4)),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(bytes, fc.boolean(), (list, isRaw) => {
      const path = `/${list.map((byte) => (isRaw ? String.fromCharCode(byte) : `%${byte.toString(16)}`)).join("")}`;
      let isUtf8 = true;
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(list));
      } catch {
        isUtf8 = false;
      }
      assert.equal(normalisePath(path).ok, isUtf8);
    }),
    { numRuns: 2000 },
  );
});

const piece = fc.constantFrom(
  "/",
  "//",
  "\\",
  ".",
  "..",
  "a",
  "b",
  ";",
  "%2e",
  "%2E",
  "%2f",
  "%5C",
  "%41",
  "%7e",
  "%c3%a9",
  "\xc3\xa9",
  "%25",
  "%3b",
  "|",
  "?",
  "=",
  "%",
  "#",
  " ",
);
const anyPath = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join("")}`);

test("normalisePath() is idempotent and never leaves the root", () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      const result = normalisePath(path);
      if (!result.ok) return;
      assert.deepEqual(normalisePath(result.path), result);
      const pathname = result.path.split("?", 1)[0] ?? "";
      assert.match(pathname, /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-F]{2}|\/(?!\/))*$/);
      assert.ok(!pathname.split("/").some((segment) => segment === "." || segment === ".."));
    }),
    { numRuns: 5000 },
  );
});

test("normalisePath() brings equivalent spellings together", () => {
  const segments = fc.array(fc.constantFrom("a", "~b", "C-d", "\xc3\xa9", "x;y", ".e", "1_2"), {
    minLength: 1,
    maxLength: 5,
  });
  const separators = fc.array(fc.constantFrom("/", "//", "/./", "\\", "%2f", "%5C", "/x/../", "/%2e/", "/y%2F%2e./"), {
    minLength: 5,
    maxLength: 5,
  });
  fc.assert(
    fc.property(
      segments,
      separators,
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      (names, gaps, escapes) => {
        let position = 0;
        const spell = (name: string): string =>
          name.replaceAll(/[A-Za-z0-9~.\-_\x80-\xff]/g, (character) => {
            if (escapes[position++ % 40] !== true) return character;
            const hex = character.charCodeAt(0).toString(16);
            return `%${position % 2 === 0 ? hex : hex.toUpperCase()}`;
          });
        const plain = `/${names.join("/")}`.replaceAll("\xc3\xa9", "%C3%A9");
        const spelled = `/${names.map((name, index) => spell(name) + (index + 1 < names.length ? gaps[index] : "")).join("")}`;
        assert.equal(normal(spelled), plain, spelled);
      },
    ),
    { numRuns: 3000 },
  );
});

test("normalisePath() returns a normal path as the same string", () => {
  for (const path of ["/", "/a/b/c", "/api/v1/orders/17?expand=items&x=//", "/a;b=c/d,e"]) {
    const result = normalisePath(path);
    assert.ok(result.ok && result.path === path);
  }
});

test("normalisePath() takes time in proportion to the length of hostile paths", () => {
  for (const part of ["/..", "//", "/a", "%2e", "/a/..", "\\"]) {
    const path = `/${part.repeat(20_000)}`;
    const started = performance.now();
    normalisePath(path);
    assert.ok(performance.now() - started < 500, part);
  }
});
