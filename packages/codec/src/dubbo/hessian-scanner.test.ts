import assert from "node:assert/strict";
import { test } from "node:test";
import { HessianScanner } from "./hessian-scanner.ts";
import { HESSIAN_CLASSES_MAX, HESSIAN_DEPTH_MAX } from "./limits.ts";

/** A scanner at the start of `text`, one character per byte. */
function scan(text: string): HessianScanner {
  const bytes = Buffer.from(text, "latin1");
  const scanner = new HessianScanner(bytes);
  scanner.begin(bytes, 0, bytes.length, []);
  return scanner;
}

/** One value of each form of the hessian2 grammar. */
const VALUES: readonly string[] = [
  // null, booleans
  "N",
  "T",
  "F",
  // ints of one byte, two, three, five
  "\x80",
  "\xbf",
  "\xc0\x00",
  "\xcf\xff",
  "\xd0\x00\x00",
  "\xd7\xff\xff",
  "I\x7f\xff\xff\xff",
  // longs
  "\xd8",
  "\xef",
  "\xf0\x00",
  "\xff\xff",
  "\x38\x00\x00",
  "\x3f\xff\xff",
  "Y\x00\x00\x01\x00",
  "L\x00\x00\x00\x01\x00\x00\x00\x00",
  // doubles
  "\x5b",
  "\x5c",
  "\x5d\x80",
  "\x5e\x80\x00",
  "\x5f\x00\x00\x09\xc4",
  "D\x40\x28\x00\x00\x00\x00\x00\x00",
  // dates
  "\x4a\x00\x00\x00\xd0\x4b\x92\x84\xb8",
  "\x4b\x00\xe3\x83\x8f",
  // strings: short, medium, long, in chunks, with characters of one to four bytes
  "\x00",
  "\x05hello",
  "\x1f" + "x".repeat(31),
  "\x30\x20" + "x".repeat(32),
  "\x33\xff" + "x".repeat(1023),
  "S\x04\x00" + "x".repeat(1024),
  "R\x00\x02heS\x00\x03llo",
  "R\x00\x02he\x03llo",
  "\x05gr\xc3\xbc\xc3\x9f!",
  "\x01\xe2\x82\xac",
  "\x02\xf0\x9f\x98\x80",
  "\x02\xed\xa0\xbd\xed\xb8\x80",
  // binary: short, medium, long, in chunks
  "\x20",
  "\x23abc",
  "\x34\x10" + "b".repeat(16),
  "\x37\xff" + "b".repeat(1023),
  "B\x00\x03abc",
  "A\x00\x02abB\x00\x01c",
  "A\x00\x02ab\x21c",
  // lists: typed and untyped, to an end, of a length, of a short length
  "U\x04[int\x90\x91Z",
  "V\x04[int\x92\x90\x91",
  "W\x90\x91Z",
  "X\x92\x90\x91",
  "\x72\x04[int\x90\x91",
  "\x72\x90\x90\x91",
  "\x7a\x90\x91",
  "\x78",
  // maps: untyped, of a type, of the number of a type
  "H\x01a\x90\x01bNZ",
  "M\x03Mapa\x90Z".replace("a\x90", "\x01a\x90"),
  "M\x90\x01a\x90Z",
  "HZ",
  // objects: a definition and its object, then by number
  "C\x03Car\x92\x05color\x05modelO\x90\x03red\x91",
  "C\x03Car\x91\x05color\x60\x03red",
  "WC\x03Car\x91\x05color\x60\x03red\x60\x04blueZ",
  "C\x01A\x90C\x01B\x91\x01x\x61\x91",
  // references
  "W\x51\x90Z",
  // values within values
  "H\x04listW\x01aHZ\x7a\x90\x90Z\x01kWZZ",
];

test("skipValue() goes behind every form of value, and not further", () => {
  for (const value of VALUES) {
    const scanner = scan(`${value}\x90`);
    scanner.skipValue();
    assert.ok(!scanner.isLost, JSON.stringify(value));
    assert.equal(scanner.at, value.length, JSON.stringify(value));
  }
});

test("skipValue() is lost in a value that does not end", () => {
  for (const value of VALUES) {
    for (let length = 0; length < value.length; length++) {
      const bytes = Buffer.from(value, "latin1");
      const scanner = new HessianScanner(bytes);
      scanner.begin(bytes, 0, length, []);
      scanner.skipValue();
      assert.ok(scanner.isLost, JSON.stringify(value.slice(0, length)));
    }
  }
});

test("skipValue() is lost in what is no value", () => {
  const wrong = [
    "\x40",
    "\x45",
    "\x47",
    "\x50",
    "\x5aN",
    "\x60",
    "O\x90",
    "X\x8f",
    "V\x01a\x8f",
    "\x51N",
    "C\x01A\x8f",
  ];
  for (const value of wrong) {
    const scanner = scan(value);
    scanner.skipValue();
    assert.ok(scanner.isLost, JSON.stringify(value));
  }
});

test("HESSIAN_DEPTH_MAX bounds values within values", () => {
  const nested = (depth: number): string => "W".repeat(depth - 1) + "N" + "Z".repeat(depth - 1);
  const allowed = scan(nested(HESSIAN_DEPTH_MAX));
  allowed.skipValue();
  assert.ok(!allowed.isLost);
  const deep = scan(nested(HESSIAN_DEPTH_MAX + 1));
  deep.skipValue();
  assert.ok(deep.isLost);
  const bottomless = scan("W".repeat(1_000_000));
  bottomless.skipValue();
  assert.ok(bottomless.isLost);
});

test("HESSIAN_CLASSES_MAX bounds the classes of a body", () => {
  const classes = (count: number): string => `${"C\x01A\x90".repeat(count)}\x60`;
  const allowed = scan(classes(HESSIAN_CLASSES_MAX));
  allowed.skipValue();
  assert.ok(!allowed.isLost);
  const many = scan(classes(HESSIAN_CLASSES_MAX + 1));
  many.skipValue();
  assert.ok(many.isLost);
});

test("readText() and peekInt() read what stands there", () => {
  const scanner = scan("\x05hello\x30\x21" + "y".repeat(33) + "S\x00\x02okN\x91");
  assert.equal(scanner.readText(), "hello");
  assert.equal(scanner.readText(), "y".repeat(33));
  assert.equal(scanner.readText(), "ok");
  assert.equal(scanner.readText(), "");
  assert.ok(!scanner.isAtText);
  assert.equal(scanner.readText(), "");
  assert.ok(scanner.isLost);
  const ints: [string, number][] = [
    ["\x80", -16],
    ["\xbf", 47],
    ["\xc0\x00", -2048],
    ["\xcf\xff", 2047],
    ["\xd0\x00\x00", -262_144],
    ["\xd7\xff\xff", 262_143],
    ["I\x80\x00\x00\x00", -2_147_483_648],
    ["T", Number.NaN],
    ["I\x00", Number.NaN],
  ];
  for (const [text, value] of ints) assert.equal(scan(text).peekInt(), value);
});
